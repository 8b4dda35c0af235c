import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { IntegrityError } from '../../src/core/errors.ts'
import { KEYS, TABLES } from '../../src/core/tables.ts'
import { openMemoryStore } from '../../src/storage/memory/memory-store.ts'
import { createRecordStore } from '../../src/storage/record-store.ts'
import { ACCOUNT, aKey, keyIdOf, REGION, TwoKeyGuard, watch } from './record-store-fixture.ts'
import { changesOf } from './row-samples.ts'

const setUp = async (keys: number, cacheRecords = 100) => {
  const watched = watch(openMemoryStore(TABLES.map((table) => table.schema)))
  const records = createRecordStore({
    rows: watched.rows,
    guard: new TwoKeyGuard(),
    cacheRecords,
  })
  await records.transaction(async (tx) => {
    for (let n = 0; n < keys; n++) await tx.insert(KEYS, aKey(n))
  })
  const find = (n: number) => records.find(KEYS, [REGION, keyIdOf(n)])
  const rename = async (n: number, description: string) => {
    await records.transaction(async (tx) => {
      const stored = await tx.find(KEYS, [REGION, keyIdOf(n)])
      assert(stored)
      await tx.update(KEYS, stored, aKey(n, { description }))
    })
  }
  return { watched, records, find, rename }
}

describe('the record cache', () => {
  test('a record is read once and is the same object while it is cached', async () => {
    const { watched, records, find } = await setUp(1)
    const first = await find(0)
    assert.equal(await find(0), first)
    assert.equal(records.peek(KEYS, [REGION, keyIdOf(0)]), first)
    assert.equal(watched.gets, 1)
  })

  test('absence is never cached', async () => {
    const { watched, records, find } = await setUp(0)
    assert.equal(await find(0), undefined)
    assert.equal(await find(0), undefined)
    assert.equal(watched.gets, 2)
    await records.transaction((tx) => tx.insert(KEYS, aKey(0)))
    assert.equal((await find(0))?.version, 1)
  })

  test('concurrent misses of one record share one read', async () => {
    const { watched, find } = await setUp(2)
    const found = await Promise.all([find(0), find(0), find(1), find(0)])
    assert.equal(watched.gets, 2)
    assert.equal(found[0], found[1])
    assert.equal(found[0], found[3])
  })

  test('when a transaction has resolved nobody finds what was before', async () => {
    const { records, find, rename } = await setUp(1)
    await find(0)
    await rename(0, 'new')
    assert.equal((await find(0))?.record.description, 'new')
    const stored = await find(0)
    assert(stored)
    await records.transaction((tx) => tx.remove(KEYS, stored))
    assert.equal(await find(0), undefined)
    assert.equal(records.peek(KEYS, [REGION, keyIdOf(0)]), undefined)
  })

  test('a transaction that fails leaves the cached record in place', async () => {
    const { records, find } = await setUp(1)
    const stored = await find(0)
    assert(stored)
    await assert.rejects(
      records.transaction(async (tx) => {
        await tx.update(KEYS, stored, aKey(0, { description: 'no' }))
        throw new Error('undo')
      }),
    )
    assert.equal(await find(0), stored)
  })

  test('a read that a commit overtakes is not kept, nor given to those who come later', async () => {
    const { watched, records, find, rename } = await setUp(1)
    let open = (): void => undefined
    watched.gate = new Promise((resolve) => (open = resolve))
    const early = find(0)
    await rename(0, 'new')
    watched.gate = undefined
    // The early read has the old row in hand and has not answered yet.
    assert.equal((await find(0))?.record.description, 'new')
    open()
    assert.equal((await early)?.record.description, 'key 0')
    assert.equal((await find(0))?.record.description, 'new')
    assert.equal(records.peek(KEYS, [REGION, keyIdOf(0)])?.record.description, 'new')
  })

  test('a page that a commit overtakes is not kept', async () => {
    const { watched, records, find, rename } = await setUp(1)
    let open = (): void => undefined
    watched.gate = new Promise((resolve) => (open = resolve))
    const early = records.page(KEYS, { index: 'by_account', equals: [ACCOUNT], limit: 10 })
    await rename(0, 'new')
    watched.gate = undefined
    open()
    assert.equal((await early)[0]?.record.description, 'key 0')
    assert.equal((await find(0))?.record.description, 'new')
  })

  test('a read that fails is not shared with those who come after it', async () => {
    const { watched, find } = await setUp(1)
    const { rows } = watched
    const row = await rows.get(KEYS.schema, [REGION, keyIdOf(0)])
    assert(row)
    await rows.transaction((tx) => tx.update(KEYS.schema, { ...row, version: 2 }))
    await assert.rejects(find(0), IntegrityError)
    await rows.transaction(async (tx) => {
      await tx.delete(KEYS.schema, row.key, 2)
      await tx.insert(KEYS.schema, row)
    })
    assert.equal((await find(0))?.version, 1)
  })

  test('a page gives cached records as the same objects, and fills what room there is', async () => {
    const { watched, records, find } = await setUp(5)
    const first = await find(2)
    const page = await records.page(KEYS, { index: 'by_account', equals: [ACCOUNT], limit: 10 })
    assert.equal(page[2], first)
    watched.gets = 0
    assert.equal(await find(4), page[4])
    assert.equal(watched.gets, 0)
  })

  test('an edited row on a page is refused although its record is cached', async () => {
    const { watched, records, find } = await setUp(1)
    await find(0)
    const query = { index: 'by_account', equals: [ACCOUNT], limit: 10 }
    watched.edit = (row) => ({ ...row, version: row.version + 1 })
    await assert.rejects(records.page(KEYS, query), IntegrityError)
    watched.edit = (row) => ({ ...row, mac: row.mac.with(5, (row.mac[5] ?? 0) ^ 1) })
    await assert.rejects(records.page(KEYS, query), IntegrityError)
  })

  test('a cache never holds more than it was given, and keeps what is in use', async () => {
    const { watched, records, find } = await setUp(200, 20)
    for (let n = 0; n < 200; n++) {
      await find(n)
      await find(0)
    }
    // Each record was read once, the one in use among them.
    assert.equal(watched.gets, 200)
    const cached = Array.from({ length: 200 }, (_, n) =>
      records.peek(KEYS, [REGION, keyIdOf(n)]),
    ).filter(Boolean)
    assert.ok(cached.length <= 20 && cached.length >= 10)
  })

  test('a walk over many rows does not drive out what is in use', async () => {
    const { watched, records, find } = await setUp(200, 20)
    for (let n = 0; n < 10; n++) await find(n)
    await records.page(KEYS, { index: 'key', equals: [], limit: 1000 })
    watched.gets = 0
    for (let n = 0; n < 10; n++) await find(n)
    assert.equal(watched.gets, 0)
  })

  test('a cache of no records still finds them', async () => {
    const { watched, find } = await setUp(1, 0)
    assert.equal((await find(0))?.version, 1)
    assert.equal((await find(0))?.version, 1)
    assert.equal(watched.gets, 2)
  })

  test('listeners hear of a commit when the cache has', async () => {
    const { records, find, rename } = await setUp(1)
    await find(0)
    const seen: unknown[] = []
    records.onCommit((news) => {
      for (const { key } of changesOf(news)) seen.push(records.peek(KEYS, key))
    })
    await rename(0, 'new')
    assert.deepEqual(seen, [undefined])
  })
})
