import { DependencyError } from '../../core/errors.ts'
import type { Clock, Log, Random } from '../../core/ports.ts'
import { backOffMs } from '../back-off.ts'
import { inParallel } from '../in-parallel.ts'
import type { LogSource } from '../log-source.ts'
import type { ApiCallChoice } from './bridge-event.ts'
import { EventLedger, type LedgerRecords } from './event-ledger.ts'
import type { EventSink } from './event-sink.ts'
import { SinkGone } from './event-sink.ts'
import { EventReader, type EventWindow, WINDOW_EVENTS_MAX } from './event-window.ts'
import { HeldLanes } from './held-lanes.ts'
import { WindowDelivery } from './window-delivery.ts'

/** Events of one sink that are held at a time: beyond, nothing more is taken from the log, which keeps it. */
const HELD_MAX = 20_000
/** Keys whose events are on their way to one sink at once. */
const KEYS_AT_ONCE = 16
/** Dead letters of one sink; beyond, events are tried for as long as it takes. */
export const DEAD_LETTERS_MAX = 10_000
/** How long a delivery under way may take when the node is stopped. */
const STOP_MS = 3000
/** Frames without events after which the cursor moves all the same. */
const QUIET_FRAMES_MAX = 10_000

export interface FeedParts {
  readonly records: LedgerRecords
  readonly source: LogSource
  readonly sink: EventSink
  readonly apiCalls: ApiCallChoice
  /** The machine's clock: receivers do not follow a moved one. */
  readonly machine: Clock
  readonly random: Random
  readonly log: Log
}

/** The state of one sink at this moment, and counters since the start. */
export interface FeedStats {
  readonly sink: string
  /** Frames of the log that have not been looked at for it. */
  readonly behind: number
  /** Events that were not taken and are tried again. */
  readonly held: number
  readonly deadLetters: number
  readonly delivered: number
  readonly failures: number
  /** How long the oldest event has been waiting; 0 where none is. Unit: milliseconds. */
  readonly oldestMs: number
  /** Why nothing is sent any more until the next start; absent where it is. */
  readonly disabled?: string
  /** Why the last attempt that failed did so; absent where none has. */
  readonly lastFailure?: string
}

/** Brings the events of a node's audit log to one sink: at least once, and in order for each key. */
export class EventFeed {
  readonly #parts: FeedParts
  readonly #ledger: EventLedger
  readonly #lanes = new HeldLanes()
  readonly #reader: EventReader
  /** What the store has for the cursor. */
  #cursor: number
  #dead = 0
  #isStale = false
  #disabled: string | undefined
  #isStopping = false
  readonly #cut = new AbortController()
  /** Rounds that failed in a row by no fault of the sink, and when the next one begins. */
  #broken = { failures: 0, until: 0 }
  /** Of a sink that takes events in one order only: failures in a row, and when it is tried again. */
  #stalled:
    | { readonly failures: number; readonly since: number; readonly until: number }
    | undefined
  #delivered = 0
  #failures = 0
  #lastFailure: string | undefined
  #round: Promise<void> | undefined

  private constructor(parts: FeedParts, ledger: EventLedger, cursor: number) {
    this.#parts = parts
    this.#ledger = ledger
    this.#cursor = cursor
    this.#reader = new EventReader(parts.source, parts.apiCalls, cursor)
  }

  /** A sink that was not known before gets what happens from now on. */
  static async open(parts: FeedParts): Promise<EventFeed> {
    const { records, source, sink, log } = parts
    const ledger = new EventLedger(records, source.nodeId, sink.name)
    const head = source.head().sequence
    const cursor = await ledger.openCursor(head)
    if (cursor > head) {
      log.warn({ sink: sink.name, cursor, head }, 'the audit log ends before what a sink has had')
    }
    const feed = new EventFeed(parts, ledger, Math.min(cursor, head))
    await feed.#load()
    return feed
  }

