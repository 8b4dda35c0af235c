import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import type { User } from '../../src/core/identity.ts'
import { userArn } from '../../src/core/identity-arns.ts'
import { SERVICE_CONTROLS, USERS } from '../../src/core/identity-tables.ts'
import { instant } from '../../src/core/ids.ts'
import type { Principal } from '../../src/core/principal.ts'
import type { RecordStore } from '../../src/core/records.ts'
import { TABLES } from '../../src/core/tables.ts'
import { PrincipalPolicySource } from '../../src/identity/principal-policies.ts'
import { openMemoryStore } from '../../src/storage/memory/memory-store.ts'
import { createRecordStore } from '../../src/storage/record-store.ts'
import { Identities } from '../support/identities.ts'
import { TwoKeyGuard } from './record-store-fixture.ts'

const ACCOUNT = '111122223333'
const NOTHING = '{"Version":"2012-10-17","Statement":[]}'

const principalOf = (user: User): Principal => {
  const arn = userArn('aws', user)
  return {
    type: 'User',
    accountId: user.accountId,
    partition: 'aws',
    arn,
    principalArn: arn,
    uniqueId: user.userId,
    userId: user.userId,
    userName: user.name,
    tags: {},
  }
}

describe('the policies of a principal', () => {
  let records: RecordStore
  let identities: Identities
  let source: PrincipalPolicySource
  let alice: User

  beforeEach(async () => {
    const rows = openMemoryStore(TABLES.map(({ schema }) => schema))
    records = createRecordStore({ rows, guard: new TwoKeyGuard(), cacheRecords: 100 })
    identities = new Identities(records)
    source = new PrincipalPolicySource(records)
    alice = await identities.addUser(ACCOUNT, '/alice', { inlinePolicies: { one: NOTHING } })
  })

  const change = (user: Partial<User>): Promise<void> =>
    records.transaction(async (tx) => {
      const stored = await tx.find(USERS, [alice.userId])
      assert.ok(stored)
      await tx.update(USERS, stored, { ...stored.record, ...user })
    })

  test('are at hand after they were loaded once, as the same object', async () => {
    const principal = principalOf(alice)
    const first = source.policiesOf(principal, records)
    assert.ok(first instanceof Promise)
    const loaded = await first
    assert.equal(source.policiesOf(principal, records), loaded)
    assert.deepEqual(
      loaded.identity.map(({ name }) => name),
      ['user/alice inline policy one'],
    )
  })

  test('are never the old ones after a commit', async () => {
    const principal = principalOf(alice)
    await source.policiesOf(principal, records)
    await change({ inlinePolicies: {} })
    assert.deepEqual((await source.policiesOf(principal, records)).identity, [])
    const accountId = alice.accountId
    const control = { accountId, text: NOTHING, updatedAt: instant(0) }
    await records.transaction((tx) => tx.insert(SERVICE_CONTROLS, control))
    assert.equal((await source.policiesOf(principal, records)).serviceControl?.length, 1)
  })

  test('are not held when a commit overtook the read', async () => {
    const principal = principalOf(alice)
    const reading = source.policiesOf(principal, records)
    await change({ inlinePolicies: { one: NOTHING, two: NOTHING } })
    await reading
    assert.equal((await source.policiesOf(principal, records)).identity.length, 2)
  })

  test('are those of the transaction inside one, and nothing of it stays', async () => {
    const principal = principalOf(alice)
    await source.policiesOf(principal, records)
    await assert.rejects(
      records.transaction(async (tx) => {
        const stored = await tx.find(USERS, [alice.userId])
        assert.ok(stored)
        await tx.update(USERS, stored, { ...stored.record, inlinePolicies: {} })
        assert.deepEqual((await source.policiesOf(principal, tx)).identity, [])
        throw new Error('rolled back')
      }),
      /rolled back/,
    )
    assert.equal((await source.policiesOf(principal, records)).identity.length, 1)
  })

  test('have a boundary that allows nothing where its policy is not there', async () => {
    await change({ boundaryArn: `arn:aws:iam::${ACCOUNT}:policy/gone` })
    const { boundary } = await source.policiesOf(principalOf(alice), records)
    assert.equal(boundary?.layer, 'permissions-boundary')
    assert.equal(boundary.policy.contextKeys.size, 0)
  })

  test('find AWS managed policies, and pass over those that are not there', async () => {
    await change({
      attachedPolicyArns: [
        'arn:aws:iam::aws:policy/AdministratorAccess',
        `arn:aws:iam::${ACCOUNT}:policy/gone`,
      ],
    })
    const { identity } = await source.policiesOf(principalOf(alice), records)
    const statements = identity.map(({ policy }) => policy.statementsFor('kms:decrypt').length)
    assert.deepEqual(statements, [0, 1, 0])
  })
})
