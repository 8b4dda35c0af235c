import { OperatorError } from '../../core/errors.ts'
import type { DeadLetter, DeadLetterPlace, EventSinkStatus } from '../../core/event-delivery.ts'
import {
  EVENT_CURSORS,
  type EventCursor,
  HELD_EVENTS,
  type HeldEvent,
} from '../../core/outbound-tables.ts'
import type { Clock } from '../../core/ports.ts'
import type { RecordStore, Stored } from '../../core/records.ts'
import type { NodeEvents } from '../node/node-events.ts'

const SINKS_MAX = 1000
const PAGE_MAX = 100
/** Rows that are counted, not more: the bound of both kinds of held events. */
const COUNT_MAX = 20_000

export interface EventCommandParts {
  readonly records: RecordStore
  readonly clock: Clock
  /** Of a node that runs. */
  readonly events?: Pick<NodeEvents, 'stats' | 'reload'> | undefined
}

type Live = ReturnType<NodeEvents['stats']>[number]

/** Every sink that was ever served from this store. */
export async function eventStatus({
  records,
  events,
}: EventCommandParts): Promise<readonly EventSinkStatus[]> {
  const cursors = await records.page(EVENT_CURSORS, { index: 'key', equals: [], limit: SINKS_MAX })
  const live = new Map(events?.stats().map((stats) => [stats.sink, stats]))
  return Promise.all(cursors.map(({ record }) => statusOf(records, record, live.get(record.sink))))
}

async function statusOf(
  records: RecordStore,
  { nodeId, sink, sequence }: EventCursor,
  live: Live | undefined,
): Promise<EventSinkStatus> {
  const count = (state: HeldEvent['state']): Promise<number> =>
    records.count(HELD_EVENTS, {
      index: 'by_state',
      equals: [state, nodeId, sink],
      atMost: COUNT_MAX,
    })
  const status = { sink, sequence, held: await count('waiting'), deadLetters: await count('dead') }
  if (live === undefined) return { ...status, state: 'stopped' }
  const { behind, delivered, failures, oldestMs, lastFailure, disabled } = live
  const isWaiting = status.held > 0 || oldestMs > 0
  return {
    ...status,
    state: disabled === undefined ? (isWaiting ? 'waiting' : 'sending') : 'disabled',
    behind,
    delivered,
    failures,
    oldestMs,
    ...(lastFailure !== undefined && { lastFailure }),
  }
}

function deadPage(
  records: Pick<RecordStore, 'page'>,
  limit: number,
  after: DeadLetterPlace | undefined,
): Promise<readonly Stored<HeldEvent>[]> {
  const query = { index: 'by_state', equals: ['dead'], limit }
  const behind = after && { after: [after.nodeId, after.sink, after.position] }
  return records.page(HELD_EVENTS, { ...query, ...behind })
}

export async function listDeadLetters(
  { records }: EventCommandParts,
  { limit, after }: { readonly limit: number; readonly after?: DeadLetterPlace },
): Promise<readonly DeadLetter[]> {
  const page = await deadPage(records, Math.min(limit, PAGE_MAX), after)
  return page.map(({ record }) => {
    const { nodeId, sink, position, eventId, detailType, attempts, lastFailure } = record
    const heldAt = new Date(record.heldAt).toISOString()
    const event = record.text
    return { nodeId, sink, position, eventId, detailType, heldAt, attempts, lastFailure, event }
  })
}

/** All dead letters, or those of one event, one for each sink that did not take it. */
async function* deadLetters(
  records: RecordStore,
  eventId: string | undefined,
): AsyncGenerator<HeldEvent, void, undefined> {
  let after: HeldEvent | undefined
  for (;;) {
    const page: readonly Stored<HeldEvent>[] = await deadPage(records, PAGE_MAX, after)
    for (const { record } of page) {
      if (eventId === undefined || record.eventId === eventId) yield record
    }
    after = page.at(-1)?.record
    if (page.length < PAGE_MAX) return
  }
}

/** Does something to every dead letter that is meant. @throws OperatorError where there is none of that id */
async function change(
  { records, events }: EventCommandParts,
  eventId: string | undefined,
  what: 'redrive' | 'discard',
  heldAt: HeldEvent['heldAt'],
): Promise<{ readonly events: number }> {
  let count = 0
  for await (const dead of deadLetters(records, eventId)) {
    await records.transaction(async (tx) => {
      const stored = await tx.find(HELD_EVENTS, HELD_EVENTS.keyOf(dead))
      if (stored?.record.state !== 'dead') return
      if (what === 'discard') await tx.remove(HELD_EVENTS, stored)
      else {
        const again = { ...stored.record, state: 'waiting', attempts: 0, heldAt } as const
        await tx.update(HELD_EVENTS, stored, again)
      }
    })
    count += 1
  }
  if (count === 0 && eventId !== undefined)
    throw new OperatorError(
      'no event of this id was given up',
      'see strongroom events dead-letters',
    )
  events?.reload()
  return { events: count }
}

export const redriveDeadLetters = (
  parts: EventCommandParts,
  { eventId }: { readonly eventId?: string },
): Promise<{ readonly events: number }> => change(parts, eventId, 'redrive', parts.clock.now())

export const discardDeadLetters = (
  parts: EventCommandParts,
  { eventId }: { readonly eventId?: string },
): Promise<{ readonly events: number }> => change(parts, eventId, 'discard', parts.clock.now())
