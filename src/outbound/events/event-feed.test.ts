import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../../test/support/seeded-random.ts'
import { DependencyError } from '../../core/errors.ts'
import { DAY_MS, type Instant, instant, plusMs } from '../../core/ids.ts'
import { HELD_EVENTS } from '../../core/outbound-tables.ts'
import type { RecordStore } from '../../core/records.ts'
import { TABLES } from '../../core/tables.ts'
import { createCustody } from '../../crypto/custody.ts'
import { createRandom } from '../../crypto/random.ts'
import { memorySeal } from '../../crypto/seal-memory.ts'
import { openMemoryStore } from '../../storage/memory/memory-store.ts'
import { createRecordStore } from '../../storage/record-store.ts'
import type { BridgeEvent } from './bridge-event.ts'
import { EventFeed } from './event-feed.ts'
import type { LedgerRecords } from './event-ledger.ts'
import { type EventSink, SinkGone } from './event-sink.ts'

const NO_LOG = { info: () => undefined, warn: () => undefined, error: () => undefined }
const FIVE_MINUTES_MS = 300_000

/** The frame of a call that changed something of one key. */
const frameOf = (key: string, sequence: number): string =>
  `{"kind":"call","internal":{},"records":[{"eventID":"${sequence}","eventName":"X","eventSource":"kms.amazonaws.com","eventTime":"t","awsRegion":"r","readOnly":false,"recipientAccountId":"1","resources":[{"ARN":":key/${key}"}]}]}`

/** A node of which only the log, the store and the time are there. */
class Bench {
  readonly frames: string[] = []
  now: Instant = instant(1_700_000_000_000)
  readonly machine = { now: () => this.now }
  readonly records: RecordStore
  /** Told of every event that is handed over; what it throws, the sink throws. */
  take: (event: BridgeEvent) => void = () => undefined
  /** `key:sequence` of what was accepted, in order. */
  readonly accepted: string[] = []
  commitFails = false

  private constructor(records: RecordStore) {
    this.records = records
  }

  static async open(): Promise<Bench> {
    const random = createRandom()
    const clock = { now: () => instant(0) }
    const guard = await createCustody({ seal: memorySeal(random), random, clock })
    const rows = openMemoryStore(TABLES.map(({ schema }) => schema))
    return new Bench(createRecordStore({ rows, guard, cacheRecords: 100 }))
  }

  add(...keys: readonly string[]): void {
    for (const key of keys) this.frames.push(frameOf(key, this.frames.length + 1))
  }

  advance(ms: number): void {
    this.now = plusMs(this.now, ms)
  }

  feed(perKey = true): Promise<EventFeed> {
    const { frames, accepted } = this
    const take = (event: BridgeEvent): void => {
      this.take(event)
      accepted.push(nameOf(event))
    }
    const sink: EventSink = {
      name: 'sink',
      perKey,
      async deliver(events) {
        await Promise.resolve()
        for (const event of events) take(event)
      },
      close: () => Promise.resolve(),
    }
    const transaction: RecordStore['transaction'] = async (work) => {
      if (this.commitFails) throw new DependencyError('no space left on device')
      return this.records.transaction(work)
    }
    const source = {
      nodeId: 'node',
      head: () => ({ sequence: frames.length }),
      async *frames(from: number) {
        for (let at = from; at <= frames.length; at++)
          yield { sequence: at, text: frames[at - 1] ?? '' }
      },
    }
    const { records } = this
    const ledger: LedgerRecords = {
      find: (table, key) => records.find(table, key),
      page: (table, query) => records.page(table, query),
      count: (table, query) => records.count(table, query),
      transaction,
    }
    return EventFeed.open({
      records: ledger,
      source,
      sink,
      apiCalls: 'write',
      machine: this.machine,
      random: seededRandom('feed'),
      log: NO_LOG,
    })
  }

  /** Lets time pass until all is sent, or a day is over. */
  async settle(feed: EventFeed): Promise<void> {
    for (let at = 0; at < 300 && (feed.stats().held > 0 || feed.stats().behind > 0); at++) {
      this.advance(FIVE_MINUTES_MS)
      await feed.flush()
    }
  }
}

const nameOf = ({ orderKey, position }: BridgeEvent): string =>
  `${orderKey.slice(5)}:${Number(position.slice(0, 16))}`

const refuse = (): never => {
  throw new DependencyError('it answered 500')
}

