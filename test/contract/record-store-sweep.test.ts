import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { IntegrityError } from '../../src/core/errors.ts'
import { ALIASES, BACKING_KEYS, KEYS } from '../../src/core/tables.ts'
import {
  ACCOUNT,
  aBackingKey,
  aKey,
  aSecret,
  backingKeyOf,
  keyOf,
  REGION,
  setUp,
  tamper,
} from './record-store-fixture.ts'

describe('rewriting every row under new keys', () => {
  const fill = async (count: number) => {
    const made = setUp()
    await made.records.transaction(async (tx) => {
      for (let n = 0; n < count; n++) {
        using secret = aSecret(n)
        await tx.insert(KEYS, aKey(n))
        await tx.insert(BACKING_KEYS, aBackingKey(n), secret)
      }
    })
    made.guard.current = 1
    return made
  }

  test('each row is rewritten once, and its secret is what it was', async () => {
    const { rows, guard, records } = await fill(25)
    const progress: number[][] = []
    const options = {
      isCurrent: guard.isCurrent,
      batch: 10,
      onProgress: (rewritten: number, seen: number) => progress.push([rewritten, seen]),
    }
    assert.equal(await records.rewriteAll(options), 50)
    assert.deepEqual(progress.at(-1), [50, 50])
    assert.equal(progress.length, 6)
    assert.equal(await records.rewriteAll(options), 0)
    for (let n = 0; n < 25; n++) {
      const row = await rows.get(BACKING_KEYS.schema, backingKeyOf(n))
      assert.ok(row && guard.isCurrent(row))
      const stored = await records.find(BACKING_KEYS, backingKeyOf(n))
      assert.equal(stored?.version, 2)
      using opened = records.unwrap(BACKING_KEYS, stored)
      assert.equal(opened.expose()[0], n)
    }
  })

  test('two at once rewrite each row once between them', async () => {
    const { guard, records } = await fill(25)
    const options = { isCurrent: guard.isCurrent, batch: 10 }
    const counts = await Promise.all([records.rewriteAll(options), records.rewriteAll(options)])
    assert.equal(counts[0] + counts[1], 50)
    assert.equal((await records.find(KEYS, keyOf(7)))?.version, 2)
  })

  test('one that stopped half-way is taken up by the next', async () => {
    const { guard, records } = await fill(25)
    const stop = new Error('stop')
    const stopped = records.rewriteAll({
      isCurrent: guard.isCurrent,
      batch: 10,
      onProgress: (rewritten) => {
        if (rewritten === 20) throw stop
      },
    })
    await assert.rejects(stopped, (error) => error === stop)
    assert.equal(await records.rewriteAll({ isCurrent: guard.isCurrent }), 30)
  })

  test('a row that was updated under the new key keeps no secret under the old one', async () => {
    const { rows, guard, records } = await fill(1)
    const stored = await records.find(BACKING_KEYS, backingKeyOf(0))
    assert(stored)
    await records.transaction((tx) => tx.update(BACKING_KEYS, stored, aBackingKey(0)))
    assert.equal(await records.rewriteAll({ isCurrent: guard.isCurrent }), 2)
    const row = await rows.get(BACKING_KEYS.schema, backingKeyOf(0))
    assert.equal(row?.secret?.[0], 1)
  })

  test('a row that is not genuine is not made so', async () => {
    const { rows, guard, records } = await fill(3)
    await tamper(rows, keyOf(1), (row) => ({ ...row, body: row.body.replace('key 1', 'key 9') }))
    await assert.rejects(records.rewriteAll({ isCurrent: guard.isCurrent }), IntegrityError)
    await assert.rejects(records.find(KEYS, keyOf(1)), IntegrityError)
  })

  test('cached records follow', async () => {
    const { guard, records } = await fill(1)
    assert.equal((await records.find(KEYS, keyOf(0)))?.version, 1)
    await records.rewriteAll({ isCurrent: guard.isCurrent })
    assert.equal((await records.find(KEYS, keyOf(0)))?.version, 2)
  })
})

describe('verifying every row', () => {
  test('a sound store has no problems', async () => {
    const { records } = setUp()
    await records.transaction(async (tx) => {
      for (let n = 0; n < 450; n++) await tx.insert(KEYS, aKey(n))
    })
    assert.equal(await records.verifyAll((problem) => assert.fail(problem.message)), 450)
  })

  test('each problem names its row, and the sweep goes on', async () => {
    const { rows, records } = setUp()
    using secret = aSecret(1)
    await records.transaction(async (tx) => {
      for (let n = 0; n < 5; n++) await tx.insert(KEYS, aKey(n))
      await tx.insert(BACKING_KEYS, aBackingKey(1), secret)
    })
    for (const n of [1, 3]) await tamper(rows, keyOf(n), (row) => ({ ...row, body: '{}' }))
    const found: (readonly string[])[] = []
    assert.equal(await records.verifyAll((problem) => found.push(problem.key)), 6)
    assert.deepEqual(found, [keyOf(1), keyOf(3)])
  })

  test('a secret that does not open is a problem although its MAC is right', async () => {
    const { rows, guard, records } = setUp()
    using secret = aSecret(1)
    await records.transaction((tx) => tx.insert(BACKING_KEYS, aBackingKey(1), secret))
    await tamper(
      rows,
      backingKeyOf(1),
      (row) => {
        const other = new Uint8Array(61)
        const identity = { table: 'backing_key', key: row.key }
        return { ...row, secret: other, mac: guard.mac(identity, 1, row.body, other) }
      },
      BACKING_KEYS.schema,
    )
    const messages: string[] = []
    await records.verifyAll((problem) => messages.push(problem.message))
    assert.deepEqual(messages, ['the secret does not open'])
  })

  test('an empty table is no problem', async () => {
    const { records } = setUp()
    assert.equal(await records.verifyAll((problem) => assert.fail(problem.message)), 0)
    assert.equal(await records.find(ALIASES, [ACCOUNT, REGION, 'alias/none']), undefined)
  })
})
