import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { seededRandom } from '../../../test/support/seeded-random.ts'
import { HOUR, openTestTrail, type TestTrail } from '../../../test/support/trail-fixture.ts'
import { memoryCopy } from '../../../test/support/trail-maker.ts'
import { parseDigest } from '../../audit/trail/parse-digest.ts'
import { bucketOf, signatureFileOf } from '../../audit/trail/trail-format.ts'
import { publicKeyPem } from '../../audit/trail/trail-signing-keys.ts'
import { parseTrustedKeys } from '../../audit/trail/trusted-keys.ts'
import { verifyTrail } from '../../audit/trail/verify-trail.ts'
import { DependencyError } from '../../core/errors.ts'
import { DAY_MS, type Instant, instant, plusMs } from '../../core/ids.ts'
import type { ShipDestination } from './destination.ts'
import { TrailShipper } from './trail-shipper.ts'

const FIVE_MINUTES_MS = 300_000
const OTHER = { accountId: '444455556666', region: 'us-east-2' }

/** A trail, a place that it is shipped to, and the machine's time. */
class Bench {
  readonly trail: TestTrail
  readonly copies = new Map<string, Buffer>()
  /** Keys of everything that was put, in order. */
  readonly puts: string[] = []
  readonly messages: string[] = []
  now: Instant = instant(0)
  /** Told of every file before it is put; what it throws, the destination throws. */
  before: (key: string) => void = () => undefined

  constructor(trail: TestTrail) {
    this.trail = trail
  }

  shipper(): TrailShipper {
    const { records, objects } = this.trail
    const destination: ShipDestination = {
      name: 'place',
      put: async (accountId, { key, body, metadata }) => {
        this.before(key)
        this.puts.push(key)
        const path = `${bucketOf(accountId)}/${key}`
        const { signature } = metadata
        if (signature !== undefined)
          this.copies.set(signatureFileOf(path), Buffer.from(`${signature}\n`))
        this.copies.set(path, body)
      },
      close: () => undefined,
    }
    const tell = (_fields: object, message: string): void => void this.messages.push(message)
    return new TrailShipper({
      nodeId: 'node-1',
      records,
      objects,
      destination,
      machine: { now: () => this.now },
      random: seededRandom('shipper'),
      log: { info: tell, warn: tell, error: tell },
    })
  }

  /** An hour in which something happened in two places, and its digests. */
  async hour(id: string): Promise<void> {
    const { trail } = this
    await trail.event(id)
    await trail.event(`${id}-other`, OTHER)
    await trail.delivery.catchUp()
    trail.clock.advance(HOUR)
    await trail.delivery.closeDueHours(trail.clock.now())
  }

  advance(ms: number): void {
    this.now = plusMs(this.now, ms)
  }

  /** What the verifier finds in the copies; the newest hours count as there. */
  async findings(): Promise<readonly string[]> {
    const { signingKeys, clock } = this.trail
    const keys = parseTrustedKeys((await signingKeys.all()).map(publicKeyPem).join(''))
    const verdict = await verifyTrail(memoryCopy(this.copies), { keys, until: clock.now() })
    return [...verdict.findings.map(({ what }) => what), ...verdict.notes]
  }
}

const open = async (): Promise<Bench> => new Bench(await openTestTrail())

