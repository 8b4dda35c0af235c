import { DependencyError } from '../../core/errors.ts'
import { DAY_MS } from '../../core/ids.ts'
import type { HeldEvent } from '../../core/outbound-tables.ts'
import type { Clock, Random } from '../../core/ports.ts'
import { backOffMs } from '../back-off.ts'
import type { BridgeEvent } from './bridge-event.ts'
import type { EventLedger, LedgerChange, Tried } from './event-ledger.ts'
import { type EventSink, SinkGone } from './event-sink.ts'
import type { HeldLane, HeldLanes } from './held-lanes.ts'

/** When an event is given up. Source: Amazon EventBridge User Guide, Event retry policy: its defaults. */
const ATTEMPTS_MAX = 185
const AGE_MAX_MS = DAY_MS
/**
 * However old it is, it is tried so often: what waited behind another event of its key has not been tried at all while
 * it grew old. As many as the schedule that Standard Webhooks recommends; with our back-off they take a quarter of an hour.
 */
const ATTEMPTS_MIN = 10
/** How long keys are served before what is left of their events is held, so that others have their turn. */
const WINDOW_MS = 15_000

export interface WindowParts {
  readonly sink: EventSink
  readonly ledger: EventLedger
  readonly nodeId: string
  readonly machine: Clock
  readonly random: Random
  /** Sends that are under way may end; none begins. */
  readonly isStopping: () => boolean
  /** Ends even what is under way. */
  readonly cut: AbortSignal
  /** Whether so many more may be given up. */
  readonly mayDie: (more: number) => boolean
}

/** How many of a lane's first events are gone, and when the rest is due. */
interface ShortenedLane {
  readonly orderKey: string
  readonly gone: number
  readonly notBefore: number
}

/** Sends one window's events, each key's one after the other, and collects what has come of it. */
export class WindowDelivery {
  readonly #parts: WindowParts
  readonly #deadline: number
  readonly #held: { readonly event: HeldEvent; readonly failures: number }[] = []
  readonly #tried = new Map<string, Tried>()
  readonly #taken: string[] = []
  readonly #shortened: ShortenedLane[] = []
  delivered = 0
  failures = 0
  deadLetters = 0
  lastFailure: string | undefined
  /** Why the sink wants no more. */
  gone: string | undefined

  constructor(parts: WindowParts) {
    this.#parts = parts
    this.#deadline = parts.machine.now() + WINDOW_MS
  }

  /** One job for each key. What comes behind held events of its key is held with them. */
  jobs(
    events: readonly BridgeEvent[],
    due: readonly HeldLane[],
    lanes: HeldLanes,
  ): readonly (() => Promise<void>)[] {
    const free = Map.groupBy(events, ({ orderKey }) => orderKey)
    for (const [orderKey, waiting] of free) {
      if (!lanes.has(orderKey)) continue
      for (const event of waiting) this.#hold(event)
      free.delete(orderKey)
    }
    return [
      ...due.map((lane) => () => this.#sendHeld(lane)),
      ...free.values().map((some) => () => this.#sendNew(some)),
    ]
  }

  change(): Omit<LedgerChange, 'sequence'> {
    return {
      held: this.#held.map(({ event }) => event),
      tried: this.#tried,
      delivered: this.#taken,
    }
  }

  /** New ones, in their order, with how often each was tried. */
  newlyHeld(): readonly { readonly event: HeldEvent; readonly failures: number }[] {
    return this.#held
  }

  /** What has become of each lane that was due. */
  shortened(): readonly ShortenedLane[] {
    return this.#shortened
  }

  get #isOver(): boolean {
    const { isStopping, machine } = this.#parts
    return isStopping() || this.gone !== undefined || machine.now() >= this.#deadline
  }

  async #sendNew(events: readonly BridgeEvent[]): Promise<void> {
    for (const [index, event] of events.entries()) {
      const failure = this.#isOver ? '' : await this.#send(event)
      if (failure === undefined) continue
      this.#hold(event, failure)
      for (const later of events.slice(index + 1)) this.#hold(later)
      return
    }
  }

  async #sendHeld({ orderKey, positions }: HeldLane): Promise<void> {
    let gone = 0
    let notBefore = 0
    for (const position of positions) {
      if (this.#isOver) break
      const again = await this.#sendAgain(position)
      if (again !== undefined) {
        notBefore = again
        break
      }
      gone += 1
    }
    this.#shortened.push({ orderKey, gone, notBefore })
  }

  /** @returns when it is to be tried again; undefined where it is not */
  async #sendAgain(position: string): Promise<number | undefined> {
    const { ledger, machine, random } = this.#parts
    const event = await ledger.find(position)
    if (event === undefined) return undefined
    const failure = await this.#send(heldEvent(event))
    if (failure === undefined) {
      this.#taken.push(position)
      return undefined
    }
    const attempts = event.attempts + 1
    const state = this.#isToDie(event, attempts) ? 'dead' : 'waiting'
    this.#tried.set(position, { state, attempts, lastFailure: failure })
    if (state === 'waiting') return machine.now() + backOffMs(attempts, random)
    this.deadLetters += 1
    return undefined
  }

  #isToDie({ heldAt }: HeldEvent, attempts: number): boolean {
    if (this.gone !== undefined || this.#parts.isStopping()) return false
    const isOld = this.#parts.machine.now() - heldAt >= AGE_MAX_MS && attempts >= ATTEMPTS_MIN
    return (attempts >= ATTEMPTS_MAX || isOld) && this.#parts.mayDie(this.deadLetters + 1)
  }

  /** @returns why it was not taken; undefined where it was */
  async #send(event: BridgeEvent): Promise<string | undefined> {
    const { sink, cut } = this.#parts
    try {
      await sink.deliver([event], cut)
      this.delivered += 1
      return undefined
    } catch (error) {
      if (!(error instanceof DependencyError)) throw error
      this.failures += 1
      this.lastFailure = error.message
      if (error instanceof SinkGone) this.gone = error.message
      return error.message
    }
  }

  #hold({ position, id, detailType, orderKey, text }: BridgeEvent, failure = ''): void {
    const { nodeId, sink, machine } = this.#parts
    const attempts = failure === '' ? 0 : 1
    const event: HeldEvent = {
      nodeId,
      sink: sink.name,
      position,
      eventId: id,
      detailType,
      orderKey,
      text,
      state: 'waiting',
      heldAt: machine.now(),
      attempts,
      lastFailure: failure,
    }
    this.#held.push({ event, failures: attempts })
  }
}

const heldEvent = ({ eventId, ...event }: HeldEvent): BridgeEvent => ({ ...event, id: eventId })
