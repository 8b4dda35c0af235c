import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/**
 * The program under test. `STRONGROOM_TEST_PROGRAM` points the black-box suites at another one, an
 * installed package for example.
 */
export const PROGRAM =
  process.env['STRONGROOM_TEST_PROGRAM'] ??
  fileURLToPath(new URL('../../bin/strongroom', import.meta.url))

/** Generous: a machine that compiles something else at the same time must not fail a test. */
const READY_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 60_000
const READY_POLL_MS = 5
const SAID_TIMEOUT_MS = 60_000

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export interface ServerOptions {
  /** Default `start`. */
  readonly command?: 'start' | 'dev'
  /** Default: a new temporary folder, removed by `stop`, `kill9` or at exit. A given folder is left alone. */
  readonly dataFolder?: string
  /** Further flags, behind `--port` and `--data`. */
  readonly flags?: readonly string[]
  /** Added to an environment without any `STRONGROOM_` or `AWS_` variable. */
  readonly env?: Readonly<Record<string, string>>
  /** Put in front of the program: `['taskset', '-c', '0']`. */
  readonly wrapper?: readonly string[]
  /** It is started as one of several workers, which a test watches in a supervisor's place. */
  readonly isWorker?: boolean
}

/** What a finished run of the program left behind. */
export interface Finished {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

// Whatever ends the test process must not leave servers or their data behind.
const liveGroups = new Set<number>()
const ownFolders = new Set<string>()
process.on('exit', () => {
  for (const pid of liveGroups) killGroup(pid)
  for (const folder of ownFolders) rmSync(folder, { recursive: true, force: true })
})

// A signal ends a process without `exit` handlers, unless somebody asks for them.
for (const [signal, exitCode] of [
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => process.exit(exitCode))

/** A new empty folder that is removed when the test process ends, if not before. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-test-'))
  ownFolders.add(folder)
  return folder
}

/** A Strongroom server as its own process, in its own process group. */
export class ServerProcess implements AsyncDisposable {
  readonly dataFolder: string
  readonly #command: 'start' | 'dev'
  readonly #child: ChildProcess
  /** Resolves when the program has ended and its output is complete. */
  readonly #closed: Promise<void>
  readonly #ownsFolder: boolean
  #stdout = ''
  #stderr = ''
  #endpoint: string | undefined

  constructor(options: ServerOptions = {}) {
    this.#command = options.command ?? 'start'
    this.#ownsFolder = options.dataFolder === undefined
    this.dataFolder = options.dataFolder ?? temporaryFolder()
    const [file, ...args] = [
      ...(options.wrapper ?? []),
      PROGRAM,
      this.#command,
      '--port',
      '0',
      ...(this.#command === 'start' ? ['--data', this.dataFolder] : []),
      ...(options.flags ?? []),
    ]
    this.#child = spawn(file ?? PROGRAM, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', ...(options.isWorker === true ? ['ipc' as const] : [])],
      env: cleanEnvironment(options.env),
    })
    this.#child.on('message', (message) => {
      this.#endpoint ??= readyWorker(message)
    })
    if (this.#child.pid !== undefined) liveGroups.add(this.#child.pid)
    this.#closed = once(this.#child, 'close').then(
      () => undefined,
      (cause: unknown) => {
        this.#stderr += String(cause)
      },
    )
    this.#child.on('exit', () => liveGroups.delete(this.pid))
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      this.#endpoint ??= readyEndpoint(this.#stdout)
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
  }

  /** The process group, and the process that the program was started as. */
  get pid(): number {
    return this.#child.pid ?? -1
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  /** `http://127.0.0.1:PORT`, as the ready line names it. */
  get endpoint(): string {
    assert.ok(this.#endpoint, 'the server is not ready yet')
    return this.#endpoint
  }

  /** Waits until the operator can read something: what a process writes arrives after what it answers. */
  async saysToOperator(pattern: RegExp): Promise<string> {
    const until = performance.now() + SAID_TIMEOUT_MS
    while (!pattern.test(this.#stderr) && !this.hasExited && performance.now() < until) {
      await delay(READY_POLL_MS)
    }
    assert.match(this.#stderr, pattern)
    return pattern.exec(this.#stderr)?.[0] ?? ''
  }

  get hasExited(): boolean {
    const { pid, exitCode, signalCode } = this.#child
    return pid === undefined || exitCode !== null || signalCode !== null
  }

  /** Root credentials: of `root-credentials`, or, for `dev`, of its default account. */
  get credentials(): Credentials {
    if (this.#command === 'dev')
      return { accessKeyId: '000000000000', secretAccessKey: 'not checked' }
    return readCredentials(this.credentialsFile)
  }

  get credentialsFile(): string {
    return join(this.dataFolder, 'root-credentials')
  }

  /** Resolves when the ready line has been printed; rejects with the output when the program ends before. */
  async ready(): Promise<this> {
    const deadline = performance.now() + READY_TIMEOUT_MS
    while (this.#endpoint === undefined) {
      if (this.hasExited) await this.#closed
      if (this.hasExited || performance.now() > deadline) {
        const end = this.hasExited ? `ended with ${this.#child.exitCode}` : 'is not ready in time'
        await this.kill9()
        throw new Error(`${PROGRAM} ${this.#command} ${end}\n${this.#stdout}\n${this.#stderr}`)
      }
      await delay(READY_POLL_MS)
    }
    return this
  }

  /** SIGKILL to the whole process group, as a crash would; resolves when it is gone. */
  async kill9(): Promise<void> {
    if (!this.hasExited) killGroup(this.pid)
    await this.#closed
    this.#removeFolder()
  }

  /** SIGTERM to the program alone, as `kill` does; asserts that it ends by itself with exit code 0. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    const deadline = new AbortController()
    const late = delay(STOP_TIMEOUT_MS, 'late', { signal: deadline.signal, ref: false })
    const result = await Promise.race([this.#closed, late.catch(() => undefined)])
    deadline.abort()
    assert.notEqual(result, 'late', `SIGTERM ends the server in time\n${this.#stderr}`)
    const outcome = this.#child.exitCode ?? this.#child.signalCode
    assert.equal(outcome, 0, `SIGTERM ends the server with exit code 0\n${this.#stderr}`)
    this.#removeFolder()
  }

  /** Ends whatever still runs: `await using` leaves nothing behind, passed or failed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill9()
  }

  #removeFolder(): void {
    if (!this.#ownsFolder) return
    rmSync(this.dataFolder, { recursive: true, force: true })
    ownFolders.delete(this.dataFolder)
  }
}

/** Starts a server and waits until it is ready. */
export async function startServer(options?: ServerOptions): Promise<ServerProcess> {
  return new ServerProcess(options).ready()
}

/** Runs `strongroom ARGS` to its end; `input` is its standard input. */
export async function runStrongroom(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Promise<Finished> {
  return runProgram(PROGRAM, args, options)
}

/** Runs any program to its end and collects what it printed. Signals give a null exit code. */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Promise<Finished> {
  const child = spawn(file, args, { stdio: 'pipe', env: cleanEnvironment(options.env) })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  // A program that does not read its input closes the pipe: not an error of the run.
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  await once(child, 'close')
  return {
    exitCode: child.exitCode,
    stdout: Buffer.concat(stdout).toString(),
    stderr: Buffer.concat(stderr).toString(),
  }
}

/** Reads the profile `default` of a file in the AWS shared credentials format. */
export function readCredentials(file: string): Credentials {
  assert.ok(existsSync(file), `${file} exists`)
  const text = readFileSync(file, 'utf8')
  const value = (name: string): string => {
    const match = new RegExp(`^${name}\\s*=\\s*(\\S+)\\s*$`, 'm').exec(text)
    assert.ok(match?.[1], `${file} has ${name}`)
    return match[1]
  }
  return {
    accessKeyId: value('aws_access_key_id'),
    secretAccessKey: value('aws_secret_access_key'),
  }
}

function readyEndpoint(stdout: string): string | undefined {
  // Only whole lines: the URL might have arrived in part.
  const lines = stdout.slice(0, stdout.lastIndexOf('\n') + 1).split('\n')
  const line = lines.find((candidate) => /\bready\b/.test(candidate))
  return line === undefined ? undefined : /https?:\/\/[^\s/"']+/.exec(line)?.[0]
}

/** A worker says where it serves to whoever watches it. */
const readyWorker = (message: unknown): string | undefined =>
  typeof message === 'object' && message !== null && 'endpoint' in message
    ? String(message.endpoint)
    : undefined

function cleanEnvironment(added: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('STRONGROOM_') && !name.startsWith('AWS_'),
  )
  // The runner's own variable would make a child Node.js speak the runner's protocol on its output.
  return { ...Object.fromEntries(inherited), NODE_TEST_CONTEXT: undefined, ...added }
}

function killGroup(pid: number): void {
  // kill(-1) would reach every process of the user.
  assert.ok(pid > 1, 'a process group of our own')
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The group is gone already: that is what was wanted.
  }
}
