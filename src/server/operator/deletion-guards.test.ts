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
import { getDeletionGuard, removeDeletionGuard, setDeletionGuard } from './deletion-guards.ts'

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

const isOperatorError = (pattern: RegExp) => (error: unknown) =>
  error instanceof OperatorError && pattern.test(`${error.message}; ${error.hint ?? ''}`)

describe('deletion guards', () => {
  test('are set, replaced, shown and removed', async () => {
    const parts = { records: await storeWithAccount(), clock }
    const updatedAt = new Date(clock.now()).toISOString()
    const set = await setDeletionGuard(parts, { accountId: ACCOUNT, days: 30 })
    assert.deepEqual(set, { accountId: ACCOUNT, days: 30, updatedAt })
    await setDeletionGuard(parts, { accountId: ACCOUNT, days: 90 })
    assert.equal((await getDeletionGuard(parts, ACCOUNT)).days, 90)
    assert.equal(await removeDeletionGuard(parts, ACCOUNT), ACCOUNT)
    const none = isOperatorError(/has no deletion guard; .*set-deletion-guard/)
    await assert.rejects(getDeletionGuard(parts, ACCOUNT), none)
    await assert.rejects(removeDeletionGuard(parts, ACCOUNT), none)
  })

  test('take whole days, and accounts that are there', async () => {
    const parts = { records: await storeWithAccount(), clock }
    for (const days of [0, -1, 1.5, 3651, '30', undefined, Number.NaN]) {
      const setting = setDeletionGuard(parts, { accountId: ACCOUNT, days })
      await assert.rejects(setting, isOperatorError(/takes 1 to 3650 days/))
    }
    await assert.rejects(
      setDeletionGuard(parts, { accountId: '444455556666', days: 30 }),
      isOperatorError(/no account 444455556666; strongroom account list/),
    )
    await assert.rejects(getDeletionGuard(parts, 7), isOperatorError(/twelve digits/))
  })
})
