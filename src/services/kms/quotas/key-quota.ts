import type { Place } from '../../../core/arn.ts'
import { ServiceError } from '../../../core/errors.ts'
import type { Records } from '../../../core/records.ts'
import { ALIASES, KEYS } from '../../../core/tables.ts'
import { PREDEFINED_SERVICES, predefinedAlias } from '../keys/predefined-keys.ts'

/** Source: AWS KMS Developer Guide, Resource quotas: customer managed keys per account and Region. */
export const KEYS_PER_ACCOUNT_MAX = 100_000

/** How many AWS managed keys there are, which the quota does not count. */
async function managedKeys(
  records: Pick<Records, 'count'>,
  { accountId, region }: Place,
): Promise<number> {
  const counts = await Promise.all(
    PREDEFINED_SERVICES.map((service) =>
      records.count(ALIASES, {
        index: 'key',
        equals: [accountId, region, predefinedAlias(service)],
        atMost: 1,
      }),
    ),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

/**
 * AWS's quota of keys, in all states, which guards no resource here: it is asked only where AWS's
 * quotas are wanted.
 * @param quotas absent where they are not
 * @throws ServiceError LimitExceededException
 */
export async function assertRoomForKey(
  records: Pick<Records, 'count'>,
  { accountId, region }: Place,
  quotas: object | undefined,
): Promise<void> {
  if (quotas === undefined) return
  const all = await records.count(KEYS, {
    index: 'by_account',
    equals: [accountId, region],
    atMost: KEYS_PER_ACCOUNT_MAX + PREDEFINED_SERVICES.length,
  })
  // Only who is near the quota has to be counted exactly.
  if (all < KEYS_PER_ACCOUNT_MAX) return
  const count = all - (await managedKeys(records, { accountId, region }))
  if (count >= KEYS_PER_ACCOUNT_MAX) {
    throw new ServiceError(
      'LimitExceededException',
      `Key quota for this account in this region is ${KEYS_PER_ACCOUNT_MAX} but the current usage is ${count}.`,
    )
  }
}
