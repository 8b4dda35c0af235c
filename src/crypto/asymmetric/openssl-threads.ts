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
  readonly #running = new Map<Worker, Pending>()
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
      const pending = this.#waiting.shift()
      assert(pending !== undefined, 'the loop saw one that waits')
      this.#running.set(worker, pending)
      worker.ref()
      // A copy goes over: the caller's bytes stay the caller's.
      worker.postMessage(pending.task, [])
    }
  }

  #start(): Worker | undefined {
    if (this.#all.size >= this.#limits.threads) return undefined
    // The module's own address, because a file name in a string would not be renamed with the others
    // when TypeScript becomes JavaScript.
    const worker = new Worker(
      `import(${JSON.stringify(import.meta.url)}).then((module) => module.serveNativeTasks())`,
      { eval: true, env: {}, argv: [] },
    )
    worker.on('message', (answer: Answer) => this.#settle(worker, answer))
    worker.on('error', () => this.#lose(worker))
    worker.on('exit', () => this.#lose(worker))
    this.#all.add(worker)
    return worker
  }

  #settle(worker: Worker, answer: Answer): void {
    const pending = this.#running.get(worker)
    assert(pending !== undefined, 'a thread answers what it was asked')
    this.#running.delete(worker)
    worker.unref()
    this.#idle.push(worker)
    if ('failure' in answer) pending.reject(new DependencyError(answer.failure))
    else pending.resolve(answer.result)
    this.#dispatch()
  }

  #lose(worker: Worker): void {
    if (!this.#all.delete(worker)) return
    const at = this.#idle.indexOf(worker)
    if (at !== -1) this.#idle.splice(at, 1)
    this.#running.get(worker)?.reject(ended())
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
  port.on('message', (task: NativeTask) => {
    try {
      assert(openssl !== undefined, 'what the main thread can bind to, so can this one')
      const result = perform(openssl, task)
      // Handed over, not copied: it may be a plaintext.
      port.postMessage({ result }, result instanceof Uint8Array ? [ownMemory(result)] : [])
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error)
      port.postMessage({ failure }, [])
    } finally {
      if (task.kind === 'encrypt') task.input.fill(0)
    }
  })
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
