import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { USERS } from '../../src/core/identity-tables.ts'
import { instant } from '../../src/core/ids.ts'
import type { Key } from '../../src/core/key.ts'
import type { Listing, RecordStore } from '../../src/core/records.ts'
import type { RowStore } from '../../src/core/store.ts'
import { GRANTS, type Grant, KEYS, TABLES } from '../../src/core/tables.ts'
import { PrincipalPolicySource } from '../../src/identity/principal-policies.ts'
import { GrantIndex } from '../../src/services/kms/authorization/grant-index.ts'
import { CommitListeners } from '../../src/storage/commit-listeners.ts'
import { openMemoryStore } from '../../src/storage/memory/memory-store.ts'
import { createRecordStore } from '../../src/storage/record-store.ts'
import { Identities } from '../support/identities.ts'
import { rootOfAccount } from '../support/principals.ts'
import { ACCOUNT, aKey, keyIdOf, REGION, TwoKeyGuard, watch } from './record-store-fixture.ts'

const grantOf = (key: Key): Grant => ({
  region: key.region,
  keyId: key.keyId,
  grantId: 'a'.repeat(64),
  name: '',
  granteePrincipal: `arn:aws:iam::${ACCOUNT}:root`,
  operations: ['Decrypt'],
  issuingAccount: ACCOUNT,
  createdAt: instant(0),
})

describe('a node that is told that everything may have changed', () => {
  const listeners = new CommitListeners()
  const watched = () => watch(openMemoryStore(TABLES.map(({ schema }) => schema)))
  let shared: ReturnType<typeof watched>
  /** The node that hears of nothing but what the test tells. */
  let records: RecordStore
  /** Another node on the same rows. */
  let elsewhere: RecordStore

  beforeEach(() => {
    shared = watched()
    const deaf: RowStore = { ...shared.rows, onCommit: (listener) => listeners.add(listener) }
    const guard = new TwoKeyGuard()
    records = createRecordStore({ rows: deaf, guard, cacheRecords: 100 })
    elsewhere = createRecordStore({ rows: shared.rows, guard, cacheRecords: 100 })
  })

  const rename = (n: number, description: string): Promise<void> =>
    elsewhere.transaction(async (tx) => {
      const stored = await tx.find(KEYS, [REGION, keyIdOf(n)])
      assert.ok(stored)
      await tx.update(KEYS, stored, aKey(n, { description }))
    })
  const descriptionOf = async (n: number) =>
    (await records.find(KEYS, [REGION, keyIdOf(n)]))?.record.description

  test('uses no record that it had cached', async () => {
    await elsewhere.transaction((tx) => tx.insert(KEYS, aKey(0)))
    await descriptionOf(0)
    await rename(0, 'new')
    assert.equal(await descriptionOf(0), 'key 0', 'nobody has told it')
    listeners.tell('everything')
    assert.equal(records.peek(KEYS, [REGION, keyIdOf(0)]), undefined)
    assert.equal(await descriptionOf(0), 'new')
  })

  test('lists nothing as it had listed it', async () => {
    const shown: Listing<Key, Key> = {
      table: KEYS,
      index: 'by_account',
      entryOf: (key) => key,
      placeOf: ({ keyId }) => keyId,
    }
    const listed = async () => {
      const entries = await records.list(shown, { equals: [ACCOUNT, REGION], limit: 10 })
      return entries.map(({ description }) => description)
    }
    await elsewhere.transaction((tx) => tx.insert(KEYS, aKey(0)))
    await listed()
    await rename(0, 'new')
    assert.deepEqual(await listed(), ['key 0'], 'nobody has told it')
    listeners.tell('everything')
    assert.deepEqual(await listed(), ['new'])
  })

  test('keeps nothing of a read that was under way', async () => {
    await elsewhere.transaction((tx) => tx.insert(KEYS, aKey(0)))
    const { promise, resolve } = Promise.withResolvers<void>()
    shared.gate = promise
    const early = descriptionOf(0)
    await rename(0, 'new')
    listeners.tell('everything')
    shared.gate = undefined
    const late = descriptionOf(0)
    resolve()
    assert.deepEqual([await early, await late], ['key 0', 'new'])
    assert.equal(await descriptionOf(0), 'new')
  })

  test('decides by no policy and no grant that it had held', async () => {
    const policies = new PrincipalPolicySource(records)
    const grants = new GrantIndex(records)
    const key = aKey(0)
    const inlinePolicies = { one: '{"Version":"2012-10-17","Statement":[]}' }
    const user = await new Identities(elsewhere).addUser(ACCOUNT, '/alice', { inlinePolicies })
    const { type: _, ...root } = rootOfAccount(ACCOUNT)
    const principal = { ...root, type: 'User', uniqueId: user.userId } as const
    await elsewhere.transaction(async (tx) => {
      await tx.insert(KEYS, key)
      await tx.insert(GRANTS, grantOf(key))
    })
    const held = async () => [
      (await policies.policiesOf(principal, records)).identity.length,
      (await grants.grantsFor(rootOfAccount(ACCOUNT), key, records)).length,
    ]
    assert.deepEqual(await held(), [1, 1])
    await elsewhere.transaction(async (tx) => {
      const stored = await tx.find(GRANTS, [key.region, key.keyId, 'a'.repeat(64)])
      assert.ok(stored)
      await tx.remove(GRANTS, stored)
    })
    await new Identities(elsewhere).change(USERS, [user.userId], { inlinePolicies: {} })
    assert.deepEqual(await held(), [1, 1], 'nobody has told it')
    listeners.tell('everything')
    assert.deepEqual(await held(), [0, 0])
  })
})
