import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isSigned } from '../../../examples/verify-anchor.ts'
import { seededRandom } from '../../../test/support/seeded-random.ts'
import { HOUR, MINUTE, openTestTrail, type TestTrail } from '../../../test/support/trail-fixture.ts'
import { memoryCopy } from '../../../test/support/trail-maker.ts'
import { bucketOf, signatureFileOf } from '../../audit/trail/trail-format.ts'
import { publicKeyPem } from '../../audit/trail/trail-signing-keys.ts'
import { parseTrustedKeys } from '../../audit/trail/trusted-keys.ts'
import { verifyTrail } from '../../audit/trail/verify-trail.ts'
import { DependencyError } from '../../core/errors.ts'
import { isJsonObject } from '../../core/strict-json.ts'
import { Anchoring } from './anchoring.ts'

const ACCOUNT = '111122223333'

/** A trail whose head is anchored in a list of lines. */
class Bench {
  readonly trail: TestTrail
  readonly lines: string[] = []
  readonly messages: string[] = []
  fails = false
  readonly anchoring: Anchoring

  constructor(trail: TestTrail) {
    this.trail = trail
    const { records, signingKeys, clock, log } = trail
    const tell = (_fields: object, message: string): void => void this.messages.push(message)
    this.anchoring = new Anchoring({
      nodeId: 'node-1',
      head: () => log.head(),
      records,
      signingKeys,
      target: {
        name: 'list',
        put: async (line) => {
          if (this.fails) throw new DependencyError('it answered 500')
          this.lines.push(line)
        },
        close: () => Promise.resolve(),
      },
      everyMs: 15 * MINUTE,
      clock,
      machine: clock,
      random: seededRandom('anchors'),
      log: { info: tell, warn: tell, error: tell },
    })
  }

  async pass(ms: number): Promise<void> {
    this.trail.clock.advance(ms)
    await this.trail.delivery.closeDueHours(this.trail.clock.now())
    await this.anchoring.round()
  }

  member(name: string): readonly unknown[] {
    return this.lines.map((line) => {
      const value: unknown = JSON.parse(line)
      return isJsonObject(value) ? value[name] : undefined
    })
  }

  /** The trail as a folder that somebody copied. */
  async files(): Promise<Map<string, Buffer>> {
    const { objects } = this.trail
    const files = new Map<string, Buffer>()
    for (const { key } of await objects.list(ACCOUNT, { prefix: '', limit: 1000 })) {
      const object = await objects.get(ACCOUNT, key)
      const path = `${bucketOf(ACCOUNT)}/${key}`
      const signature = object?.metadata['signature']
      if (signature !== undefined) files.set(signatureFileOf(path), Buffer.from(`${signature}\n`))
      files.set(path, object?.body ?? Buffer.alloc(0))
    }
    return files
  }
}

const open = async (): Promise<Bench> => new Bench(await openTestTrail())

describe('anchors of the log', () => {
  test('are made every so often, and after each hour with its digests', async () => {
    const bench = await open()
    await bench.trail.event('a')
    await bench.anchoring.round()
    await bench.pass(10 * MINUTE)
    assert.deepEqual(bench.member('sequence'), [1])
    await bench.pass(5 * MINUTE)
    // Twenty-five past ten; the hour ends before a quarter of it is over.
    await bench.pass(15 * MINUTE)
    await bench.pass(15 * MINUTE)
    await bench.pass(6 * MINUTE)
    const digests = bench.member('digests').map((some) => (Array.isArray(some) ? some.length : -1))
    assert.deepEqual(digests, [0, 0, 0, 0, 1])
    await bench.pass(15 * MINUTE)
    assert.deepEqual(bench.member('digests').at(-1), [], 'each digest is named once')
    assert.equal(bench.anchoring.stats().anchors, 6)
  })

  test('are what the verifier takes, and find a trail that was rolled back', async () => {
    const bench = await open()
    for (const id of ['a', 'b', 'c']) {
      await bench.trail.event(id)
      await bench.pass(HOUR)
    }
    const { signingKeys, clock } = bench.trail
    const keys = parseTrustedKeys((await signingKeys.all()).map(publicKeyPem).join(''))
    const anchors = { file: 'anchors.jsonl', text: bench.lines.map((line) => `${line}\n`).join('') }
    const until = clock.now()
    const files = await bench.files()
    const whole = await verifyTrail(memoryCopy(files), { keys, until, anchors })
    assert.deepEqual(whole.findings, [])
    for (const name of files.keys()) if (name.includes('T130000Z')) files.delete(name)
    const rolledBack = await verifyTrail(memoryCopy(files), { keys, until, anchors })
    assert.ok(rolledBack.findings.some(({ what }) => /anchor/.test(what)))
  })

  test('are signed: a third party finds what was altered', async () => {
    const bench = await open()
    await bench.trail.event('a')
    await bench.pass(HOUR)
    const [line = ''] = bench.lines
    // Tests of one process share the keys, and some rotate them.
    const keys = await bench.trail.signingKeys.all()
    const key = keys.find(({ fingerprint }) => line.includes(`"keyFingerprint":"${fingerprint}"`))
    assert.ok(key)
    assert.ok(isSigned(line, publicKeyPem(key)))
    assert.ok(!isSigned(line.replace('"sequence":1', '"sequence":2'), publicKeyPem(key)))
  })

  test('never go back in time, also where the clock does', async () => {
    const bench = await open()
    await bench.pass(20 * MINUTE)
    await bench.trail.event('a')
    bench.trail.clock.advance(-10 * MINUTE)
    await bench.pass(20 * MINUTE)
    bench.trail.clock.advance(-5 * MINUTE)
    await bench.pass(30 * MINUTE)
    const times = bench.member('time').map(String)
    assert.deepEqual(times.toSorted(), times)
    assert.ok(times.length > 1)
  })

  test('are tried again where their place is away', async () => {
    const bench = await open()
    bench.fails = true
    await bench.anchoring.round()
    await bench.anchoring.round()
    bench.trail.clock.advance(1500)
    const { failures, failure, lastAt, ageMs } = bench.anchoring.stats()
    assert.deepEqual([failures, failure, lastAt, ageMs], [1, 'it answered 500', undefined, 1500])
    bench.fails = false
    await bench.pass(2000)
    assert.equal(bench.lines.length, 1)
    assert.deepEqual(bench.messages, [
      'the head of the audit log was not anchored; it is tried again',
      'the head of the audit log is anchored again',
    ])
    await bench.anchoring.close()
  })
})
