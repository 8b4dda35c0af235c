import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { append } from '../../../test/fault/audit-fixture.ts'
import {
  ACCOUNT,
  checkChain,
  HOUR,
  MINUTE,
  openTestTrail,
  REGION,
  shown,
} from '../../../test/support/trail-fixture.ts'
import { merkleRoot } from './merkle.ts'

describe('the trail', () => {
  test('hours become log files and digests that plain cryptography validates', async () => {
    const trail = await openTestTrail()
    await trail.event('a')
    await trail.event('b')
    trail.clock.advance(30 * MINUTE)
    await trail.delivery.catchUp()
    await trail.event('c')
    trail.clock.advance(30 * MINUTE)
    await trail.event('d')
    await trail.delivery.closeDueHours(trail.clock.now())
    trail.clock.advance(HOUR)
    await trail.delivery.closeDueHours(trail.clock.now())
    trail.clock.advance(HOUR)
    await trail.event('e')
    await trail.delivery.closeDueHours(trail.clock.now())
    const chain = await checkChain(trail)
    assert.deepEqual(chain.map(shown), [
      '2026-03-01T10 2026-03-01T11 a,b c',
      '2026-03-01T11 2026-03-01T12 d',
      '2026-03-01T12 2026-03-01T13',
    ])
    assert.deepEqual(
      chain.map(({ digest }) => digest.strongroom.sequence),
      [3, 4, 4],
    )
  })

  test('a digest says how it hangs together with the log', async () => {
    const trail = await openTestTrail()
    await trail.event('a')
    await trail.event('b')
    const head = trail.log.head()
    trail.clock.advance(HOUR)
    await trail.delivery.closeDueHours(trail.clock.now())
    const [first] = await checkChain(trail)
    assert.ok(first)
    assert.deepEqual(first.digest.strongroom, {
      version: 1,
      nodeId: 'node-1',
      sequence: 2,
      chain: head.chain,
      previousGzipHash: null,
      keptSince: '2026-03-01T10:00:00Z',
    })
    const [file] = first.digest.logFiles
    assert.ok(file)
    assert.deepEqual([file.recordCount, file.firstSequence, file.lastSequence], [2, 1, 2])
    assert.equal(file.newestEventTime, '2026-03-01T10:10:00Z')
    const object = await trail.objects.get(ACCOUNT, file.s3Object)
    const text = gunzipSync(object?.body ?? Buffer.alloc(0)).toString()
    assert.match(text, /"encryptionContext":\{"2":"\\u0041","1":"a"\}/, 'byte for byte')
    const records = text.slice('{"Records":['.length, -2).split(/(?<=\}),(?=\{"eventVersion)/)
    assert.equal(records.length, 2)
    assert.equal(merkleRoot(records), file.merkleRoot)
  })

  test('accounts and Regions have chains of their own, and services’ own keys have none', async () => {
    const trail = await openTestTrail()
    await trail.event('a')
    await trail.event('b', { accountId: '444455556666' })
    await trail.event('c', { region: 'us-east-1' })
    await trail.event('d', { accountId: 'services' })
    trail.clock.advance(HOUR)
    await trail.event('e', { region: 'us-east-1' })
    trail.clock.advance(HOUR)
    await trail.delivery.closeDueHours(trail.clock.now())
    assert.deepEqual(await trail.objects.accounts(), [ACCOUNT, '444455556666'])
    assert.deepEqual((await checkChain(trail)).map(shown), ['2026-03-01T10 2026-03-01T12 a'])
    assert.deepEqual((await checkChain(trail, { region: 'us-east-1' })).map(shown), [
      '2026-03-01T10 2026-03-01T12 c,e',
    ])
    const other = await checkChain(trail, { accountId: '444455556666' })
    assert.deepEqual(other.map(shown), ['2026-03-01T10 2026-03-01T12 b'])
    assert.equal(await trail.delivery.deliveredSequence(), 5)
  })

  test('years without a digest are one digest', async () => {
    const trail = await openTestTrail()
    await trail.event('a')
    trail.clock.advance(HOUR)
    await trail.delivery.closeDueHours(trail.clock.now())
    trail.clock.set('2036-07-01T08:30:00Z')
    await trail.event('b')
    await trail.delivery.closeDueHours(trail.clock.now())
    trail.clock.advance(HOUR)
    await trail.delivery.closeDueHours(trail.clock.now())
    assert.deepEqual((await checkChain(trail)).map(shown), [
      '2026-03-01T10 2026-03-01T11 a',
      '2026-03-01T11 2036-07-01T08',
      '2036-07-01T08 2036-07-01T09 b',
    ])
  })

  test('while the clock stands before the newest digest, no window is closed', async () => {
    const trail = await openTestTrail()
    await trail.event('a')
    trail.clock.advance(HOUR)
    await trail.delivery.closeDueHours(trail.clock.now())
    trail.clock.set('2020-01-01T00:30:00Z')
    await trail.event('b')
    await trail.delivery.catchUp()
    trail.clock.advance(2 * HOUR)
    await trail.delivery.closeDueHours(trail.clock.now())
    const { digestsWritten, filesWritten, backlogFrames } = trail.delivery.stats()
    assert.deepEqual([digestsWritten, filesWritten, backlogFrames], [1, 2, 0])
  })

  test('after going back the chain goes on when the clock has come past its end', async () => {
    const trail = await openTestTrail()
    await trail.event('a')
    trail.clock.advance(HOUR)
    await trail.event('future')
    await trail.delivery.closeDueHours(trail.clock.now())
    trail.clock.advance(-HOUR)
    await trail.event('b')
    await trail.event('x', { region: 'us-east-1' })
    await trail.delivery.closeDueHours(trail.clock.now())
    trail.clock.advance(2 * HOUR)
    await trail.delivery.closeDueHours(trail.clock.now())
    assert.deepEqual((await checkChain(trail)).map(shown), [
      '2026-03-01T10 2026-03-01T11 a',
      '2026-03-01T11 2026-03-01T12 future,b',
    ])
    assert.deepEqual((await checkChain(trail, { region: 'us-east-1' })).map(shown), [
      '2026-03-01T11 2026-03-01T12 x',
    ])
  })

  test('a round waits for enough, for long enough, or for the hour', async () => {
    let steady = 0
    const trail = await openTestTrail({ steadyMs: () => steady })
    await trail.event('a')
    await trail.delivery.round()
    steady += 299_000
    await trail.delivery.round()
    assert.deepEqual(await trail.objects.accounts(), [])
    assert.equal(trail.delivery.stats().backlogFrames, 1)
    steady += 1000
    await trail.delivery.round()
    assert.equal(trail.delivery.stats().backlogFrames, 0)
    assert.equal(trail.delivery.stats().filesWritten, 1)
    await trail.event('b')
    trail.clock.advance(HOUR)
    await trail.delivery.round()
    assert.deepEqual((await checkChain(trail)).map(shown), ['2026-03-01T10 2026-03-01T11 a b'])
    assert.equal(trail.delivery.stats().secondsSinceDigest, 600)
  })

  test('a round leaves the log alone while calls keep the process busy, but not for ever', async () => {
    let steady = 0
    let isBusy = true
    const trail = await openTestTrail({ steadyMs: () => steady, isBusy: () => isBusy })
    await trail.event('a')
    await trail.delivery.round()
    steady += 899_000
    await trail.delivery.round()
    assert.equal(trail.delivery.stats().backlogFrames, 1)
    steady += 1000
    await trail.delivery.round()
    assert.equal(trail.delivery.stats().backlogFrames, 0)
    await trail.event('b')
    trail.clock.advance(HOUR)
    await trail.delivery.round()
    assert.equal(trail.delivery.stats().backlogFrames, 0, 'the hour is closed at any rate')
    await trail.event('c')
    await trail.delivery.round()
    isBusy = false
    steady += 300_000
    await trail.delivery.round()
    assert.equal(trail.delivery.stats().backlogFrames, 0)
  })

  test('many records are several log files, in order', async () => {
    const trail = await openTestTrail()
    const ids = Array.from({ length: 5200 }, (_, n) => `id-${n}`)
    await Promise.all(ids.map((id) => trail.event(id)))
    await trail.delivery.round()
    assert.equal(trail.delivery.stats().backlogFrames, 0)
    trail.clock.advance(HOUR)
    await trail.delivery.closeDueHours(trail.clock.now())
    const [digest] = await checkChain(trail)
    assert.deepEqual(
      digest?.events.map(({ length }) => length),
      [5000, 200],
    )
    assert.deepEqual(digest?.events.flat(), ids)
    const { firstSequence, merkleRoot: root } = digest?.digest.logFiles[1] ?? {}
    assert.equal(firstSequence, 5001)
    assert.match(String(root), /^[0-9a-f]{64}$/)
  })

  test('frames without records move the mark alone', async () => {
    const trail = await openTestTrail()
    await append(trail.log, '{"kind":"operator","internal":{"time":1},"records":[]}')
    await trail.delivery.catchUp()
    trail.clock.advance(5 * HOUR)
    await trail.delivery.closeDueHours(trail.clock.now())
    assert.equal(await trail.delivery.deliveredSequence(), 1)
    assert.deepEqual(await trail.objects.accounts(), [])
    await trail.event('a')
    trail.clock.advance(HOUR)
    await trail.delivery.closeDueHours(trail.clock.now())
    assert.deepEqual((await checkChain(trail)).map(shown), ['2026-03-01T15 2026-03-01T16 a'])
  })

  test('what is closed delivers what there is, and nothing more', async () => {
    const trail = await openTestTrail()
    await trail.event('a')
    await trail.delivery.close()
    assert.equal(trail.delivery.stats().filesWritten, 1)
    await trail.event('b')
    await trail.delivery.catchUp()
    assert.equal(trail.delivery.stats().filesWritten, 1)
    const prefix = `AWSLogs/${ACCOUNT}/CloudTrail/${REGION}/2026/03/01/`
    const [file] = await trail.objects.list(ACCOUNT, { prefix, limit: 2 })
    assert.match(
      String(file?.key),
      /_CloudTrail_eu-central-1_20260301T1010Z_[0-9a-z]{16}\.json\.gz$/,
    )
  })
})
