import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import type { CommitNews, Row } from '../../core/store.ts'
import { KEYS, TABLES } from '../../core/tables.ts'
import { openMemoryStore } from '../../storage/memory/memory-store.ts'
import { KeyCensus } from './key-census.ts'

const row = (id: string, state: string, spec: string): Row => ({
  key: ['us-east-1', id],
  version: 1,
  columns: {
    account_id: '111122223333',
    deletion_date: null,
    rotation_date: null,
    custom_key_store_id: null,
  },
  body: JSON.stringify({ spec, state: { name: state } }),
  secret: null,
  mac: new Uint8Array(32),
})

const openRows = () => openMemoryStore(TABLES.map(({ schema }) => schema))

async function add(rows: ReturnType<typeof openRows>, made: readonly Row[]): Promise<void> {
  await rows.transaction(async (tx) => {
    for (const each of made) await tx.insert(KEYS.schema, each)
  })
}

describe('a census of keys', () => {
  test('counts by state and spec over many pages', async () => {
    const rows = openRows()
    const census = new KeyCensus(rows)
    const made = Array.from({ length: 450 }, (_, at) =>
      row(String(at).padStart(4, '0'), at % 3 === 0 ? 'Disabled' : 'Enabled', 'RSA_2048'),
    )
    await add(rows, [...made, row('9999', 'PendingDeletion', 'SYMMETRIC_DEFAULT')])
    await census.countIfDue()
    const counts = census.latest.counts.map(({ state, spec, count }) => `${state} ${spec} ${count}`)
    assert.deepEqual(counts.sort(), [
      'Disabled RSA_2048 150',
      'Enabled RSA_2048 300',
      'PendingDeletion SYMMETRIC_DEFAULT 1',
    ])
    await census.close()
  })

  test('counts again when keys have changed and some time has passed, and not before', async () => {
    const rows = openRows()
    let nowMs = 1_000_000
    const census = new KeyCensus(rows, () => nowMs)
    await add(rows, [row('1', 'Enabled', 'RSA_2048')])
    await census.countIfDue()
    nowMs += 60_000
    await census.countIfDue()
    assert.equal(census.latest.countedAtMs, 1_000_000, 'nothing had changed')
    await add(rows, [row('2', 'Enabled', 'RSA_2048')])
    await census.countIfDue()
    assert.equal(census.latest.counts[0]?.count, 2)
    await add(rows, [row('3', 'Enabled', 'RSA_2048')])
    await census.countIfDue()
    assert.equal(census.latest.counts[0]?.count, 2, 'no time had passed')
    nowMs += 2000
    await census.countIfDue()
    assert.equal(census.latest.counts[0]?.count, 3)
  })

  test('that is told that everything may have changed counts again', async () => {
    const rows = openRows()
    let tell: (news: CommitNews) => void = () => assert.fail('nobody listens')
    let nowMs = 0
    const deaf = {
      page: rows.page.bind(rows),
      onCommit: (listener: typeof tell) => (tell = listener),
    }
    const census = new KeyCensus(deaf, () => nowMs)
    await census.countIfDue()
    await add(rows, [row('1', 'Enabled', 'RSA_2048')])
    nowMs += 2000
    await census.countIfDue()
    assert.equal(census.latest.counts.length, 0, 'nobody has told it')
    tell('everything')
    await census.countIfDue()
    assert.equal(census.latest.counts[0]?.count, 1)
  })

  test('that is closed counts no more', async () => {
    const rows = openRows()
    const census = new KeyCensus(rows)
    await add(rows, [row('1', 'Enabled', 'RSA_2048')])
    await census.close()
    await census.countIfDue()
    assert.deepEqual(census.latest.counts, [])
  })

  test('that fails tells it and counts the next time', async () => {
    const rows = openRows()
    let fails = true
    const census = new KeyCensus({
      onCommit: (listener) => rows.onCommit(listener),
      page: (table, query) =>
        fails ? Promise.reject(new Error('no disk')) : rows.page(table, query),
    })
    await add(rows, [row('1', 'Enabled', 'RSA_2048')])
    await assert.rejects(census.countIfDue(), /no disk/)
    fails = false
    await census.countIfDue()
    assert.equal(census.latest.counts[0]?.count, 1)
  })
})
