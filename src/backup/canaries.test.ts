import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AccountId, instant, type KeyId, type Region } from '../core/ids.ts'
import type { BackingKey, Key } from '../core/key.ts'
import { BACKING_KEYS, TABLES } from '../core/tables.ts'
import { createCustody } from '../crypto/custody.ts'
import { createRandom } from '../crypto/random.ts'
import { memorySeal } from '../crypto/seal-memory.ts'
import { SoftwareKeyStore } from '../keystore/software/software-key-store.ts'
import { createAsymmetricEngine } from '../server/node/asymmetric-engine.ts'
import { openMemoryStore } from '../storage/memory/memory-store.ts'
import { createRecordStore } from '../storage/record-store.ts'
import { makeCanary, proveKey } from './canaries.ts'

const random = createRandom()
const clock = { now: () => instant(0) }

async function fixture() {
  const rows = openMemoryStore(TABLES.map(({ schema }) => schema))
  const custody = await createCustody({ seal: memorySeal(random), random, clock })
  const records = createRecordStore({ rows, guard: custody, cacheRecords: 100 })
  const keystore = new SoftwareKeyStore(random, createAsymmetricEngine())
  const aKey = async (
    keyId: string,
    spec: Key['spec'],
    usage: Key['usage'],
    /** What the record says of its material, where it is to lie. */
    says: Partial<BackingKey> = {},
  ): Promise<Key> => {
    const id = keyId as KeyId
    const place = { accountId: '111122223333' as AccountId, region: 'eu-central-1' as Region }
    const made = await keystore.createMaterial(spec, id)
    using material = made.material
    const publicKey = made.publicKey && Buffer.from(made.publicKey).toString('base64')
    const backing: BackingKey = {
      ...place,
      keyId: id,
      materialId: made.materialId,
      createdAt: instant(0),
      generation: 1,
      state: 'CURRENT',
      publicKey,
      ...says,
    }
    await records.transaction((tx) => tx.insert(BACKING_KEYS, backing, material))
    return {
      ...place,
      keyId: id,
      spec,
      usage,
      origin: 'AWS_KMS',
      description: '',
      createdAt: instant(0),
      state: { name: 'Enabled' },
      tags: {},
      currentMaterialId: backing.materialId,
      onDemandRotations: 0,
    }
  }
  return { parts: { records, keystore }, aKey }
}

const idOf = (digit: number): string => `00000000-0000-4000-8000-00000000000${digit}`

describe('the proof of a key', () => {
  test('is its canary, or a round trip where there is none', async () => {
    const { parts, aKey } = await fixture()
    const kinds = [
      ['SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', 'ciphertext'],
      ['HMAC_384', 'GENERATE_VERIFY_MAC', 'mac'],
      ['ECC_NIST_P256', 'SIGN_VERIFY', undefined],
      ['ECC_NIST_P256', 'KEY_AGREEMENT', undefined],
      ['ML_KEM_512', 'ENCAPSULATE_DECAPSULATE', undefined],
    ] as const
    for (const [at, [spec, usage, kind]] of kinds.entries()) {
      const key = await aKey(idOf(at), spec, usage)
      const canary = await makeCanary(parts, key)
      assert.equal(canary?.kind, kind)
      assert.deepEqual(await proveKey(parts, key, canary), { outcome: 'proved' })
      assert.deepEqual(await proveKey(parts, key, undefined), { outcome: 'proved' })
    }
  })

  test('fails with the canary of another key, and with material that is not what its id says', async () => {
    const { parts, aKey } = await fixture()
    for (const [at, [spec, usage]] of (
      [
        ['SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT'],
        ['HMAC_256', 'GENERATE_VERIFY_MAC'],
      ] as const
    ).entries()) {
      const key = await aKey(idOf(at), spec, usage)
      const canary = await makeCanary(parts, await aKey(idOf(at + 2), spec, usage))
      assert.equal((await proveKey(parts, key, canary)).outcome, 'failed')
    }
    const materialId = 'ab'.repeat(32) as BackingKey['materialId']
    const lying = await aKey(idOf(7), 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', { materialId })
    assert.equal((await proveKey(parts, lying, undefined)).outcome, 'failed')
  })

  test('is not asked of keys without material', async () => {
    const { parts, aKey } = await fixture()
    const key = await aKey(idOf(1), 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT')
    const { currentMaterialId: _, ...waiting } = key
    const elsewhere = { ...key, customKeyStoreId: 'cks-1' }
    for (const without of [waiting, elsewhere]) {
      assert.equal(await makeCanary(parts, without), undefined)
      assert.equal((await proveKey(parts, without, undefined)).outcome, 'no-material')
    }
    const gone = { ...key, keyId: idOf(2) as KeyId }
    assert.equal(await makeCanary(parts, gone), undefined)
    assert.equal((await proveKey(parts, gone, undefined)).outcome, 'no-material')
  })
})
