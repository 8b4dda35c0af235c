import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { DependencyError } from '../../src/core/errors.ts'
import type { RowStore } from '../../src/core/store.ts'
import { TABLES } from '../../src/core/tables.ts'
import { openEmbeddedStore } from '../../src/storage/embedded/embedded-store.ts'
import { aKeyRow, insertKeys, KEY_TABLE, keyIdsOf, REGION } from '../contract/row-samples.ts'

const folder = await mkdtemp(join(tmpdir(), 'strongroom-faults-'))
after(() => rm(folder, { recursive: true }))
const tables = TABLES.map((table) => table.schema)
const WRITER = fileURLToPath(import.meta.resolve('./store-writer.ts'))

interface Writer {
  readonly child: ChildProcess
  /** Exit code and signal, when the process has ended and all it said has been read. */
  readonly closed: Promise<unknown[]>
  /** Transactions that resolved, and those that were rejected with the error's name. */
  readonly acknowledged: string[]
  readonly refused: Map<string, string>
  /** Resolves when so many lines of a kind have come. */
  reached(what: 'ack' | 'refused' | 'ready' | 'done', count: number): Promise<void>
}

function startWriter(args: readonly string[], launcher: readonly string[] = []): Writer {
  const [program = '', ...rest] = [...launcher, process.execPath, WRITER, ...args]
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
  assert(child.stdout)
  const acknowledged: string[] = []
  const refused = new Map<string, string>()
  const counts = new Map<string, number>()
  const closed = once(child, 'close')
  let changed = Promise.withResolvers<void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [what = '', id = '', name = ''] = line.split(' ')
    if (what === 'ack') acknowledged.push(id)
    if (what === 'refused') refused.set(id, name)
    counts.set(what, (counts.get(what) ?? 0) + 1)
    changed.resolve()
  })
  void closed.then(() => changed.resolve())
  return {
    child,
    closed,
    acknowledged,
    refused,
    async reached(what, count) {
      while ((counts.get(what) ?? 0) < count) {
        const ended = child.exitCode ?? child.signalCode
        if (ended !== null) throw new Error(`the writer ended (${ended}) before ${what} ${count}`)
        changed = Promise.withResolvers()
        await changed.promise
      }
    },
  }
}

/** Every transaction in the store, after checking that none is there by half. */
async function assertWhole(store: RowStore): Promise<Set<string>> {
  const rows = await store.page(KEY_TABLE, { index: 'key', equals: [], limit: 10_000 })
  const ids = keyIdsOf(rows)
  const whole = new Set(ids.filter((id) => id.endsWith('-a')).map((id) => id.slice(0, -2)))
  assert.equal(ids.length, whole.size * 2)
  for (const id of whole) assert.ok(ids.includes(`${id}-b`), `${id} is there by half`)
  const frames = (await store.outbox(0, 10_000)).map((entry) => entry.frame)
  assert.deepEqual(new Set(frames), whole)
  const changes = await store.changesSince(0, 100_000)
  assert.equal(changes.length, ids.length)
  assert.equal(await store.epoch(), whole.size)
  return whole
}

