import assert from 'node:assert/strict'
import { createPublicKey, hash, verify } from 'node:crypto'
import { describe, test } from 'node:test'
import {
  checkChain,
  HOME_REGION,
  HOUR,
  MINUTE,
  openRecords,
  openTestTrail,
  START,
  StandingClock,
} from '../../../test/support/trail-fixture.ts'
import { DAY_MS, plusMs } from '../../core/ids.ts'
import { TrailDelivery } from './trail-delivery.ts'
import { publicKeyPem, TrailSigningKeys } from './trail-signing-keys.ts'

async function openKeys() {
  const clock = new StandingClock()
  const records = await openRecords(clock)
  return { clock, records, keys: new TrailSigningKeys({ records, clock }) }
}

describe('signing keys', () => {
  test('one is drawn once, and published as CloudTrail publishes its own', async () => {
    const { clock, records, keys } = await openKeys()
    const [[first], [again]] = await Promise.all([keys.all(), keys.all()])
    assert.ok(first)
    assert.deepEqual(again, first)
    assert.deepEqual(await new TrailSigningKeys({ records, clock }).all(), [first])
    const der = Buffer.from(first.value, 'base64')
    assert.equal(first.fingerprint, hash('md5', der, 'hex'))
    const publicKey = createPublicKey({ key: der, format: 'der', type: 'pkcs1' })
    assert.equal(publicKey.asymmetricKeyDetails?.modulusLength, 2048)
    const signer = await keys.signerFor(START)
    assert.equal(signer.fingerprint, first.fingerprint)
    const signature = await signer.sign('text')
    assert.equal(await signer.sign('text'), signature)
    const signed = Buffer.from('text')
    assert.ok(verify('sha256', signed, publicKeyPem(first), Buffer.from(signature, 'hex')))
  })

  test('a rotated key stays listed, and its validity overlaps with the next', async () => {
    const { clock, keys } = await openKeys()
    const [first] = await keys.all()
    clock.advance(30 * DAY_MS)
    const second = await keys.rotate()
    const [old, current, ...others] = await keys.all()
    assert.deepEqual([current, others], [second, []])
    assert.equal(old?.value, first?.value)
    assert.equal(old?.validTo, plusMs(second.validFrom, DAY_MS))
    assert.equal((await keys.signerFor(clock.now())).fingerprint, second.fingerprint)
    const listed = async (from: number, to: number) =>
      (await keys.list(plusMs(START, from * DAY_MS), plusMs(START, to * DAY_MS))).length
    assert.deepEqual(
      [await listed(-9, -8), await listed(1, 2), await listed(30, 31), await listed(40, 50)],
      [0, 1, 2, 1],
    )
    assert.equal(await listed(0, 9999), 2)
  })

  test('after a year a new key signs; a clock that was put back gets one of its own', async () => {
    const { keys } = await openKeys()
    const at = async (days: number) =>
      (await keys.signerFor(plusMs(START, days * DAY_MS))).fingerprint
    const first = await at(0)
    assert.equal(await at(364), first)
    const past = await at(-700)
    assert.notEqual(past, first)
    const [known] = await keys.list(plusMs(START, -700 * DAY_MS), plusMs(START, -699 * DAY_MS))
    assert.equal(known?.fingerprint, past)
    assert.notEqual(await at(0), past)
    assert.equal((await keys.all()).length, 3)
  })

  test('digests from before and after a rotation verify', async () => {
    const { objects, source, records, clock, ...trail } = await openTestTrail()
    const signingKeys = new TrailSigningKeys({ records, clock })
    const parts = { objects, source, records, clock, signingKeys, homeRegion: HOME_REGION }
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const delivery = new TrailDelivery({ ...parts, log })
    await trail.event('a')
    clock.advance(HOUR)
    await delivery.closeDueHours(clock.now())
    await signingKeys.rotate()
    clock.advance(HOUR + MINUTE)
    await delivery.closeDueHours(clock.now())
    const chain = await checkChain({ objects, signingKeys })
    const used = new Set(chain.map(({ digest }) => digest.digestPublicKeyFingerprint))
    assert.deepEqual([chain.length, used.size], [2, 2])
  })
})
