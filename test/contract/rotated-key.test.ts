import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { instant } from '../../src/core/ids.ts'
import type { BackingKey, Key } from '../../src/core/key.ts'
import type { ParsedCiphertext } from '../../src/core/key-store.ts'
import type { RecordStore } from '../../src/core/records.ts'
import { Secret } from '../../src/core/secret.ts'
import type { RowStore } from '../../src/core/store.ts'
import { BACKING_KEYS, TABLES } from '../../src/core/tables.ts'
import { parseCiphertext } from '../../src/crypto/ciphertext.ts'
import { createCustody } from '../../src/crypto/custody.ts'
import { memorySeal } from '../../src/crypto/seal-memory.ts'
import { SoftwareKeyStore } from '../../src/keystore/software/software-key-store.ts'
import { openMemoryStore } from '../../src/storage/memory/memory-store.ts'
import { createRecordStore } from '../../src/storage/record-store.ts'
import { testEngine } from '../support/asymmetric-engine.ts'
import { aKeyPlace } from '../support/key-place.ts'
import { seededRandom } from '../support/seeded-random.ts'

const GENERATIONS = 1000
const NOW = instant(1_700_000_000_000)

/** Rows that the store was asked for since the counter was last set to zero. */
interface Counted {
  readonly rows: RowStore
  asked: number
}

function countedStore(): Counted {
  const rows = openMemoryStore(TABLES.map(({ schema }) => schema))
  const counted: Counted = { rows, asked: 0 }
  const get = rows.get.bind(rows)
  const page = rows.page.bind(rows)
  rows.get = (table, key) => {
    counted.asked++
    return get(table, key)
  }
  rows.page = (table, query) => {
    counted.asked += query.limit
    return page(table, query)
  }
  return counted
}

describe(`a key of ${GENERATIONS} generations`, () => {
  const random = seededRandom('a rotated key')
  const engine = testEngine()
  const keystore = new SoftwareKeyStore(random, engine)
  const counted = countedStore()
  const ciphertexts: ParsedCiphertext[] = []
  let records: RecordStore
  let key: Key

  /** A store with an empty cache over the same rows. */
  const openRecords = async (): Promise<RecordStore> => {
    const clock = { now: () => NOW }
    const custody = await createCustody({
      seal: memorySeal(seededRandom('s')),
      random: seededRandom('c'),
      clock,
    })
    return createRecordStore({ rows: counted.rows, guard: custody, cacheRecords: 10_000 })
  }

  before(async () => {
    records = await openRecords()
    const place = aKeyPlace()
    for (let generation = 1; generation <= GENERATIONS; generation++) {
      const { material, materialId } = await keystore.createMaterial(
        'SYMMETRIC_DEFAULT',
        place.keyId,
      )
      const state = generation === GENERATIONS ? 'CURRENT' : 'NON_CURRENT'
      const backing: BackingKey = { ...place, materialId, createdAt: NOW, generation, state }
      await records.transaction((tx) => tx.insert(BACKING_KEYS, backing, material))
      key = {
        ...place,
        spec: 'SYMMETRIC_DEFAULT',
        usage: 'ENCRYPT_DECRYPT',
        origin: 'AWS_KMS',
        description: '',
        createdAt: NOW,
        state: { name: 'Enabled' },
        tags: {},
        currentMaterialId: materialId,
        onDemandRotations: 0,
      }
      const plaintext = new Secret(Uint8Array.of(generation & 0xff))
      const parsed = parseCiphertext(
        (await keystore.encrypt(records, key, plaintext, {})).ciphertext,
      )
      assert.ok(parsed)
      ciphertexts.push(parsed)
    }
  })

  after(async () => {
    await engine.readyMade.close()
    await counted.rows.close()
  })

  test('opens what any of them encrypted, and asks the store for one row to find it', async () => {
    const fresh = await openRecords()
    for (const [at, ciphertext] of ciphertexts.entries()) {
      counted.asked = 0
      const opened = await keystore.decrypt(fresh, key, ciphertext, {})
      assert.deepEqual(opened?.plaintext.expose(), Buffer.of((at + 1) & 0xff))
      assert.equal(opened.materialId.slice(0, 16), ciphertext.materialIdPrefix)
      assert.equal(counted.asked, 1)
    }
    counted.asked = 0
    for (const ciphertext of ciphertexts) await keystore.decrypt(fresh, key, ciphertext, {})
    assert.equal(counted.asked, 0)
  })

  test('opens nothing under material that is gone', async () => {
    const [oldest] = ciphertexts
    assert.ok(oldest)
    const opened = await keystore.decrypt(records, key, oldest, {})
    assert.ok(opened)
    const row = [key.region, key.keyId, opened.materialId]
    await records.transaction(async (tx) => {
      const stored = await tx.find(BACKING_KEYS, row)
      assert.ok(stored)
      await tx.remove(BACKING_KEYS, stored)
      await tx.insert(BACKING_KEYS, stored.record)
    })
    assert.equal(await keystore.decrypt(records, key, oldest, {}), undefined)
    await records.transaction(async (tx) => {
      const stored = await tx.find(BACKING_KEYS, row)
      assert.ok(stored)
      await tx.remove(BACKING_KEYS, stored)
    })
    assert.equal(await keystore.decrypt(records, key, oldest, {}), undefined)
  })
})
