import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TrailDelivery } from '../../src/audit/trail/trail-delivery.ts'
import type { TrailObjects } from '../../src/audit/trail/trail-objects.ts'
import { memoryTrailObjects } from '../../src/audit/trail/trail-objects-memory.ts'
import type { RecordStore } from '../../src/core/records.ts'
import {
  checkChain,
  HOME_REGION,
  HOUR,
  MINUTE,
  openTestTrail,
  shown,
  type TestTrail,
} from '../support/trail-fixture.ts'
import { keptLog } from './audit-fixture.ts'

/** How a write is cut off: it did not happen, or it happened and nobody was told. */
type Cut = 'before' | 'after'

/** Lets every write through but one, and none from then on. */
class Crash {
  readonly #at: number
  readonly #cut: Cut
  count = 0

  constructor(at: number, cut: Cut) {
    this.#at = at
    this.#cut = cut
  }

  async write<T>(work: () => Promise<T>): Promise<T> {
    this.count += 1
    if (this.count < this.#at) return work()
    if (this.count === this.#at && this.#cut === 'after') await work()
    throw new Error('the process is gone')
  }
}

/** A delivery as a process has it that ends at some write. */
function crashing(trail: TestTrail, objects: TrailObjects, crash: Crash): TrailDelivery {
  const put: TrailObjects['put'] = (...args) => crash.write(() => objects.put(...args))
  const records: RecordStore = {
    peek: (...args) => trail.records.peek(...args),
    find: (...args) => trail.records.find(...args),
    page: (...args) => trail.records.page(...args),
    list: (...args) => trail.records.list(...args),
    count: (...args) => trail.records.count(...args),
    unwrap: (...args) => trail.records.unwrap(...args),
    onCommit: (listener) => trail.records.onCommit(listener),
    transaction: (work) => crash.write(() => trail.records.transaction(work)),
  }
  const { source, signingKeys, clock } = trail
  const parts = { source, signingKeys, clock, homeRegion: HOME_REGION, log: keptLog() }
  return new TrailDelivery({ ...parts, records, objects: { ...objects, put } })
}

const NEVER = Number.POSITIVE_INFINITY
const OTHER = { accountId: '444455556666' }

/** Two hours of two accounts; each step is a write or more. */
async function live(trail: TestTrail, delivery: TrailDelivery): Promise<void> {
  await delivery.catchUp()
  trail.clock.advance(20 * MINUTE)
  await trail.event('b')
  await trail.event('c', OTHER)
  await delivery.catchUp()
  trail.clock.advance(30 * MINUTE)
  await delivery.closeDueHours(trail.clock.now())
}

async function openWithEvents(): Promise<TestTrail> {
  const trail = await openTestTrail()
  await trail.event('a')
  await trail.event('x', OTHER)
  return trail
}

const eventsOf = async (trail: TestTrail, place?: typeof OTHER): Promise<string[]> =>
  (await checkChain(trail, place)).flatMap(({ events }) => events.flat())

describe('a delivery that ends at any write', () => {
  test('is finished by the next start, and names every record once', async () => {
    const whole = new Crash(NEVER, 'before')
    const model = await openWithEvents()
    await live(model, crashing(model, model.objects, whole))
    assert.ok(whole.count >= 14, `only ${whole.count} writes`)
    for (const cut of ['before', 'after'] as const) {
      for (let at = 1; at <= whole.count; at += 1) {
        const trail = await openWithEvents()
        const broken = crashing(trail, trail.objects, new Crash(at, cut))
        await assert.rejects(live(trail, broken), /the process is gone/)
        // Long enough for names that depend on the time of a retry to show.
        trail.clock.advance(3 * HOUR + MINUTE)
        await trail.event('later')
        await trail.event('y', OTHER)
        await trail.delivery.catchUp()
        trail.clock.advance(HOUR)
        await trail.delivery.closeDueHours(trail.clock.now())
        const place = `${cut} write ${at}`
        const own = await eventsOf(trail)
        assert.deepEqual(
          own.filter((id) => id !== 'b'),
          ['a', 'later'],
          place,
        )
        const other = await eventsOf(trail, OTHER)
        assert.deepEqual(
          other.filter((id) => id !== 'c'),
          ['x', 'y'],
          place,
        )
      }
    }
  })

  test('is finished also where the next start is cut off, too', async () => {
    for (let at = 1; at <= 8; at += 1) {
      const trail = await openWithEvents()
      trail.clock.advance(HOUR)
      for (const again of [at, 1, 2]) {
        const broken = crashing(trail, trail.objects, new Crash(again, 'after'))
        await broken.closeDueHours(trail.clock.now()).catch(() => undefined)
        trail.clock.advance(HOUR)
      }
      await trail.delivery.closeDueHours(trail.clock.now())
      assert.deepEqual(await eventsOf(trail), ['a'], `write ${at}`)
      assert.deepEqual(await eventsOf(trail, OTHER), ['x'], `write ${at}`)
    }
  })
})

test('a full disk delays the trail, is told once, and loses nothing', async () => {
  const kept = memoryTrailObjects()
  let isFull = true
  const objects: TrailObjects = {
    ...kept,
    put: (...args) =>
      isFull ? Promise.reject(new Error('ENOSPC: no space left on device')) : kept.put(...args),
  }
  const trail = await openTestTrail({ objects })
  await trail.event('a')
  trail.clock.advance(HOUR)
  await trail.delivery.round()
  await trail.delivery.round()
  await trail.event('b')
  await assert.rejects(trail.delivery.catchUp(), /ENOSPC/)
  const { failing, failures, backlogFrames } = trail.delivery.stats()
  assert.deepEqual([failing, failures, backlogFrames], [true, 3, 2])
  assert.equal(trail.messages.length, 1)
  isFull = false
  await trail.delivery.round()
  assert.equal(trail.delivery.stats().failing, false)
  assert.match(String(trail.messages[1]), /delivered again/)
  trail.clock.advance(HOUR)
  await trail.delivery.round()
  assert.deepEqual((await checkChain(trail)).map(shown), [
    '2026-03-01T10 2026-03-01T11 a',
    '2026-03-01T11 2026-03-01T12 b',
  ])
})
