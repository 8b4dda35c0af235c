import { setPriority } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads'
import { unreachable } from '../../core/assert.ts'
import type {
  AuditSearch,
  EventCount,
  EventCountsQuery,
  EventPage,
  EventPageQuery,
} from '../../core/audit-search.ts'
import { DependencyError, IntegrityError, OperatorError } from '../../core/errors.ts'
import type { Log } from '../../core/ports.ts'
import { diskSegmentFiles } from '../segments/segment-files.ts'
import { AuditIndex, type IndexStats } from './audit-index.ts'

/** On Linux 0 means the calling thread. As far back as it goes: everything that is served comes first. */
const NICENESS = 19
/** How long closing waits for the question under way. */
const CLOSE_MS = 2000

export interface IndexThreadOptions {
  /** Of the log. */
  readonly folder: string
  readonly nodeId: string
  /** Of the index. */
  readonly file: string
  /** The newest durable frame. */
  readonly head: () => number
  readonly log: Log
}

type ThreadData = Pick<IndexThreadOptions, 'folder' | 'nodeId' | 'file'>

/** What the thread is asked: each with the newest frame that was durable then. */
type Question =
  | { readonly kind: 'search'; readonly query: EventPageQuery }
  | { readonly kind: 'counts'; readonly query: EventCountsQuery }
  | { readonly kind: 'request'; readonly requestId: string }
  | { readonly kind: 'forget'; readonly below: number }
  | { readonly kind: 'batch' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'close' }

type Answer =
  | { readonly id: number; readonly stats: IndexStats; readonly result: unknown }
  | { readonly id: number; readonly failure: FailureText }
  | { readonly stats: IndexStats }
  | { readonly warning: string; readonly fields: Readonly<Record<string, string | number>> }

interface FailureText {
  readonly name: string
  readonly message: string
  readonly hint: string | undefined
}

interface Pending {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

const NO_STATS: IndexStats = {
  lagFrames: 0,
  sequence: 0,
  events: 0,
  bytes: 0,
  lastBatchFrames: 0,
  lastBatchMs: 0,
  rebuilds: 0,
}

/**
 * The index of a node's log on a thread of its own, at a low priority: neither SQLite nor the reading of records holds up
 * calls. The thread starts with the first use, and anew after it has ended by a failure.
 */
export class IndexThread implements AuditSearch {
  readonly #options: IndexThreadOptions
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | undefined
  #stats = NO_STATS
  #lastId = 0
  #isClosed = false
  #isCatchingUp = false
  #isFailing = false

  constructor(options: IndexThreadOptions) {
    this.#options = options
  }

