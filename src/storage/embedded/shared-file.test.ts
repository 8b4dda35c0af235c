import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, afterEach, describe, mock, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { DependencyError } from '../../core/errors.ts'
import type { CommitNews, Row } from '../../core/store.ts'
import { KEYS, TABLES } from '../../core/tables.ts'
import { type EmbeddedStore, type FileSharing, openEmbeddedStore } from './embedded-store.ts'

const tables = TABLES.map(({ schema }) => schema)
/** Every further column of the key table, empty. */
const NO_COLUMNS = Object.fromEntries(Object.keys(KEYS.schema.columns).map((name) => [name, null]))
const folder = mkdtempSync(join(tmpdir(), 'strongroom-shared-'))
after(() => rmSync(folder, { recursive: true }))
const opened: EmbeddedStore[] = []
afterEach(async () => {
  mock.restoreAll()
  for (const store of opened.splice(0)) await store.close()
})

let files = 0
const newFile = (): string => join(folder, `${++files}.db`)
const unexpected = (): void => assert.fail('nothing of this kind was to happen')

async function share(
  file: string,
  more: Partial<FileSharing> & { readonly nodeId?: string } = {},
): Promise<EmbeddedStore> {
  const { nodeId, ...sharing } = more
  const hears = {
    onForgotten: unexpected,
    onEnd: unexpected,
    onTrouble: unexpected,
    onSyncFailure: unexpected,
  }
  const store = await openEmbeddedStore({ file, tables, nodeId, sharing: { ...hears, ...sharing } })
  opened.push(store)
  return store
}

const row = (keyId: string): Row => ({
  key: ['eu-central-1', keyId],
  version: 1,
  columns: NO_COLUMNS,
  body: '{}',
  secret: null,
  mac: new Uint8Array([1]),
})
const add = (store: EmbeddedStore, keyId: string): Promise<void> =>
  store.transaction((tx) => tx.insert(KEYS.schema, row(keyId)))

/** What a store's listeners hear from now on: ids of keys. */
function newsOf(store: EmbeddedStore): string[] {
  const heard: string[] = []
  store.onCommit((news: CommitNews) => {
    heard.push(...(news === 'everything' ? [news] : news.map(({ key }) => key[1] ?? '')))
  })
  return heard
}