describe('shipping of the trail', () => {
  test('copies all there is, files ahead of their digest, and each once', async () => {
    const bench = await open()
    for (const id of ['a', 'b', 'c']) await bench.hour(id)
    const shipper = bench.shipper()
    await shipper.round()
    assert.deepEqual(await bench.findings(), [])
    await bench.trail.event('open')
    await bench.trail.delivery.catchUp()
    await shipper.round()
    assert.equal(bench.puts.filter((key) => !key.includes('Digest')).length, 7)
    bench.trail.clock.advance(HOUR)
    await bench.trail.delivery.closeDueHours(bench.trail.clock.now())
    await shipper.round()
    await shipper.round()
    assert.deepEqual(await bench.findings(), [])
    assert.equal(new Set(bench.puts).size, bench.puts.length)
    const { files, digests, failures, behindMs } = shipper.stats()
    assert.deepEqual([files, digests, failures, behindMs], [7, 8, 0, 0])
    assert.equal(
      await shipper.shippedUntil(bench.trail.clock.now()),
      Date.parse('2026-03-01T14:00:00Z'),
    )
    await bench.trail.event('new', { accountId: '777788889999' })
    await bench.trail.delivery.catchUp()
    assert.equal(await shipper.shippedUntil(bench.trail.clock.now()), 0)
  })

  test('waits for a place that is away, and catches up with days', async () => {
    const bench = await open()
    const shipper = bench.shipper()
    bench.before = () => {
      throw new DependencyError('it answered 503 SlowDown')
    }
    let tries = 0
    for (let hour = 0; hour < 30; hour++) {
      await bench.hour(`h${hour}`)
      await shipper.round()
      await shipper.round()
      tries += 1
      bench.advance(FIVE_MINUTES_MS)
    }
    const { failures, failure, behindMs } = shipper.stats()
    assert.deepEqual([failures, failure], [tries, 'it answered 503 SlowDown'])
    assert.equal(behindMs, 30 * FIVE_MINUTES_MS)
    assert.deepEqual(bench.messages, ['the audit trail was not shipped; it is tried again'])
    bench.before = () => undefined
    await shipper.round()
    assert.deepEqual(await bench.findings(), [])
    assert.equal(shipper.stats().failure, undefined)
  })

  test('goes on in order when the node has another Region', async () => {
    const bench = await open()
    await bench.hour('a')
    const { objects } = bench.trail
    const { accountId, region } = { accountId: '111122223333', region: 'eu-central-1' }
    const prefix = `AWSLogs/${accountId}/CloudTrail-Digest/${region}/`
    const shipper = bench.shipper()
    await shipper.round()
    await bench.hour('b')
    const [, second] = await objects.list(accountId, { prefix, limit: 9 })
    const body = second && (await objects.get(accountId, second.key))
    assert.ok(body)
    // As if the Region of the node sorted before the one it had.
    await objects.remove(accountId, body.key)
    const key = body.key.replace('_eu-west-1_', '_ap-south-1_')
    await objects.put(accountId, { ...body, key })
    await shipper.round()
    assert.ok(bench.puts.includes(key))
  })

  test('puts nothing in the place of a good copy that was altered here since', async () => {
    const bench = await open()
    await bench.trail.event('a')
    await bench.trail.delivery.catchUp()
    await bench.shipper().round()
    const [key = ''] = bench.puts
    const good = await bench.trail.objects.get('111122223333', key)
    assert.ok(good)
    const body = Buffer.from('altered')
    await bench.trail.objects.put('111122223333', { ...good, body })
    bench.trail.clock.advance(HOUR)
    await bench.trail.delivery.closeDueHours(bench.trail.clock.now())
    // After a restart, which has forgotten what went ahead.
    const shipper = bench.shipper()
    await shipper.round()
    assert.deepEqual(await bench.findings(), [])
    assert.equal(shipper.stats().unshippable, 1)
  })

  test('tells of files that are gone, and goes on', async () => {
    const bench = await open()
    for (const id of ['a', 'b']) await bench.hour(id)
    const { objects } = bench.trail
    const prefix = 'AWSLogs/111122223333/CloudTrail/'
    const [first] = await objects.list('111122223333', { prefix, limit: 1 })
    await objects.remove('111122223333', first?.key ?? '')
    const digests = 'AWSLogs/444455556666/'
    for (const { key } of await objects.list('444455556666', { prefix: digests, limit: 9 }))
      await objects.remove('444455556666', key)
    const shipper = bench.shipper()
    await shipper.round()
    assert.equal(shipper.stats().unshippable, 2)
    assert.equal(bench.puts.filter((key) => key.includes('Digest')).length, 2)
    await bench.hour('c')
    await shipper.round()
    assert.equal(shipper.stats().unshippable, 2)
    assert.equal(bench.puts.filter((key) => key.includes('Digest')).length, 4)
  })

  test('ends with a whole copy whatever fails, and never has a digest without its files', async () => {
    const outcomes = fc.array(fc.constantFrom('ok', 'fails', 'crash'), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(fc.array(outcomes, { minLength: 1, maxLength: 4 }), async (hours) => {
        const bench = await open()
        let shipper = bench.shipper()
        for (const [index, some] of hours.entries()) {
          await bench.hour(`h${index}`)
          const rest = some.values()
          let isCrashed = false
          bench.before = () => {
            const outcome = rest.next().value ?? 'ok'
            isCrashed ||= outcome === 'crash'
            if (isCrashed) throw new TypeError('the process is gone')
            if (outcome === 'fails') throw new DependencyError('it answered 500')
          }
          await shipper.round()
          if (isCrashed) shipper = bench.shipper()
          bench.advance(FIVE_MINUTES_MS)
          assert.deepEqual(filesMissing(bench), [])
        }
        bench.before = () => undefined
        bench.advance(DAY_MS)
        await shipper.round()
        assert.deepEqual(await bench.findings(), [])
      }),
      { numRuns: 12 },
    )
  })
})

/** The files that digests at the destination name and that are not there, nor the signature of the digest. */
function filesMissing({ copies }: Bench): readonly string[] {
  return [...copies].flatMap(([path, body]) => {
    if (!path.includes('CloudTrail-Digest') || !path.endsWith('.gz')) return []
    const { digest } = parseDigest(gunzipSync(body))
    assert.ok(digest)
    const named = digest.logFiles.map(({ s3Bucket, s3Object }) => `${s3Bucket}/${s3Object}`)
    return [...named, signatureFileOf(path)].filter((name) => !copies.has(name))
  })
}
