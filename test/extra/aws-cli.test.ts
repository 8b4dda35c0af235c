import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { describe } from 'node:test'
import type { Finished, ServerProcess } from '../support/server-process.ts'
import {
  runProgram,
  runStrongroom,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'

const found = spawnSync('aws', ['--version'], { encoding: 'utf8' })
const skip = found.status === 0 ? false : 'the AWS CLI is not on the PATH'
/** Output of the machine's own AWS configuration must not reach the tests. */
const NO_CONFIGURATION = {
  AWS_CONFIG_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_PAGER: '',
  AWS_MAX_ATTEMPTS: '1',
}

/** The AWS CLI in a shell that has evaluated `strongroom env`. */
class Shell {
  readonly #exports: string

  private constructor(exports: string) {
    this.#exports = exports
  }

  static async beside(server: ServerProcess): Promise<Shell> {
    const { exitCode, stdout, stderr } = await runStrongroom(['env', '--data', server.dataFolder])
    assert.equal(exitCode, 0, stderr)
    return new Shell(stdout)
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

describe('the AWS CLI, unmodified', { skip }, () => {
  test('leads a key through its whole life', async () => {
    await using server = await startServer()
    const aws = await Shell.beside(server)
    const folder = temporaryFolder()
    const [plain, sealed] = [join(folder, 'plain'), join(folder, 'sealed')]
    writeFileSync(plain, 'attack at dawn')

    const account = await aws.answer('sts', 'get-caller-identity', '--query', 'Account')
    assert.match(account, /^\d{12}$/)
    const key = await aws.answer('kms', 'create-key', '--query', 'KeyMetadata.KeyId')
    await aws.answer('kms', 'create-alias', '--alias-name', 'alias/app', '--target-key-id', key)
    const context = ['--encryption-context', 'purpose=test']
    const encrypt = ['kms', 'encrypt', '--key-id', 'alias/app', '--plaintext', `fileb://${plain}`]
    const blob = await aws.answer(...encrypt, ...context, '--query', 'CiphertextBlob')
    assert.match(blob, /^AQIC/)
    writeFileSync(sealed, Buffer.from(blob, 'base64'))

    const decrypt = [
      'kms',
      'decrypt',
      '--ciphertext-blob',
      `fileb://${sealed}`,
      '--query',
      'Plaintext',
    ]
    const opened = await aws.answer(...decrypt, ...context)
    assert.equal(Buffer.from(opened, 'base64').toString(), 'attack at dawn')
    assert.match(
      await aws.refusal(...decrypt),
      /\(InvalidCiphertextException\) when calling the Decrypt/,
    )

    const tampered = readFileSync(sealed)
    tampered[tampered.length - 1] = (tampered.at(-1) ?? 0) ^ 1
    writeFileSync(join(folder, 'tampered'), tampered)
    const wrong = ['kms', 'decrypt', '--ciphertext-blob', `fileb://${join(folder, 'tampered')}`]
    assert.match(await aws.refusal(...wrong, ...context), /\(InvalidCiphertextException\)/)

    await aws.answer('kms', 'disable-key', '--key-id', key)
    const disabled = await aws.refusal(...decrypt, ...context)
    assert.match(
      disabled,
      /\(DisabledException\).*arn:aws:kms:us-east-1:\d{12}:key\/.* is disabled\./,
    )
    await aws.answer('kms', 'enable-key', '--key-id', key)
    await aws.answer(
      'kms',
      'schedule-key-deletion',
      '--key-id',
      key,
      '--pending-window-in-days',
      '7',
    )
    const pending = await aws.refusal(...decrypt, ...context)
    assert.match(pending, /\(KMSInvalidStateException\).* is pending deletion\./)
    await aws.answer('kms', 'cancel-key-deletion', '--key-id', key)
    await aws.answer('kms', 'enable-key', '--key-id', key)
    assert.equal(await aws.answer(...decrypt, ...context), opened)
    await server.stop()
  })

  test('of another account may not use the key', async () => {
    await using server = await startServer()
    const aws = await Shell.beside(server)
    const arn = await aws.answer('kms', 'create-key', '--query', 'KeyMetadata.Arn')
    const created = await runStrongroom([
      'account',
      'create',
      '--json',
      '--data',
      server.dataFolder,
    ])
    const other: { readonly accessKeyId: string; readonly secretAccessKey: string } = JSON.parse(
      created.stdout,
    )
    const { exitCode, stderr } = await aws.run(['kms', 'describe-key', '--key-id', arn], {
      AWS_ACCESS_KEY_ID: other.accessKeyId,
      AWS_SECRET_ACCESS_KEY: other.secretAccessKey,
    })
    assert.notEqual(exitCode, 0)
    assert.match(stderr, /\(AccessDeniedException\) when calling the DescribeKey/)
    await server.stop()
  })

  test("trusts the node's own CA by what strongroom env says", async () => {
    await using server = await startServer({ flags: ['--tls'] })
    assert.match(server.endpoint, /^https:/)
    const aws = await Shell.beside(server)
    assert.equal(await aws.answer('kms', 'list-keys', '--query', 'length(Keys)'), '0')
    await server.stop()
  })
})