describe('a file that processes share', () => {
  test('tells of what others have committed when it is asked whether it is fresh, once', async () => {
    const file = newFile()
    const [one, two] = [await share(file), await share(file)]
    const heard = newsOf(two)
    await add(one, 'a')
    await add(one, 'b')
    assert.deepEqual(heard, [])
    assert.equal(two.freshness?.isFresh(), true)
    assert.deepEqual(heard, ['a', 'b'])
    await one.transaction((tx) => tx.setSetting('a', 'b'))
    assert.equal(await two.freshness?.whenFresh(0), true)
    assert.deepEqual(heard, ['a', 'b'])
  })

  test('tells a process of its own commits once, and before of what came between', async () => {
    const file = newFile()
    const [one, two] = [await share(file), await share(file)]
    const heard = newsOf(one)
    await add(one, 'a')
    one.freshness?.isFresh()
    await add(two, 'b')
    await add(one, 'c')
    assert.deepEqual(heard, ['a', 'b', 'c'])
    one.freshness?.isFresh()
    assert.deepEqual(heard, ['a', 'b', 'c'])
  })

  test('is asked once for what is handled in a row, and always before a write', async () => {
    const file = newFile()
    const one = await share(file)
    const heard = newsOf(one)
    const other = new DatabaseSync(file)
    let epoch = 0
    const change = (): void => {
      epoch++
      other.exec(`BEGIN; UPDATE counter SET value = ${epoch} WHERE name = 'epoch';
        INSERT INTO change VALUES (${epoch}, 0, 'kms_key', '["eu-central-1","k${epoch}"]'); COMMIT`)
    }
    one.freshness?.isFresh()
    change()
    one.freshness?.isFresh()
    assert.deepEqual(heard, [], 'it was read together with what came before')
    await Promise.resolve()
    one.freshness?.isFresh()
    assert.deepEqual(heard, ['k1'])
    change()
    await add(one, 'own')
    assert.deepEqual(heard, ['k1', 'k2', 'own'])
    other.close()
  })

  test('says that everything may have changed when the feed no longer has it', async () => {
    const file = newFile()
    const one = await share(file)
    for (const kept of [1, 0]) {
      let forgotten = 0
      const two = await share(file, { onForgotten: () => forgotten++ })
      const heard = newsOf(two)
      for (const name of ['a', 'b', 'c']) await add(one, `${name}${kept}`)
      await one.trimChanges((await one.epoch()) - kept)
      assert.equal(two.freshness?.isFresh(), true)
      assert.deepEqual([heard, forgotten], [['everything'], 1])
      await add(one, `d${kept}`)
      assert.equal(two.freshness?.isFresh(), true)
      assert.deepEqual([heard, forgotten], [['everything', `d${kept}`], 1])
    }
  })

  test('ends a process that finds it put back to an earlier state', async () => {
    const file = newFile()
    const ends: string[] = []
    const one = await share(file, {
      onEnd: ({ message }) => ends.push(message),
      onTrouble: () => undefined,
    })
    await add(one, 'a')
    await add(one, 'b')
    const other = new DatabaseSync(file)
    other.exec("UPDATE counter SET value = 1 WHERE name = 'epoch'")
    other.close()
    assert.equal(one.freshness?.isFresh(), false)
    assert.match(ends.join(), /gone back from epoch 2 to 1: this process has to be started again/)
    assert.equal(await one.freshness?.whenFresh(5000), false, 'at once: it never will be')
  })

  test('hands over what others have announced, before it writes and before it is fresh', async () => {
    const file = newFile()
    const held: (string | undefined)[] = []
    const take = (value: string | undefined): void => void held.push(value)
    const one = await share(file, { held: { name: 'keys', take } })
    const two = await share(file)
    await two.transaction((tx) => tx.announceSetting('keys', 'first'))
    assert.deepEqual(held, [])
    assert.equal(await one.transaction(async () => held.at(-1)), 'first')
    await two.transaction((tx) => tx.announceSetting('others', 'not these'))
    await two.transaction((tx) => tx.announceSetting('keys', 'second'))
    assert.equal(one.freshness?.isFresh(), true)
    assert.deepEqual(held, ['first', 'second'])
  })

  test('ends a process that cannot take over what was announced', async () => {
    const file = newFile()
    const ends: string[] = []
    const take = (): never => {
      throw new Error('the keys are of another root')
    }
    const one = await share(file, {
      held: { name: 'keys', take },
      onEnd: ({ message }) => ends.push(message),
      onTrouble: () => undefined,
    })
    const two = await share(file)
    await two.transaction((tx) => tx.announceSetting('keys', 'first'))
    await assert.rejects(add(one, 'a'), /cannot be read what other processes have changed/)
    assert.equal(one.freshness?.isFresh(), false)
    assert.deepEqual(ends, ['the keys are of another root: this process has to be started again'])
    await add(two, 'b')
  })

  test('is not fresh while it cannot be read, which is told once', async () => {
    const troubles: unknown[] = []
    const one = await share(newFile(), { onTrouble: (error) => troubles.push(error) })
    assert.equal(one.freshness?.isFresh(), true)
    await one.close()
    assert.equal(one.freshness?.isFresh(), false)
    assert.equal(await one.freshness?.whenFresh(60), false)
    assert.equal(troubles.length, 1)
  })
})

