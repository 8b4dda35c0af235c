import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { seededRandom } from '../../../test/support/seeded-random.ts'
import { OperatorError } from '../../core/errors.ts'
import { instant, parseAccessKeyId, parseAccountId } from '../../core/ids.ts'
import { CREDENTIALS, TABLES } from '../../core/tables.ts'
import { createCustody } from '../../crypto/custody.ts'
import { memorySeal } from '../../crypto/seal-memory.ts'
import { openMemoryStore } from '../../storage/memory/memory-store.ts'
import { createRecordStore } from '../../storage/record-store.ts'
import {
  type AccountParts,
  drawAccountId,
  drawCredential,
  listAccounts,
  rotateCredentials,
  storeAccount,
} from './accounts.ts'

const clock = { now: () => instant(Date.UTC(2026, 0, 2)) }

describe('accounts', () => {
  let parts: AccountParts

  beforeEach(async () => {
    const random = seededRandom('accounts')
    const rows = openMemoryStore(TABLES.map(({ schema }) => schema))
    const custody = await createCustody({ seal: memorySeal(random), random, clock })
    parts = {
      records: createRecordStore({ rows, guard: custody, cacheRecords: 100 }),
      clock,
      random,
    }
  })

  const store = async (name = 'first'): Promise<ReturnType<typeof drawCredential>> => {
    const issued = drawCredential(parts.random, drawAccountId(parts.random))
    await storeAccount(parts, issued, name)
    return issued
  }

  const credential = async (accessKeyId: string) => parts.records.find(CREDENTIALS, [accessKeyId])

  test('a drawn account id has twelve digits and no leading zero; a drawn credential AWS’s forms', () => {
    for (let at = 0; at < 200; at++) {
      const accountId = drawAccountId(parts.random)
      assert.match(accountId, /^[1-9]\d{11}$/)
      const issued = drawCredential(parts.random, accountId)
      assert.match(issued.accessKeyId, /^AKIA[A-Z2-7]{16}$/)
      assert.match(issued.secretAccessKey, /^[A-Za-z0-9+/]{40}$/)
      assert.ok(parseAccessKeyId(issued.accessKeyId))
    }
  })

  test('the secret is in the store, wrapped, and nowhere in the record', async () => {
    const issued = await store()
    const stored = await credential(issued.accessKeyId)
    assert.ok(stored)
    assert.ok(!JSON.stringify(stored.record).includes(issued.secretAccessKey))
    assert.ok(!Buffer.from(stored.secret ?? []).includes(issued.secretAccessKey))
    using secret = parts.records.unwrap(CREDENTIALS, stored)
    assert.equal(Buffer.from(secret.expose()).toString(), issued.secretAccessKey)
  })

  test('a number is given once', async () => {
    const issued = await store()
    const again = drawCredential(parts.random, parseAccountId(issued.accountId) ?? assert.fail())
    await assert.rejects(storeAccount(parts, again, 'second'), (error) => {
      assert.ok(error instanceof OperatorError)
      assert.equal(error.message, `the account ${issued.accountId} exists already`)
      return true
    })
    assert.equal(await credential(again.accessKeyId), undefined)
  })

  test('a listing shows every account with its active keys, by number', async () => {
    const all = [await store('a'), await store('b'), await store('c')]
    const listed = await listAccounts(parts)
    const byNumber = all.toSorted((a, b) => (a.accountId < b.accountId ? -1 : 1))
    assert.deepEqual(
      listed.map(({ accountId, accessKeyIds }) => [accountId, accessKeyIds]),
      byNumber.map(({ accountId, accessKeyId }) => [accountId, [accessKeyId]]),
    )
    assert.equal(listed[0]?.createdAt, '2026-01-02T00:00:00.000Z')
  })

  test('a rotation ends the old key and keeps its id known', async () => {
    const issued = await store()
    const next = await rotateCredentials(parts, issued.accountId)
    assert.deepEqual(next.replaced, [issued.accessKeyId])
    assert.notEqual(next.secretAccessKey, issued.secretAccessKey)
    assert.equal((await credential(issued.accessKeyId))?.record.status, 'Deleted')
    assert.equal((await credential(next.accessKeyId))?.record.status, 'Active')
    const [listed] = await listAccounts(parts)
    assert.deepEqual(listed?.accessKeyIds, [next.accessKeyId])
  })

  test('only an account that exists has its credentials rotated', async () => {
    for (const [given, message] of [
      ['000000000001', 'there is no account 000000000001'],
      ['12345', "'12345' is not an account id: it takes twelve digits"],
      ['', "'' is not an account id: it takes twelve digits"],
    ] as const) {
      await assert.rejects(rotateCredentials(parts, given), { name: 'OperatorError', message })
    }
  })
})
