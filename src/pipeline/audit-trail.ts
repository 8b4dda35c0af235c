import { withOutboxId } from '../audit/event.ts'
import type { RowStore } from '../core/store.ts'

/** The end of the log that frames are given to; see `audit/segments/audit-log.ts` for the implementations. */
export interface FrameSink {
  /** `done` is called once: without an error when the frame is durable, with one when it could not be written. */
  append(frame: string, done: (error?: Error) => void): void
}

interface Undelivered {
  readonly id: number
  readonly frame: string
}

/**
 * Brings frames into the log before a call is answered. Frames of mutations are in the store's outbox
 * already; if the log fails after such a mutation has committed, its frame waits here and goes ahead
 * of every later one, so that nothing is answered while a committed mutation is missing from the log.
 */
export class AuditTrail {
  readonly #sink: FrameSink
  readonly #outbox: Pick<RowStore, 'outboxDelivered'>
  #undelivered: Undelivered[] = []
  /** The delivery under way of what goes ahead; its failure is the failure of all that follows. */
  #ahead: Promise<void> | undefined

  constructor(sink: FrameSink, outbox: Pick<RowStore, 'outboxDelivered'>) {
    this.#sink = sink
    this.#outbox = outbox
  }

  /** Resolves when the frame is durable. */
  record(frame: string): Promise<void> {
    this.#redeliver()
    const appended = this.#append(frame)
    return this.#ahead === undefined ? appended : allOf([this.#ahead, appended])
  }

  /** As `record`, for a frame that the store holds as outbox entry `id`. */
  async recordCommitted(id: number, frame: string): Promise<void> {
    this.#redeliver()
    const delivered = this.#deliver({ id, frame })
    await (this.#ahead === undefined ? delivered : allOf([this.#ahead, delivered]))
  }

  /** As `recordCommitted`, for several frames of one transaction: settles when all of them have. */
  async recordAllCommitted(
    frames: readonly { readonly outboxId: number; readonly frame: string }[],
  ): Promise<void> {
    const [only] = frames
    if (only !== undefined && frames.length === 1) {
      await this.recordCommitted(only.outboxId, only.frame)
      return
    }
    await allOf(frames.map(({ outboxId, frame }) => this.recordCommitted(outboxId, frame)))
  }

  /** How many frames of committed mutations are not in the log yet. */
  get undelivered(): number {
    return this.#undelivered.length
  }

  async #deliver(entry: Undelivered): Promise<void> {
    try {
      await this.#append(withOutboxId(entry.frame, entry.id))
    } catch (error) {
      this.#undelivered.push(entry)
      throw error
    }
    this.#outbox.outboxDelivered([entry.id])
  }

  /** The sink keeps the order of appends: what is handed over here stands before the frame that follows. */
  #redeliver(): void {
    if (this.#undelivered.length === 0) return
    const deliveries = this.#undelivered.map((entry) => this.#deliver(entry))
    this.#undelivered = []
    // Waiting for what was ahead before, too: it may have failed meanwhile, or still be under way.
    const ahead = allOf(this.#ahead === undefined ? deliveries : [this.#ahead, ...deliveries]).then(
      () => {
        if (this.#ahead === ahead) this.#ahead = undefined
      },
    )
    this.#ahead = ahead
    // Each failure has put its entry back, and the calls that wait for it fail with it.
    ahead.catch(() => {
      if (this.#ahead === ahead) this.#ahead = undefined
    })
  }

  #append(frame: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#sink.append(frame, (error) => (error === undefined ? resolve() : reject(error)))
    })
  }
}

/** Settles when all have, and fails as the last of those that failed: none is left unhandled or behind. */
async function allOf(promises: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(promises)
  const failure = outcomes.findLast(({ status }) => status === 'rejected')
  if (failure?.status === 'rejected') throw failure.reason
}