describe('a store that has no room', () => {
  test('refuses what does not fit, keeps what it acknowledged, and goes on when there is room', async () => {
    const file = join(folder, 'full.db')
    const store = await openEmbeddedStore({ file, tables, pagesMax: 120 })
    const acknowledged: string[] = []
    const refused: string[] = []
    const body = 'x'.repeat(3000)
    for (let round = 0; refused.length === 0; round++) {
      assert.ok(round < 100)
      const results = await Promise.allSettled(
        Array.from({ length: 10 }, async (_, n) => {
          const keyId = `k${round}-${n}`
          try {
            await insertKeys(store, aKeyRow(keyId, { body }))
            acknowledged.push(keyId)
          } catch (error) {
            refused.push(keyId)
            throw error
          }
        }),
      )
      for (const result of results) {
        if (result.status === 'rejected') assert(result.reason instanceof DependencyError)
      }
    }
    const page = () => store.page(KEY_TABLE, { index: 'key', equals: [], limit: 10_000 })
    assert.deepEqual(keyIdsOf(await page()), acknowledged.toSorted())
    assert.equal(await store.epoch(), acknowledged.length)

    await store.transaction(async (tx) => {
      for (const keyId of acknowledged) await tx.delete(KEY_TABLE, [REGION, keyId], 1)
    })
    await insertKeys(store, ...refused.map((keyId) => aKeyRow(keyId, { body })))
    assert.deepEqual(keyIdsOf(await page()), refused.toSorted())
    await store.close()
  })

  test('does not commit a work that swallows the error', async () => {
    const store = await openEmbeddedStore({
      file: join(folder, 'swallowed.db'),
      tables,
      pagesMax: 80,
    })
    const swallowing = store.transaction(async (tx) => {
      await tx.insert(KEY_TABLE, aKeyRow('a'))
      const tooLarge = aKeyRow('b', { body: 'x'.repeat(1_000_000) })
      await assert.rejects(tx.insert(KEY_TABLE, tooLarge), DependencyError)
    })
    await assert.rejects(swallowing, DependencyError)
    assert.equal(await store.get(KEY_TABLE, [REGION, 'a']), undefined)
    await insertKeys(store, aKeyRow('a'))
    await store.close()
  })

  const hasPrlimit = ((): boolean => {
    try {
      execFileSync('prlimit', ['--version'])
      return true
    } catch {
      return false
    }
  })()

  test('answers failed commits with an error, and goes on when the limit is lifted', {
    skip: hasPrlimit ? false : 'needs prlimit',
  }, async () => {
    const file = join(folder, 'limited.db')
    // The file system refuses to let any file grow beyond 600 KB: COMMIT fails while it writes the log.
    const writer = startWriter(
      [file, 'w', '4', '100'],
      ['prlimit', '--fsize=600000:unlimited', '--'],
    )
    await writer.reached('refused', 4)
    const { child } = writer
    // All four writers wait now.
    execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=unlimited:unlimited'])
    // A line for each refusal there may yet be.
    child.stdin?.write('go on\n'.repeat(1000))
    const exit = once(child, 'exit')
    await writer.reached('done', 1)
    assert.deepEqual(await exit, [0, null])
    for (const name of writer.refused.values()) assert.equal(name, 'DependencyError')
    assert.equal(writer.refused.size + writer.acknowledged.length, 400)

    const store = await openEmbeddedStore({ file, tables })
    assert.deepEqual(await assertWhole(store), new Set(writer.acknowledged))
    assert.deepEqual(store.checkStructure(), [])
    await store.close()
  })
})

describe('a store whose process is killed', () => {
  test('has every acknowledged transaction, and each of the others wholly or not at all', async () => {
    const file = join(folder, 'killed.db')
    const acknowledged: string[] = []
    for (let round = 0; round < 3; round++) {
      const writer = startWriter([file, `r${round}`, '8', '1000000'])
      await writer.reached('ack', 60 + 37 * round)
      writer.child.kill('SIGKILL')
      await writer.closed
      acknowledged.push(...writer.acknowledged)

      const store = await openEmbeddedStore({ file, tables })
      const whole = await assertWhole(store)
      for (const id of acknowledged) assert.ok(whole.has(id), `${id} was acknowledged and is lost`)
      // What was committed and not acknowledged is at most what was under way.
      assert.ok(whole.size <= acknowledged.length + 8 * (round + 1))
      assert.deepEqual(store.checkStructure(), [])
      await store.close()
    }
  })
})

describe('a store that several processes open', () => {
  test('is set up once, and every write of each is there', async () => {
    const file = join(folder, 'shared.db')
    const writers = ['a', 'b', 'c'].map((prefix) => startWriter([file, prefix, '2', '25']))
    await Promise.all(writers.map((writer) => writer.reached('done', 1)))
    const store = await openEmbeddedStore({ file, tables })
    const whole = await assertWhole(store)
    assert.deepEqual(whole, new Set(writers.flatMap((writer) => writer.acknowledged)))
    assert.equal(whole.size, 150)
    await store.close()
  })
})
