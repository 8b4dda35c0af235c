import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HeldClock } from '../../../test/support/memory-node.ts'
import { OperatorError } from '../../core/errors.ts'
import { instant } from '../../core/ids.ts'
import { EVENT_CURSORS, HELD_EVENTS, type HeldEvent } from '../../core/outbound-tables.ts'
import { TABLES } from '../../core/tables.ts'
import { createCustody } from '../../crypto/custody.ts'
import { createRandom } from '../../crypto/random.ts'
import { memorySeal } from '../../crypto/seal-memory.ts'
import { openMemoryStore } from '../../storage/memory/memory-store.ts'
import { createRecordStore } from '../../storage/record-store.ts'
import {
  discardDeadLetters,
  eventStatus,
  listDeadLetters,
  redriveDeadLetters,
} from './event-commands.ts'

const clock = new HeldClock()

const held = (number: number, state: HeldEvent['state'], sink = 'a'): HeldEvent => ({
  nodeId: 'node',
  sink,
  position: `${number}`.padStart(4, '0'),
  eventId: `event-${number}`,
  detailType: 'KMS CMK Deletion',
  orderKey: 'key',
  text: `{"id":"event-${number}"}`,
  state,
  heldAt: instant(1000),
  attempts: 185,
  lastFailure: 'it answered 500',
})

async function storeOf(events: readonly HeldEvent[]) {
  const random = createRandom()
  const custody = await createCustody({ seal: memorySeal(random), random, clock })
  const rows = openMemoryStore(TABLES.map(({ schema }) => schema))
  const records = createRecordStore({ rows, guard: custody, cacheRecords: 10 })
  await records.transaction(async (tx) => {
    for (const event of events) await tx.insert(HELD_EVENTS, event)
    for (const sink of ['a', 'b']) {
      await tx.insert(EVENT_CURSORS, { nodeId: 'node', sink, sequence: 7 })
    }
  })
  let reloads = 0
  const feeds = {
    reload: () => void (reloads += 1),
    stats: () => [
      { sink: 'a', behind: 1, held: 1, deadLetters: 2, delivered: 3, failures: 4, oldestMs: 5 },
    ],
  }
  return { parts: { records, clock, events: feeds }, records, reloads: () => reloads }
}

describe('events that were given up', () => {
  test('are listed in pages, across sinks', async () => {
    const many = Array.from({ length: 120 }, (_, number) => held(number, 'dead'))
    const { parts } = await storeOf([...many, held(1, 'dead', 'b'), held(500, 'waiting')])
    const first = await listDeadLetters(parts, { limit: 1000 })
    const after = first.at(-1)
    assert.ok(after)
    const second = await listDeadLetters(parts, { limit: 1000, after })
    assert.deepEqual([first.length, second.length], [100, 21])
    assert.deepEqual(second.at(-1), {
      nodeId: 'node',
      sink: 'b',
      position: '0001',
      eventId: 'event-1',
      detailType: 'KMS CMK Deletion',
      heldAt: '1970-01-01T00:00:01.000Z',
      attempts: 185,
      lastFailure: 'it answered 500',
      event: '{"id":"event-1"}',
    })
  })

  test('wait again once redriven: one event for all its sinks, or all', async () => {
    const events = [held(1, 'dead'), held(1, 'dead', 'b'), held(2, 'dead'), held(3, 'waiting')]
    const { parts, records, reloads } = await storeOf(events)
    assert.deepEqual(await redriveDeadLetters(parts, { eventId: 'event-1' }), { events: 2 })
    const stored = await records.find(HELD_EVENTS, ['node', 'a', '0001'])
    assert.deepEqual(
      [stored?.record.state, stored?.record.attempts, stored?.record.heldAt],
      ['waiting', 0, clock.now()],
    )
    assert.deepEqual(await redriveDeadLetters(parts, {}), { events: 1 })
    assert.deepEqual(await redriveDeadLetters(parts, {}), { events: 0 })
    assert.equal(reloads(), 3)
    const untouched = await records.find(HELD_EVENTS, ['node', 'a', '0003'])
    assert.equal(untouched?.record.attempts, 185)
  })

  test('are gone once discarded; what waits is not', async () => {
    const { parts, records } = await storeOf([held(1, 'dead'), held(2, 'waiting')])
    await assert.rejects(discardDeadLetters(parts, { eventId: 'event-2' }), OperatorError)
    assert.deepEqual(await discardDeadLetters(parts, {}), { events: 1 })
    const left = await records.page(HELD_EVENTS, { index: 'key', equals: [], limit: 9 })
    assert.deepEqual(
      left.map(({ record }) => record.eventId),
      ['event-2'],
    )
  })

  test('are counted in the status of each sink, of a node that runs and of one that does not', async () => {
    const { parts } = await storeOf([held(1, 'dead'), held(2, 'waiting'), held(3, 'dead', 'b')])
    const live = { behind: 1, delivered: 3, failures: 4, oldestMs: 5 }
    assert.deepEqual(await eventStatus(parts), [
      { sink: 'a', state: 'waiting', sequence: 7, held: 1, deadLetters: 1, ...live },
      { sink: 'b', state: 'stopped', sequence: 7, held: 0, deadLetters: 1 },
    ])
    const [stopped] = await eventStatus({ ...parts, events: undefined })
    assert.equal(stopped?.state, 'stopped')
  })
})
