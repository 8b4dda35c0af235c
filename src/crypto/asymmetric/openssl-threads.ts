import { setPriority } from 'node:os'
import { parentPort, Worker } from 'node:worker_threads'
import { assert, unreachable } from '../../core/assert.ts'
import { DependencyError } from '../../core/errors.ts'
import type { NativeSchemeName } from './native-schemes.ts'
import { NATIVE_SCHEMES } from './native-schemes.ts'
import type { NativeKey, OpensslFfi } from './openssl-ffi.ts'
import { openOpensslFfi } from './openssl-ffi.ts'

/** One operation on a native key, in a form that crosses to another thread. */
export type NativeTask =
  | {
      readonly kind: 'sign'
      readonly key: NativeKey
      readonly scheme: NativeSchemeName
      readonly input: Uint8Array
    }
  | {
      readonly kind: 'verify'
      readonly key: NativeKey
      readonly scheme: NativeSchemeName
      readonly input: Uint8Array
      readonly signature: Uint8Array
    }
  | { readonly kind: 'encrypt'; readonly key: NativeKey; readonly input: Uint8Array }
  | { readonly kind: 'decrypt'; readonly key: NativeKey; readonly input: Uint8Array }

/** What a task gives: bytes; whether a signature is valid; undefined for what does not decrypt. */
export type NativeResult = Uint8Array | boolean | undefined

type Answer = { readonly result: NativeResult } | { readonly failure: string }

/** Does one task on the calling thread. */
export function perform(openssl: OpensslFfi, task: NativeTask): NativeResult {
  switch (task.kind) {
    case 'sign':
      return openssl.sign(task.key, NATIVE_SCHEMES[task.scheme], task.input)
    case 'verify':
      return openssl.verify(task.key, NATIVE_SCHEMES[task.scheme], task.input, task.signature)
    case 'encrypt':
      return openssl.encrypt(task.key, task.input)
    case 'decrypt':
      return openssl.decrypt(task.key, task.input)
    default:
      return unreachable(task)
  }
}

/** How many threads, and how many tasks may wait for them. */
export interface ThreadLimits {
  readonly threads: number
  readonly waiting: number
}

/**
 * Tasks that a thread is given at once, where many wait: each crossing wakes a thread, and what comes back
 * together is also recorded together.
 */
const TASKS_AT_ONCE_MAX = 8

interface Pending {
  readonly task: NativeTask
  readonly resolve: (result: NativeResult) => void
  readonly reject: (error: Error) => void
}

/**
 * Threads for native operations that would hold up the event loop: `node:ffi` has no asynchronous calls.
 * They share the process, so a key goes over as the pointer it is and its bytes go nowhere. A thread starts
 * with the first task that finds none idle, and an idle one keeps no process alive.
 */
export class OpensslThreads {
  readonly #limits: ThreadLimits
  readonly #idle: Worker[] = []
  readonly #all = new Set<Worker>()
  readonly #waiting: Pending[] = []
  readonly #running = new Map<Worker, readonly Pending[]>()
  #closed = false

  constructor(limits: ThreadLimits) {
    assert(limits.threads > 0, 'there is at least one thread')
    this.#limits = limits
  }

  /**
   * Does a task on some thread. The caller keeps the key alive until the promise settles.
   * @throws {DependencyError} when too many tasks wait, the thread ended or OpenSSL failed.
   */
  run(task: NativeTask): Promise<NativeResult> {
    if (this.#closed || this.#waiting.length >= this.#limits.waiting) {
      return Promise.reject(
        new DependencyError('too many cryptographic operations wait for a thread'),
      )
    }
    const { promise, resolve, reject } = Promise.withResolvers<NativeResult>()
    this.#waiting.push({ task, resolve, reject })
    this.#dispatch()
    return promise
  }

