import type { Place } from '../../core/arn.ts'
import { ServiceError } from '../../core/errors.ts'
import type { Records } from '../../core/records.ts'
import { KEYS } from '../../core/tables.ts'

/** Source: AWS KMS Developer Guide, Resource quotas: customer managed keys per account and Region. */
export const KEYS_PER_ACCOUNT_MAX = 100_000

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
  const count = await records.count(KEYS, {
    index: 'by_account',
    equals: [accountId, region],
    atMost: KEYS_PER_ACCOUNT_MAX,
  })
  if (count >= KEYS_PER_ACCOUNT_MAX) {
    throw new ServiceError(
      'LimitExceededException',
      `Key quota for this account in this region is ${KEYS_PER_ACCOUNT_MAX} but the current usage is ${count}.`,
    )
  }
}
