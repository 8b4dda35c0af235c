import { assert } from '../../core/assert.ts'
import type { HeldEvent } from '../../core/outbound-tables.ts'
import { EVENT_CURSORS, HELD_EVENTS } from '../../core/outbound-tables.ts'
import type { RecordStore, RecordsTransaction } from '../../core/records.ts'

const ROWS_PER_PAGE = 200

/** What an attempt changes in a held event. */
export type Tried = Pick<HeldEvent, 'state' | 'attempts' | 'lastFailure'>

/** What one window of deliveries leaves behind, kept in one transaction. */
export interface LedgerChange {
  readonly sequence: number
  /** New ones. */
  readonly held: readonly HeldEvent[]
  /** By position. */
  readonly tried: ReadonlyMap<string, Tried>
  /** Positions of held events that were delivered. */
  readonly delivered: readonly string[]
}

/** What it needs of the store. */
export type LedgerRecords = Pick<RecordStore, 'find' | 'page' | 'count' | 'transaction'>

/** What the store knows of one sink: how far it was served, and what it did not take. */
export class EventLedger {
  readonly #records: LedgerRecords
  readonly #nodeId: string
  readonly #sink: string

  constructor(records: LedgerRecords, nodeId: string, sink: string) {
    this.#records = records
    this.#nodeId = nodeId
    this.#sink = sink
  }

  /** Up to which frame the sink was served; a new sink begins behind `head`. */
  async openCursor(head: number): Promise<number> {
    const [nodeId, sink] = [this.#nodeId, this.#sink]
    const stored = await this.#records.find(EVENT_CURSORS, [nodeId, sink])
    if (stored !== undefined) return stored.record.sequence
    await this.#records.transaction((tx) =>
      tx.insert(EVENT_CURSORS, { nodeId, sink, sequence: head }),
    )
    return head
  }

  /** All held events of a state, in their order. */
  async *held(state: HeldEvent['state']): AsyncGenerator<HeldEvent, void, undefined> {
    const equals = [state, this.#nodeId, this.#sink]
    let after: readonly string[] | undefined
    for (;;) {
      const query = { index: 'by_state', equals, limit: ROWS_PER_PAGE }
      const page = await this.#records.page(
        HELD_EVENTS,
        after === undefined ? query : { ...query, after },
      )
      for (const { record } of page) yield record
      const last = page.at(-1)
      if (last === undefined || page.length < ROWS_PER_PAGE) return
      after = [last.record.position]
    }
  }

  /** A held event; undefined where it has been discarded. */
  async find(position: string): Promise<HeldEvent | undefined> {
    return (await this.#records.find(HELD_EVENTS, this.#key(position)))?.record
  }

  countDead(atMost: number): Promise<number> {
    const equals = ['dead', this.#nodeId, this.#sink]
    return this.#records.count(HELD_EVENTS, { index: 'by_state', equals, atMost })
  }

  /** Durable once resolved. */
  async commit(change: LedgerChange): Promise<void> {
    await this.#records.transaction(async (tx) => {
      await this.#moveCursor(tx, change.sequence)
      for (const event of change.held) await tx.insert(HELD_EVENTS, event)
      for (const [position, tried] of change.tried) {
        const stored = await tx.find(HELD_EVENTS, this.#key(position))
        if (stored !== undefined)
          await tx.update(HELD_EVENTS, stored, { ...stored.record, ...tried })
      }
      for (const position of change.delivered) {
        const stored = await tx.find(HELD_EVENTS, this.#key(position))
        if (stored !== undefined) await tx.remove(HELD_EVENTS, stored)
      }
    })
  }

  async #moveCursor(tx: RecordsTransaction, sequence: number): Promise<void> {
    const stored = await tx.find(EVENT_CURSORS, [this.#nodeId, this.#sink])
    assert(stored, 'a sink that is served has a cursor')
    if (stored.record.sequence === sequence) return
    await tx.update(EVENT_CURSORS, stored, { ...stored.record, sequence })
  }

  #key(position: string): readonly string[] {
    return [this.#nodeId, this.#sink, position]
  }
}