  /** Ends all threads; tasks under way are rejected. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#all].map((worker) => worker.terminate()))
    for (const { reject } of this.#waiting.splice(0)) reject(ended())
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#idle.pop() ?? this.#start()
      if (worker === undefined) return
      const pending = this.#waiting.splice(0, this.#share())
      this.#running.set(worker, pending)
      worker.ref()
      // Copies go over: the caller's bytes stay the caller's.
      worker.postMessage(
        pending.map(({ task }) => task),
        [],
      )
    }
  }

  /** How many of the tasks that wait one thread takes: enough are left for all others, twice. */
  #share(): number {
    const fair = Math.floor(this.#waiting.length / (2 * this.#limits.threads))
    return Math.min(TASKS_AT_ONCE_MAX, Math.max(1, fair))
  }

  #start(): Worker | undefined {
    if (this.#all.size >= this.#limits.threads) return undefined
    // The module's own address, because a file name in a string would not be renamed with the others
    // when TypeScript becomes JavaScript.
    const worker = new Worker(
      `import(${JSON.stringify(import.meta.url)}).then((module) => module.serveNativeTasks())`,
      { eval: true, env: {}, argv: [] },
    )
    worker.on('message', (answers: readonly Answer[]) => this.#settle(worker, answers))
    worker.on('error', () => this.#lose(worker))
    worker.on('exit', () => this.#lose(worker))
    this.#all.add(worker)
    return worker
  }

  #settle(worker: Worker, answers: readonly Answer[]): void {
    const pending = this.#running.get(worker)
    assert(pending?.length === answers.length, 'a thread answers what it was asked')
    this.#running.delete(worker)
    worker.unref()
    this.#idle.push(worker)
    // It goes on with what waits while this thread deals with the answers.
    this.#dispatch()
    for (const [at, answer] of answers.entries()) {
      if ('failure' in answer) pending[at]?.reject(new DependencyError(answer.failure))
      else pending[at]?.resolve(answer.result)
    }
  }

  #lose(worker: Worker): void {
    if (!this.#all.delete(worker)) return
    const at = this.#idle.indexOf(worker)
    if (at !== -1) this.#idle.splice(at, 1)
    for (const { reject } of this.#running.get(worker) ?? []) reject(ended())
    this.#running.delete(worker)
    if (!this.#closed) this.#dispatch()
  }
}

const ended = (): DependencyError => new DependencyError('a thread for cryptography has ended')

/** The program of such a thread: answers the tasks of `OpensslThreads`, one after the other. */
export function serveNativeTasks(): void {
  const port = parentPort
  assert(port !== null, 'this runs in a thread of its own')
  giveWay()
  const openssl = openOpensslFfi()
  // Only OpensslThreads has the other end of the port.
  port.on('message', (tasks: readonly NativeTask[]) => {
    const answers = tasks.map((task) => answerTo(task, openssl))
    // Handed over, not copied: they may be plaintexts.
    const memory = answers.flatMap((answer) =>
      'result' in answer && answer.result instanceof Uint8Array ? [ownMemory(answer.result)] : [],
    )
    port.postMessage(answers, memory)
  })
}

function answerTo(task: NativeTask, openssl: OpensslFfi | undefined): Answer {
  try {
    assert(openssl !== undefined, 'what the main thread can bind to, so can this one')
    return { result: perform(openssl, task) }
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) }
  } finally {
    if (task.kind === 'encrypt') task.input.fill(0)
  }
}

/** About a tenth of the share of a core. `bench/rsa-burst.ts` shows what it is worth. */
const NICENESS = 10

/**
 * Lets the event loop, and every other process, go first: a burst of signatures must not make everything else
 * wait. On Linux 0 means the calling thread; elsewhere it is the whole process, which must not be slowed.
 */
function giveWay(): void {
  if (process.platform === 'linux') setPriority(0, NICENESS)
}

/** The memory of bytes that share it with nothing. */
function ownMemory({ buffer, byteLength }: Uint8Array): ArrayBuffer {
  assert(buffer instanceof ArrayBuffer && buffer.byteLength === byteLength, 'the bytes are alone')
  return buffer
}