  async search(query: EventPageQuery): Promise<EventPage> {
    // What comes back is what `AuditIndex` gave for the same question.
    return (await this.#ask({ kind: 'search', query })) as EventPage
  }

  async counts(query: EventCountsQuery): Promise<readonly EventCount[]> {
    // Likewise.
    return (await this.#ask({ kind: 'counts', query })) as readonly EventCount[]
  }

  /** As of `AuditIndex`; so are the others. */
  async requestFrames(requestId: string): Promise<readonly string[]> {
    // Likewise.
    return (await this.#ask({ kind: 'request', requestId })) as readonly string[]
  }

  /**
   * Takes in what is new, in the background: nobody need wait for it. Failures are in the log.
   * @param mayGoOn asked between batches, of 4096 frames each
   */
  async catchUp(mayGoOn: () => boolean = () => true): Promise<void> {
    if (this.#isCatchingUp || this.#isClosed || this.stats().lagFrames === 0) return
    this.#isCatchingUp = true
    try {
      while ((await this.#ask({ kind: 'batch' })) === true && mayGoOn());
      if (this.#isFailing) {
        this.#options.log.info({}, 'the index of the audit log is brought up to date again')
      }
      this.#isFailing = false
    } catch (error) {
      // Told once, and not again until it has worked: it is tried every second.
      if (this.#isClosed || this.#isFailing) return
      this.#isFailing = true
      this.#options.log.error(
        {},
        'the index of the audit log could not be brought up to date',
        error,
      )
    } finally {
      this.#isCatchingUp = false
    }
  }

  async reset(): Promise<void> {
    await this.#ask({ kind: 'reset' })
  }

  async forgetBelow(sequence: number): Promise<void> {
    await this.#ask({ kind: 'forget', below: sequence })
  }

  /** The newest frame that is known to be in the index. */
  get sequence(): number {
    return this.#stats.sequence
  }

  stats(): IndexStats {
    return {
      ...this.#stats,
      lagFrames: Math.max(0, this.#options.head() - this.#stats.sequence),
    }
  }

  /** Waits a moment for what is under way; what is then cut off is taken in after the next start. */
  async close(): Promise<void> {
    const worker = this.#worker
    const closed = worker === undefined ? undefined : this.#ask({ kind: 'close' })
    this.#isClosed = true
    // Rejects where the thread has ended already.
    await Promise.race([closed?.catch(() => undefined), delay(CLOSE_MS, undefined, { ref: false })])
    await worker?.terminate()
  }

  #ask(question: Question): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(ended())
    const worker = (this.#worker ??= this.#start())
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#lastId += 1
    this.#pending.set(this.#lastId, { resolve, reject })
    worker.ref()
    const head = this.#options.head()
    worker.postMessage({ ...question, id: this.#lastId, head }, [])
    return promise
  }

  #start(): Worker {
    const { folder, nodeId, file } = this.#options
    const data: ThreadData = { folder, nodeId, file }
    // The module's own address: see `OpensslThreads`.
    const worker = new Worker(
      `import(${JSON.stringify(import.meta.url)}).then((module) => module.serveIndex())`,
      { eval: true, env: {}, argv: [], workerData: data },
    )
    worker.on('message', (answer: Answer) => this.#take(worker, answer))
    worker.on('error', (error) => this.#lose(worker, error))
    worker.on('exit', () => this.#lose(worker))
    return worker
  }

  #take(worker: Worker, answer: Answer): void {
    if ('warning' in answer) {
      this.#options.log.warn(answer.fields, answer.warning)
      return
    }
    if ('stats' in answer) this.#stats = answer.stats
    if (!('id' in answer)) return
    const pending = this.#pending.get(answer.id)
    this.#pending.delete(answer.id)
    if (this.#pending.size === 0) worker.unref()
    if ('failure' in answer) pending?.reject(errorOf(answer.failure))
    else pending?.resolve(answer.result)
  }

  #lose(worker: Worker, cause?: unknown): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    const all = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject } of all) reject(ended(cause))
  }
}

const ended = (cause?: unknown): DependencyError =>
  new DependencyError('the thread of the audit index has ended', { cause })

/** Errors that people are told of keep their kind. */
function errorOf({ name, message, hint }: FailureText): Error {
  if (name === 'OperatorError') return new OperatorError(message, hint)
  if (name === 'IntegrityError') return new IntegrityError(message)
  return new DependencyError(message)
}

const failureOf = (error: unknown): FailureText =>
  error instanceof Error
    ? {
        name: error.name,
        message: `${error.message}${error.cause instanceof Error ? `: ${error.cause.message}` : ''}`,
        hint: error instanceof OperatorError ? error.hint : undefined,
      }
    : { name: 'Error', message: String(error), hint: undefined }

/** What the thread runs. */
export function serveIndex(): void {
  const port = parentPort
  if (port === null) return
  if (process.platform === 'linux') setPriority(0, NICENESS)
  // Given by `#start` above.
  const { folder, nodeId, file } = workerData as ThreadData
  let head = 0
  const warn = (fields: Readonly<Record<string, string | number>>, warning: string): void =>
    post(port, { warning, fields })
  const index = new AuditIndex({
    files: diskSegmentFiles(folder, { durable: false }),
    nodeId,
    file,
    head: () => head,
    log: { info: warn, warn, error: warn },
    steadyMs: () => performance.now(),
    onBatch: () => post(port, { stats: index.stats() }),
  })
  port.on('message', (message: Question & { readonly id: number; readonly head: number }) => {
    head = Math.max(head, message.head)
    void reply(index, message, port)
  })
}

async function reply(
  index: AuditIndex,
  message: Question & { readonly id: number },
  port: MessagePort,
): Promise<void> {
  const { id } = message
  try {
    const result = await resultOf(index, message)
    post(port, { id, stats: index.stats(), result })
  } catch (error) {
    post(port, { id, failure: failureOf(error) })
  }
}

function resultOf(index: AuditIndex, question: Question): Promise<unknown> {
  switch (question.kind) {
    case 'search':
      return index.search(question.query)
    case 'counts':
      return index.counts(question.query)
    case 'request':
      return index.requestFrames(question.requestId)
    case 'forget':
      return index.forgetBelow(question.below)
    case 'reset':
      return index.reset()
    case 'close':
      return index.close()
    case 'batch':
      return index.takeBatch()
    default:
      return unreachable(question)
  }
}

const post = (port: MessagePort, answer: Answer): void => port.postMessage(answer, [])