describe('a feed of events', () => {
  test('gives a new sink what happens from then on, once', async () => {
    const bench = await Bench.open()
    bench.add('a')
    const feed = await bench.feed()
    bench.add('a', 'b')
    await feed.flush()
    await feed.flush()
    assert.deepEqual(bench.accepted, ['a:2', 'b:3'])
    await feed.close()
    bench.add('b')
    const later = await bench.feed()
    await later.flush()
    assert.deepEqual(bench.accepted, ['a:2', 'b:3', 'b:4'])
  })

  test('of one key that fails holds back that key alone, also across a restart', async () => {
    const bench = await Bench.open()
    const feed = await bench.feed()
    bench.take = ({ orderKey }) => orderKey.endsWith('a') && refuse()
    bench.add('a', 'b', 'a', 'b')
    await feed.flush()
    bench.add('a', 'b')
    await feed.flush()
    assert.deepEqual(bench.accepted, ['b:2', 'b:4', 'b:6'])
    const { held, behind, failures, lastFailure } = feed.stats()
    assert.deepEqual([held, behind, failures, lastFailure], [3, 0, 1, 'it answered 500'])
    await feed.close()
    bench.take = () => undefined
    const later = await bench.feed()
    await later.flush()
    assert.deepEqual(bench.accepted.slice(3), ['a:1', 'a:3', 'a:5'])
    assert.equal(later.stats().held, 0)
  })

  test('waits longer after every failure', async () => {
    const bench = await Bench.open()
    const feed = await bench.feed()
    const times: number[] = []
    bench.take = () => {
      times.push(bench.now)
      refuse()
    }
    bench.add('a')
    for (let second = 0; second < 1200; second++) {
      await feed.flush()
      bench.advance(1000)
    }
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    for (const [index, gap] of gaps.entries()) {
      const whole = Math.min(1000 * 2 ** index, FIVE_MINUTES_MS)
      assert.ok(gap >= whole / 2 && gap <= whole + 1000, `gap ${index} is ${gap} ms`)
    }
    assert.ok(gaps.length > 8)
  })

  test('gives an event up after a day and ten attempts, and sends it again when told', async () => {
    const bench = await Bench.open()
    const feed = await bench.feed()
    bench.take = (event) => nameOf(event) === 'a:1' && refuse()
    bench.add('a', 'a')
    await feed.flush()
    for (let attempts = 1; attempts < 9; attempts++) {
      bench.advance(FIVE_MINUTES_MS)
      await feed.flush()
    }
    // Old enough after nine attempts, but for one.
    bench.advance(DAY_MS)
    assert.deepEqual([feed.stats().held, feed.stats().deadLetters], [2, 0])
    await feed.flush()
    assert.deepEqual([feed.stats().held, feed.stats().deadLetters], [0, 1])
    assert.deepEqual(bench.accepted, ['a:2'])
    const [dead] = await bench.records.page(HELD_EVENTS, { index: 'key', equals: [], limit: 9 })
    assert.equal(dead?.record.state, 'dead')
    assert.equal(dead.record.attempts, 10)
    bench.take = () => undefined
    await bench.records.transaction((tx) =>
      tx.update(HELD_EVENTS, dead, { ...dead.record, state: 'waiting' }),
    )
    feed.reload()
    await feed.flush()
    assert.deepEqual(bench.accepted, ['a:2', 'a:1'])
    assert.equal(feed.stats().deadLetters, 0)
  })

  test('what waited behind an event that died is tried as often, however old', async () => {
    const bench = await Bench.open()
    const feed = await bench.feed()
    let attempts = 0
    let isAway = true
    bench.take = () => {
      attempts += 1
      if (isAway) refuse()
    }
    bench.add('a', 'a', 'a')
    await feed.flush()
    bench.advance(DAY_MS)
    while (feed.stats().deadLetters === 0) {
      await feed.flush()
      bench.advance(FIVE_MINUTES_MS)
    }
    // The first has died; the receiver is away for another half an hour.
    for (let again = 0; again < 6; again++) {
      await feed.flush()
      bench.advance(FIVE_MINUTES_MS)
    }
    assert.deepEqual([feed.stats().held, feed.stats().deadLetters], [2, 1])
    isAway = false
    await feed.flush()
    assert.deepEqual(bench.accepted, ['a:2', 'a:3'])
    assert.ok(attempts > 16)
  })

  test('a receiver that comes back after an hour gets everything', async () => {
    const bench = await Bench.open()
    const feed = await bench.feed()
    let isAway = true
    bench.take = () => isAway && refuse()
    bench.add('a', 'b', 'a', 'a', 'b')
    for (let minutes = 0; minutes < 60; minutes += 1) {
      await feed.flush()
      bench.advance(60_000)
    }
    isAway = false
    bench.advance(FIVE_MINUTES_MS)
    await feed.flush()
    assert.deepEqual(bench.accepted.toSorted(), ['a:1', 'a:3', 'a:4', 'b:2', 'b:5'])
    assert.equal(feed.stats().deadLetters, 0)
  })

  test('gives an event up after 185 attempts', async () => {
    const bench = await Bench.open()
    const feed = await bench.feed()
    let attempts = 0
    bench.take = () => {
      attempts += 1
      refuse()
    }
    bench.add('a')
    // Each attempt comes a back-off after the last; only the age is kept from growing.
    await feed.flush()
    const [held] = await bench.records.page(HELD_EVENTS, { index: 'key', equals: [], limit: 9 })
    assert.ok(held)
    await bench.records.transaction((tx) =>
      tx.update(HELD_EVENTS, held, { ...held.record, attempts: 183 }),
    )
    bench.advance(FIVE_MINUTES_MS)
    await feed.flush()
    assert.equal(feed.stats().deadLetters, 0)
    bench.advance(FIVE_MINUTES_MS)
    await feed.flush()
    assert.deepEqual([attempts, feed.stats().deadLetters, feed.stats().held], [3, 1, 0])
  })

  test('sends nothing more to a sink that wants no more, and loses nothing', async () => {
    const bench = await Bench.open()
    const feed = await bench.feed()
    let asked = 0
    bench.take = () => {
      asked += 1
      throw new SinkGone('it answered 410')
    }
    bench.add('a', 'a', 'a')
    await feed.flush()
    bench.add('b')
    bench.advance(DAY_MS)
    await feed.flush()
    assert.equal(asked, 1)
    assert.equal(feed.stats().disabled, 'it answered 410')
    await feed.close()
    bench.take = () => undefined
    const later = await bench.feed()
    await later.flush()
    assert.deepEqual(bench.accepted.toSorted(), ['a:1', 'a:2', 'a:3', 'b:4'])
  })

  test('keeps one order, and gives nothing up, where a sink takes one order only', async () => {
    const bench = await Bench.open()
    const feed = await bench.feed(false)
    let fails = true
    bench.take = () => fails && refuse()
    bench.add('a', 'b', 'a')
    for (let day = 0; day < 3; day++) {
      await feed.flush()
      bench.advance(DAY_MS)
    }
    assert.deepEqual([feed.stats().behind, feed.stats().deadLetters], [3, 0])
    assert.equal(feed.stats().oldestMs, 3 * DAY_MS)
    fails = false
    await feed.flush()
    assert.deepEqual(bench.accepted, ['a:1', 'b:2', 'a:3'])
    assert.equal(feed.stats().oldestMs, 0)
  })

  test('sends again what it could not note, and not in every round', async () => {
    const bench = await Bench.open()
    const feed = await bench.feed()
    bench.add('a', 'b')
    bench.commitFails = true
    await assert.rejects(feed.flush(), DependencyError)
    await feed.flush()
    assert.deepEqual(bench.accepted, ['a:1', 'b:2'])
    bench.commitFails = false
    bench.advance(FIVE_MINUTES_MS)
    await feed.flush()
    assert.deepEqual(bench.accepted, ['a:1', 'b:2', 'a:1', 'b:2'])
    assert.equal(feed.stats().behind, 0)
  })

  const keys = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 })
  const step = fc.record({ keys, outcomes: fc.array(fc.constantFrom('ok', 'fails', 'crash')) })

  test('keeps the order of every key whatever fails, and repeats events only after a crash', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const bench = await Bench.open()
        let feed = await bench.feed()
        let crashes = 0
        for (const { keys: added, outcomes } of steps) {
          bench.add(...added)
          const rest = outcomes.values()
          let isCrashed = false
          bench.take = () => {
            const outcome = rest.next().value ?? 'ok'
            isCrashed ||= outcome === 'crash'
            if (isCrashed) throw new TypeError('the process is gone')
            if (outcome === 'fails') refuse()
          }
          await feed.flush().catch(() => undefined)
          if (isCrashed) {
            crashes += 1
            feed = await bench.feed()
          }
          bench.advance(60_000)
        }
        bench.take = () => undefined
        await bench.settle(feed)
        assertInOrder(bench, crashes > 0)
      }),
      { numRuns: 150 },
    )
  })
})

/** Of each key everything came; what came again is a run of what had come, in its order. */
function assertInOrder({ accepted, frames }: Bench, mayRepeat: boolean): void {
  for (const key of ['a', 'b', 'c']) {
    const sent = frames.flatMap((frame, index) =>
      frame.includes(`:key/${key}`) ? [`${key}:${index + 1}`] : [],
    )
    const came = accepted.filter((name) => name.startsWith(key))
    assert.deepEqual([...new Set(came)], sent)
    if (!mayRepeat) assert.deepEqual(came, sent)
    for (const [index, name] of came.entries()) {
      const before = came[index - 1]
      if (before === undefined) continue
      // Behind an event comes the next one, or one that had come before.
      assert.ok(sent.indexOf(name) <= sent.indexOf(before) + 1, `${before}, ${name}`)
    }
  }
}