describe('writers that share a file', () => {
  test('take turns: neither waits for long while the other has always more to write', async () => {
    const file = newFile()
    const stores = [await share(file), await share(file)]
    const untilMs = performance.now() + 600
    const written = [0, 0]
    let longestMs = 0
    const write = async (store: EmbeddedStore, at: number, client: number): Promise<void> => {
      for (let n = 0; performance.now() < untilMs; n++) {
        const startedMs = performance.now()
        await add(store, `${at}-${client}-${n}`)
        longestMs = Math.max(longestMs, performance.now() - startedMs)
        written[at] = (written[at] ?? 0) + 1
      }
    }
    // More than one commit takes: each of them begins the next one at once.
    const clients = Array.from({ length: 100 }, (_, n) => n)
    await Promise.all(
      stores.flatMap((store, at) => clients.map((client) => write(store, at, client))),
    )
    const [first = 0, second = 0] = written
    assert.ok(Math.min(first, second) > 0.1 * Math.max(first, second), `${first} and ${second}`)
    assert.ok(longestMs < 5000, `${longestMs} ms`)
    assert.equal(await stores[0]?.epoch(), first + second)
  })

  test('are refused at last where another does not let go, and answer others meanwhile', async () => {
    const file = newFile()
    const one = await share(file, { patienceMs: 60 })
    await add(one, 'a')
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    let turns = 0
    const timer = setInterval(() => turns++, 5)
    await assert.rejects(add(one, 'b'), (error: unknown) => {
      assert.ok(error instanceof DependencyError)
      assert.match(error.message, /another process has kept the store locked for 0\.06 seconds/)
      return true
    })
    clearInterval(timer)
    assert.ok(turns > 0)
    assert.ok(await one.get(KEYS.schema, row('a').key), 'reads do not wait')
    const waiting = add(one, 'c')
    await delay(10)
    other.exec('ROLLBACK')
    await waiting
    other.close()
    assert.equal(await one.get(KEYS.schema, row('b').key), undefined)
  })

  test('after a sync that failed nobody writes: who saw it keeps the others out', async () => {
    const file = newFile()
    let told = 0
    const one = await share(file, { onSyncFailure: () => told++ })
    const two = await share(file, { patienceMs: 50 })
    await add(one, 'a')
    const { exec } = DatabaseSync.prototype
    let isFailing = true
    mock.method(DatabaseSync.prototype, 'exec', function (this: DatabaseSync, sql: string) {
      if (sql === 'COMMIT' && isFailing) {
        isFailing = false
        throw Object.assign(new Error('disk I/O error'), { errcode: 1034 })
      }
      return exec.call(this, sql)
    })
    const waiting = Array.from({ length: 100 }, (_, n) => add(one, `w${n}`))
    for (const { status } of await Promise.allSettled(waiting)) assert.equal(status, 'rejected')
    assert.equal(told, 1)
    await assert.rejects(add(one, 'b'), /a sync of the store failed: nothing more is written/)
    await assert.rejects(add(two, 'c'), /another process has kept the store locked/)
    two.giveUpWriting()
    await assert.rejects(add(two, 'd'), /a sync of the store failed: nothing more is written/)
    for (const store of [one, two]) {
      assert.equal(store.freshness?.isFresh(), true)
      assert.ok(await store.get(KEYS.schema, row('a').key))
    }
    await one.close()
    // As after a start.
    await add(await share(file), 'e')
  })
})

describe('the outboxes of a file that nodes share', () => {
  test('are each node’s own, with numbers that no other one has', async () => {
    const file = newFile()
    const main = await share(file)
    const two = await share(file, { nodeId: 'two' })
    const own = await main.transaction((tx) => tx.addOutbox('of main'))
    const other = await two.transaction((tx) => tx.addOutbox('of two'))
    assert.notEqual(own, other)
    assert.deepEqual(await main.outbox(0, 10), [{ id: own, frame: 'of main' }])
    assert.deepEqual(await two.outbox(0, 10), [{ id: other, frame: 'of two' }])
    assert.deepEqual(main.foreignOutboxes(), [{ nodeId: 'two', frames: 1, newest: other }])
    assert.deepEqual(two.foreignOutboxes(), [{ nodeId: null, frames: 1, newest: own }])
    const all = await two.snapshot((snapshot) => snapshot.outbox(0, 10))
    assert.deepEqual(
      all.map(({ frame }) => frame),
      ['of main', 'of two'],
    )
    main.outboxDelivered([own])
    await add(main, 'a')
    assert.deepEqual(two.foreignOutboxes(), [])
    assert.equal((await two.outbox(0, 10)).length, 1)
  })

  test('are taken over from a node that is gone, but for what its log has', async () => {
    const file = newFile()
    const main = await share(file)
    const two = await share(file, { nodeId: 'two' })
    const ids = await two.transaction(async (tx) => [
      await tx.addOutbox('in its log'),
      await tx.addOutbox('left'),
    ])
    assert.deepEqual(
      main.foreignOutbox('two').map(({ id }) => id),
      ids,
    )
    const adopted = await main.adoptOutbox('two', new Set(ids.slice(0, 1)))
    assert.deepEqual(adopted, [{ id: (ids[1] ?? 0) + 1, frame: 'left' }])
    assert.deepEqual(await main.outbox(0, 10), adopted)
    assert.deepEqual(await two.outbox(0, 10), [])
    assert.deepEqual(await main.adoptOutbox('two', new Set()), [])
  })
})