  /** Sends all that is there and due. One round at a time: who comes meanwhile waits for the same. */
  round(): Promise<void> {
    this.#round ??= this.#deliverAll().finally(() => {
      this.#round = undefined
    })
    return this.#round
  }

  /** As `round`, for all that is there now. */
  async flush(): Promise<void> {
    await this.#round?.catch(() => undefined)
    await this.round()
  }

  /** Says that held events were changed in the store by somebody else. */
  reload(): void {
    this.#isStale = true
  }

  stats(): FeedStats {
    const { source, sink, machine } = this.#parts
    const now = machine.now()
    const oldest = Math.min(this.#lanes.oldest() ?? now, this.#stalled?.since ?? now)
    return {
      sink: sink.name,
      behind: Math.max(0, source.head().sequence - this.#cursor),
      held: this.#lanes.size,
      deadLetters: this.#dead,
      delivered: this.#delivered,
      failures: this.#failures,
      oldestMs: Math.max(0, now - oldest),
      ...(this.#disabled !== undefined && { disabled: this.#disabled }),
      ...(this.#lastFailure !== undefined && { lastFailure: this.#lastFailure }),
    }
  }

  /** The frame up to which the log is not needed for this sink any more. */
  get cursor(): number {
    return this.#cursor
  }

  /** Ends the round under way: what it has not sent is kept for the next start. */
  async close(): Promise<void> {
    this.#isStopping = true
    const timer = setTimeout(() => this.#cut.abort(), STOP_MS)
    await this.#round?.catch(() => undefined)
    clearTimeout(timer)
    await this.#reader.close()
    await this.#parts.sink.close()
  }

  async #deliverAll(): Promise<void> {
    const { source, sink, machine, random } = this.#parts
    if (machine.now() < this.#broken.until) return
    const end = source.head().sequence
    try {
      while (!this.#isStopping && this.#disabled === undefined) {
        if (this.#isStale) await this.#load()
        const isMore = await (sink.perKey ? this.#sendByKey(end) : this.#sendInRow(end))
        if (!isMore) break
      }
      this.#broken = { failures: 0, until: 0 }
    } catch (error) {
      const failures = this.#broken.failures + 1
      this.#broken = { failures, until: machine.now() + backOffMs(failures, random) }
      // What was read and not kept is read, and sent, again.
      await this.#reader.rewind(this.#cursor)
      throw error
    }
  }

  async #load(): Promise<void> {
    this.#isStale = false
    this.#lanes.clear()
    for await (const event of this.#ledger.held('waiting')) this.#lanes.add(event, 0)
    this.#dead = await this.#ledger.countDead(DEAD_LETTERS_MAX)
  }

  /** One window, each key on its own way. @returns whether there may be more */
  async #sendByKey(end: number): Promise<boolean> {
    const { machine, random } = this.#parts
    const room = Math.max(0, HELD_MAX - this.#lanes.size)
    const window = await this.#reader.next(Math.min(room, WINDOW_EVENTS_MAX), end)
    const due = this.#lanes.due(machine.now())
    if (window.events.length === 0 && due.length === 0) return this.#passQuiet(window)
    const delivery = new WindowDelivery({
      ...this.#parts,
      nodeId: this.#parts.source.nodeId,
      ledger: this.#ledger,
      isStopping: () => this.#isStopping,
      cut: this.#cut.signal,
      mayDie: (more) => this.#dead + more <= DEAD_LETTERS_MAX,
    })
    await inParallel(delivery.jobs(window.events, due, this.#lanes), KEYS_AT_ONCE)
    await this.#ledger.commit({ sequence: window.sequence, ...delivery.change() })
    this.#moved(window)
    for (const { orderKey, gone, notBefore } of delivery.shortened())
      this.#lanes.shorten(orderKey, gone, notBefore)
    for (const { event, failures } of delivery.newlyHeld()) {
      const waitMs = failures === 0 ? 0 : backOffMs(failures, random)
      this.#lanes.add(event, machine.now() + waitMs)
    }
    this.#dead += delivery.deadLetters
    this.#delivered += delivery.delivered
    this.#failures += delivery.failures
    this.#lastFailure = delivery.lastFailure ?? this.#lastFailure
    if (delivery.gone !== undefined) this.#disable(delivery.gone)
    return true
  }

  /** One window, all of it or nothing. @returns whether there may be more */
  async #sendInRow(end: number): Promise<boolean> {
    const { sink, machine, random } = this.#parts
    const now = machine.now()
    if (this.#stalled !== undefined && now < this.#stalled.until) return false
    const window = await this.#reader.next(WINDOW_EVENTS_MAX, end)
    if (window.events.length === 0) return this.#passQuiet(window)
    try {
      await sink.deliver(window.events, this.#cut.signal)
    } catch (error) {
      if (!(error instanceof DependencyError)) throw error
      const failures = (this.#stalled?.failures ?? 0) + 1
      const since = this.#stalled?.since ?? now
      this.#stalled = { failures, since, until: machine.now() + backOffMs(failures, random) }
      this.#failed(error)
      await this.#reader.rewind(this.#cursor)
      return false
    }
    this.#stalled = undefined
    this.#delivered += window.events.length
    const change = { held: [], tried: new Map(), delivered: [] }
    await this.#ledger.commit({ sequence: window.sequence, ...change })
    this.#moved(window)
    return true
  }

  /** Nothing in these frames is for anybody: that is noted now and then. */
  async #passQuiet(window: EventWindow): Promise<boolean> {
    if (window.sequence - this.#cursor >= QUIET_FRAMES_MAX) {
      const change = { held: [], tried: new Map(), delivered: [] }
      await this.#ledger.commit({ sequence: window.sequence, ...change })
      this.#moved(window)
      return true
    }
    return false
  }

  #moved({ sequence, missing }: EventWindow): void {
    this.#cursor = sequence
    if (missing > 0) {
      const { log, sink } = this.#parts
      log.warn(
        { sink: sink.name, missing },
        'frames of the audit log were gone before a sink had them',
      )
    }
  }

  #failed(error: DependencyError): void {
    this.#failures += 1
    this.#lastFailure = error.message
    if (error instanceof SinkGone) this.#disable(error.message)
  }

  #disable(why: string): void {
    this.#disabled = why
    const { log, sink } = this.#parts
    log.error({ sink: sink.name, why }, 'no more events are sent to this sink until the next start')
  }
}
