import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HeldClock } from '../../../test/support/memory-node.ts'
import { OperatorError } from '../../core/errors.ts'
import { instant, parseAccountId } from '../../core/ids.ts'
import type { RecordStore } from '../../core/records.ts'
import { ACCOUNTS, TABLES } from '../../core/tables.ts'
import { createCustody } from '../../crypto/custody.ts'
import { createRandom } from '../../crypto/random.ts'
import { memorySeal } from '../../crypto/seal-memory.ts'
import { openMemoryStore } from '../../storage/memory/memory-store.ts'
import { createRecordStore } from '../../storage/record-store.ts'
import { getServiceControl, removeServiceControl, setServiceControl } from './service-controls.ts'

const ACCOUNT = parseAccountId('111122223333') ?? assert.fail('an account id')
const clock = new HeldClock()

async function storeWithAccount(): Promise<RecordStore> {
  const random = createRandom()
  const custody = await createCustody({ seal: memorySeal(random), random, clock })
  const rows = openMemoryStore(TABLES.map(({ schema }) => schema))
  const records = createRecordStore({ rows, guard: custody, cacheRecords: 10 })
  const account = { accountId: ACCOUNT, name: 'one', createdAt: instant(0) }
  await records.transaction((tx) => tx.insert(ACCOUNTS, account))
  return records
}

const policyOf = (statement: object): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
const ALLOW = policyOf({ Effect: 'Allow', Action: '*', Resource: '*' })
const DENY = policyOf({ Effect: 'Deny', Action: 'kms:*', Resource: '*' })

const isOperatorError = (pattern: RegExp) => (error: unknown) =>
  error instanceof OperatorError && pattern.test(`${error.message}; ${error.hint ?? ''}`)

describe('service control policies', () => {
  test('are set, replaced, shown and removed', async () => {
    const parts = { records: await storeWithAccount(), clock }
    const set = await setServiceControl(parts, { accountId: ACCOUNT, policy: ALLOW })
    assert.deepEqual(set, {
      accountId: ACCOUNT,
      policy: ALLOW,
      updatedAt: new Date(clock.now()).toISOString(),
    })
    await setServiceControl(parts, { accountId: ACCOUNT, policy: DENY })
    assert.equal((await getServiceControl(parts, ACCOUNT)).policy, DENY)
    assert.equal(await removeServiceControl(parts, ACCOUNT), ACCOUNT)
    const none = isOperatorError(/has no service control policy/)
    await assert.rejects(getServiceControl(parts, ACCOUNT), none)
    await assert.rejects(removeServiceControl(parts, ACCOUNT), none)
  })

  test('are of accounts that are there', async () => {
    const parts = { records: await storeWithAccount(), clock }
    const unknown = isOperatorError(/no account 444455556666; strongroom account list/)
    const request = { accountId: '444455556666', policy: ALLOW }
    await assert.rejects(setServiceControl(parts, request), unknown)
    await assert.rejects(getServiceControl(parts, '444455556666'), unknown)
    await assert.rejects(getServiceControl(parts, 7), isOperatorError(/twelve digits/))
  })

  test('have the grammar and the size of their kind', async () => {
    const parts = { records: await storeWithAccount(), clock }
    const refuses = (policy: unknown, pattern: RegExp) =>
      assert.rejects(
        setServiceControl(parts, { accountId: ACCOUNT, policy }),
        isOperatorError(pattern),
      )
    await refuses('{', /is not valid/)
    await refuses(
      policyOf({ Effect: 'Deny', Principal: '*', Action: '*', Resource: '*' }),
      /not valid.*without Principal/,
    )
    await refuses(undefined, /no text of a policy/)
    await refuses('ガ', /no text of a policy/)
    const long = policyOf({ Effect: 'Deny', Action: `kms:${'x'.repeat(5120)}`, Resource: '*' })
    await refuses(long, /characters without white space, and at most 5120/)
    const wide = ALLOW.replace(':', `:${' '.repeat(6000)}`)
    await setServiceControl(parts, { accountId: ACCOUNT, policy: wide })
  })
})
