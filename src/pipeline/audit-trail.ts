import { withOutboxId } from '../audit/event.ts'
import type { RowStore } from '../core/store.ts'

/** The end of the log that frames are given to; see `audit/log.ts` for the implementations. */
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

  constructor(sink: FrameSink, outbox: Pick<RowStore, 'outboxDelivered'>) {
    this.#sink = sink
    this.#outbox = outbox
  }

  /** Resolves when the frame is durable. */
  record(frame: string): Promise<void> {
    this.#redeliver()
    return this.#append(frame)
  }

  /** As `record`, for a frame that the store holds as outbox entry `id`. */
  async recordCommitted(id: number, frame: string): Promise<void> {
    this.#redeliver()
    await this.#deliver({ id, frame })
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
    const entries = this.#undelivered
    this.#undelivered = []
    // A failure puts the entry back; the frame that follows fails with it, and so does its call.
    for (const entry of entries) void this.#deliver(entry).catch(() => undefined)
  }

  #append(frame: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#sink.append(frame, (error) => (error === undefined ? resolve() : reject(error)))
    })
  }
}
