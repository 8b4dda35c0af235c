import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import type { Finished, ServerProcess } from './server-process.ts'
import { runProgram, runStrongroom } from './server-process.ts'

const found = spawnSync('aws', ['--version'], { encoding: 'utf8' })
/** Why the AWS CLI cannot be tested here; false where it can. */
export const awsIsMissing = found.status === 0 ? false : 'the AWS CLI is not on the PATH'

/** Output of the machine's own AWS configuration must not reach the tests. */
const NO_CONFIGURATION = {
  AWS_CONFIG_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_PAGER: '',
  AWS_MAX_ATTEMPTS: '1',
}

/** The AWS CLI in a shell that has evaluated what the server says of itself. */
export class AwsShell {
  readonly #exports: string

  private constructor(exports: string) {
    this.#exports = exports
  }

  /** After `strongroom env`. */
  static async beside(server: ServerProcess): Promise<AwsShell> {
    const { exitCode, stdout, stderr } = await runStrongroom(['env', '--data', server.dataFolder])
    assert.equal(exitCode, 0, stderr)
    return new AwsShell(stdout)
  }

  /** After the lines that `strongroom dev` prints. */
  static besideDev(server: ServerProcess): AwsShell {
    const lines = server.stdout.split('\n').filter((line) => line.trim().startsWith('export '))
    return new AwsShell(lines.join('\n'))
  }

  run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
    const script = `${this.#exports}\nexec aws "$@"`
    return runProgram('sh', ['-c', script, 'sh', ...args], { env: { ...NO_CONFIGURATION, ...env } })
  }

  /** The answer's text, after `--query`. */
  async answer(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run([...args, '--output', 'text'])
    assert.equal(exitCode, 0, stderr)
    return stdout.trim()
  }

  /** The error line, for a command that must be refused. */
  async refusal(...args: readonly string[]): Promise<string> {
    const { exitCode, stderr } = await this.run(args)
    assert.ok(exitCode !== 0 && exitCode !== null)
    return stderr.trim()
  }
}
