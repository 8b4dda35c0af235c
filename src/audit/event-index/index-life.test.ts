import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { append, NODE_ID } from '../../../test/fault/audit-fixture.ts'
import {
  callFrame,
  callFrames,
  indexOnDisk,
  MONDAY_MS,
  NEWEST,
  sequences,
} from '../../../test/support/index-fixture.ts'
import { naiveSearch } from '../../../test/support/naive-search.ts'
import { instant } from '../../core/ids.ts'
import { openMemoryAuditLog } from '../segments/memory-log.ts'
import { memoryIndex } from './audit-index.ts'

const BY_OPERATION = { by: ['operation', 'day'], limit: 100 } as const

/** Everything that the file holds. */
function contentOf(file: string): unknown {
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all()
    return tables.map(({ name }) => [name, db.prepare(`SELECT * FROM "${String(name)}"`).all()])
  } finally {
    db.close()
  }
}

describe('the index of the audit log', () => {
  test('answers from what was written just before', async (t) => {
    const { open, write } = await indexOnDisk(t)
    const index = open()
    for (let n = 0; n < 3; n += 1) {
      await write([callFrame(n)])
      assert.deepEqual(await sequences(index, { ...NEWEST, eventId: `event-${n}` }), [n + 1])
    }
  })

  test('takes in nothing that is not durable', async (t) => {
    const { open, write } = await indexOnDisk(t)
    await write(callFrames(5))
    const index = open({ head: () => 3 })
    assert.deepEqual(await sequences(index), [3, 2, 1])
    assert.equal(index.sequence, 3)
  })

  test('made at once is what it is when it grew', async (t) => {
    const grown = await indexOnDisk(t)
    const index = grown.open()
    for (let n = 0; n < 20; n += 1) {
      await grown.write(callFrames(1, n % 7))
      await index.catchUp()
    }
    await index.close()
    const before = contentOf(grown.file)
    const anew = grown.open()
    await anew.reset()
    await anew.catchUp()
    await anew.close()
    assert.deepEqual(contentOf(grown.file), before)
  })

  test('goes on from its mark when it is opened again', async (t) => {
    const { open, write, log } = await indexOnDisk(t, { segmentBytes: 4096 })
    await write(callFrames(10))
    const first = open()
    await first.catchUp()
    await first.close()
    await write(callFrames(5, 10))
    const again = open()
    await again.catchUp()
    assert.equal(again.stats().lastBatchFrames, 5)
    assert.equal((await sequences(again)).length, 15)
    assert.deepEqual(log.messages, [])
  })

  test('a batch that fails in its midst leaves nothing, and is taken in whole afterwards', async (t) => {
    const { open, write, file } = await indexOnDisk(t)
    const texts = callFrames(8)
    await write(texts)
    const first = open()
    await first.catchUp()
    await first.close()
    const before = contentOf(file)
    // Names that only the failing batch has were given numbers, which nobody may remember.
    const others = [8, 9, 10].map((n) => callFrame(n, { sourceIPAddress: `10.0.0.${n}` }))
    await write(others)
    execute(
      file,
      "CREATE TRIGGER full BEFORE INSERT ON event WHEN new.sequence = 10 BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    )
    const index = open()
    await assert.rejects(index.catchUp(), /disk full/)
    assert.equal(index.sequence, 8)
    assert.deepEqual(contentOf(file), before)
    execute(file, 'DROP TRIGGER full')
    const naive = naiveSearch(() => [...texts, ...others])
    const bySource = { by: ['source', 'operation'], limit: 100 } as const
    assert.deepEqual(await index.counts(bySource), await naive.counts(bySource))
    assert.deepEqual(await sequences(index), await sequences(naive))
  })

  test('is for its owner alone', async (t) => {
    const { open, write, file } = await indexOnDisk(t)
    await write(callFrames(1))
    await sequences(open())
    assert.equal(statSync(file).mode & 0o077, 0)
    assert.equal(statSync(`${file}-wal`).mode & 0o077, 0)
  })

  for (const [what, spoil] of [
    ['garbage', (file: string) => writeFileSync(file, 'x'.repeat(8192))],
    ['cut short', (file: string) => writeFileSync(file, readFileSync(file).subarray(0, 5000))],
    [
      'of another version',
      (file: string) => {
        const db = new DatabaseSync(file)
        db.exec('PRAGMA user_version = 99; DELETE FROM event')
        db.close()
      },
    ],
    ['without its mark', (file: string) => execute(file, 'DELETE FROM mark')],
    ['of another node', (file: string) => execute(file, "UPDATE mark SET node_id = 'other'")],
  ] as const) {
    test(`one that is ${what} is made anew`, async (t) => {
      const { open, write, file } = await indexOnDisk(t)
      await write(callFrames(30))
      const first = open()
      await first.catchUp()
      await first.close()
      spoil(file)
      assert.equal((await sequences(open())).length, 30)
    })
  }

  test('one that is damaged while it is open is made anew for the question', async (t) => {
    const { open, write, file, log } = await indexOnDisk(t)
    await write(callFrames(600))
    const first = open()
    await first.catchUp()
    await first.close()
    const bytes = readFileSync(file)
    bytes.fill(0xff, 8192)
    writeFileSync(file, bytes)
    const index = open()
    const { events } = await index.search({ ...NEWEST, eventId: 'event-3' })
    assert.equal(events.length, 1)
    assert.equal(index.stats().rebuilds, 1)
    assert.deepEqual(log.messages, ['the index of the audit log is made anew'])
  })

  test('one of another log with the same node id is made anew', async (t) => {
    const { open, write, log } = await indexOnDisk(t)
    await write(callFrames(6))
    const first = open()
    await first.catchUp()
    await first.close()
    const other = await openMemoryAuditLog({
      nodeId: NODE_ID,
      clock: { now: () => instant(7) },
      log,
    })
    const index = open({ files: other.files, head: () => 0 })
    assert.deepEqual(await sequences(index), [])
    await other.log.close()
    assert.deepEqual(log.messages, ['the index of the audit log is made anew'])
  })

  test('deleting its file loses nothing', async (t) => {
    const { open, write, file } = await indexOnDisk(t)
    await write(callFrames(3))
    const index = open()
    assert.equal((await sequences(index)).length, 3)
    await index.reset()
    assert.ok(!existsSync(file))
    assert.equal((await sequences(index)).length, 3)
  })

  test('two processes on one file do not count an event twice', async (t) => {
    const { open, write } = await indexOnDisk(t)
    const [one, two] = [open(), open()]
    await write(callFrames(5))
    await Promise.all([one.catchUp(), two.catchUp()])
    await write(callFrames(5, 5))
    await two.catchUp()
    await one.catchUp()
    const counts = await one.counts({ by: [], limit: 1 })
    assert.deepEqual(
      counts.map(({ count }) => count),
      [10],
    )
    assert.equal((await sequences(two)).length, 10)
  })

  test('forgets what is removed from the log, and counts as if it had never been', async (t) => {
    const { open, write, audit } = await indexOnDisk(t)
    const texts = callFrames(30)
    await write(texts)
    const index = open()
    await index.catchUp()
    await index.forgetBelow(15)
    const kept = naiveSearch(() => texts.map((text, n) => (n < 14 ? '{"records":[]}' : text)))
    assert.deepEqual(await sequences(index), await sequences(kept))
    assert.deepEqual(await index.counts(BY_OPERATION), await kept.counts(BY_OPERATION))
    assert.deepEqual(await sequences(index, { ...NEWEST, eventId: 'event-3' }), [])
    assert.deepEqual(
      await sequences(index, { ...NEWEST, principal: 'arn:aws:iam::111122223333:user/bob' }),
      await sequences(kept),
    )
    await index.forgetBelow(audit.head().sequence + 1)
    assert.deepEqual(await index.counts(BY_OPERATION), [])
    await write([callFrame(40)])
    assert.deepEqual(await sequences(index), [31])
  })

  test('an event whose segment is gone is passed over', async (t) => {
    const { open, write, files } = await indexOnDisk(t, { segmentBytes: 2048 })
    await write(callFrames(12))
    const index = open()
    await index.catchUp()
    const [first = ''] = (await files.list()).filter((name) => name.startsWith('segment-')).sort()
    await files.remove(first)
    const found = await sequences(index)
    assert.ok(found.length > 0 && found.length < 12, String(found))
  })

  test('more events of one millisecond than it has numbers stay in their order', async (t) => {
    const { open, audit } = await indexOnDisk(t)
    const done: Promise<void>[] = []
    for (let n = 0; n < 1030; n += 1) {
      const text = callFrame(0, { eventID: `event-${n}`, requestParameters: null })
      done.push(new Promise((resolve) => audit.append(text, () => resolve())))
    }
    await Promise.all(done)
    const index = open({
      sizes: { chunkEvents: 500, scanRows: 5000, intersectedLists: 2, askedCombos: 2 },
    })
    const all = await sequences(index, { order: 'oldest-first', limit: 2000 })
    assert.deepEqual(
      all,
      Array.from({ length: 1030 }, (_, n) => n + 1),
    )
  })

  test('in memory it keeps events no longer than its log does', async (t) => {
    const { audit, files, log } = await indexOnDisk(t, { segmentBytes: 2048, segments: 3 })
    const index = memoryIndex({
      files,
      nodeId: NODE_ID,
      head: () => audit.head().sequence,
      log,
      steadyMs: () => 0,
    })
    const texts = callFrames(40)
    for (const text of texts) {
      await append(audit, text)
      await index.counts({ by: [], limit: 1 })
    }
    const found = await sequences(index)
    assert.ok(found.length >= 2 && found.length < 12, String(found))
    const [all] = await index.counts({ by: [], limit: 1 })
    assert.equal(all?.count, found.length)
    assert.equal(index.stats().events, found.length)
    await index.close()
  })

  test('refuses pages that are none', async (t) => {
    const { open, write } = await indexOnDisk(t)
    await write(callFrames(3))
    const index = open()
    const { next = '' } = await index.search({ order: 'newest-first', limit: 1 })
    const refused = { name: 'OperatorError' }
    await assert.rejects(index.search({ order: 'oldest-first', limit: 1, after: next }), refused)
    await assert.rejects(index.search({ ...NEWEST, after: 'no page' }), refused)
    await assert.rejects(index.search({ ...NEWEST, limit: 0 }), refused)
    await assert.rejects(index.search({ ...NEWEST, limit: 10_001 }), refused)
  })

  test('a record that was altered in the log is not shown', async (t) => {
    const { open, write, files } = await indexOnDisk(t)
    await write(callFrames(3))
    const index = open()
    await index.catchUp()
    const name = (await files.list()).find((each) => each.startsWith('segment-')) ?? ''
    const file = await files.open(name, 'write')
    const bytes = Buffer.alloc(8192)
    const length = await file.read(bytes, 0)
    const at = bytes.subarray(0, length).indexOf('request-1"')
    await new Promise((resolve) => file.write(Buffer.from('request-9'), 9, at, resolve))
    await assert.rejects(index.search(NEWEST), /record 2 is not what was written/)
    assert.deepEqual(await sequences(index, { ...NEWEST, eventId: 'event-2' }), [3])
  })

  test('finds the frames of a request, with a record or not', async (t) => {
    const { open, write } = await indexOnDisk(t)
    const refusal = JSON.stringify({
      kind: 'refusal',
      internal: { time: MONDAY_MS, requestId: 'refused-1' },
      records: [],
    })
    await write([...callFrames(2), refusal])
    const index = open()
    assert.deepEqual(await index.requestFrames('refused-1'), [refusal])
    assert.deepEqual(await index.requestFrames('request-1'), [callFrame(1)])
    assert.deepEqual(await index.requestFrames('request-7'), [])
    assert.equal((await sequences(index)).length, 2)
  })
})

function execute(file: string, sql: string): void {
  const db = new DatabaseSync(file)
  db.exec(sql)
  db.close()
}
