import type { AccountId } from '../../core/ids.ts'
import { parseAccessKeyId } from '../../core/ids.ts'
import type { Records, Stored } from '../../core/records.ts'
import { CREDENTIALS, type Credential } from '../../core/tables.ts'
import { rootCredentials } from '../../identity/root-credentials.ts'
import type { Subject } from './caller.ts'
import { QUOTAS } from './quotas.ts'
import { accessKeyNotFound } from './refusals.ts'

/** The access keys of a user, deleted ones left out. */
export const userAccessKeys = (
  records: Records,
  userId: string,
): Promise<readonly Stored<Credential>[]> =>
  records.page(CREDENTIALS, {
    index: 'by_user',
    equals: [userId],
    // One more than there may be, so that one too many would show.
    limit: QUOTAS.AccessKeysPerUser + 1,
  })

/** The access keys of a user or of the account's root. */
export const accessKeysOf = (
  records: Records,
  accountId: AccountId,
  subject: Subject,
): Promise<readonly Stored<Credential>[]> =>
  subject.kind === 'user'
    ? userAccessKeys(records, subject.stored.record.userId)
    : rootCredentials(records, accountId)

/** @throws ServiceError NoSuchEntityException, also for an access key of somebody else */
export async function getAccessKey(
  records: Records,
  accountId: AccountId,
  { subject, accessKeyId: given }: { readonly subject: Subject; readonly accessKeyId: string },
): Promise<Stored<Credential>> {
  const accessKeyId = parseAccessKeyId(given)
  const stored =
    accessKeyId === undefined ? undefined : await records.find(CREDENTIALS, [accessKeyId])
  if (stored === undefined || !isOf(stored.record, accountId, subject)) {
    throw accessKeyNotFound(given)
  }
  return stored
}

const isOf = (
  { principal, accountId, status }: Credential,
  home: AccountId,
  subject: Subject,
): boolean => {
  if (accountId !== home || status === 'Deleted') return false
  return subject.kind === 'user'
    ? principal.type === 'User' && principal.userId === subject.stored.record.userId
    : principal.type === 'Root'
}

/** The name of who has a key; the account's root has none. */
const subjectName = (subject: Subject): string | undefined =>
  subject.kind === 'user' ? subject.stored.record.name : undefined

/** An access key without its secret. */
export const shownAccessKey = (
  subject: Subject,
  { accessKeyId, status, createdAt }: Credential,
) => ({
  UserName: subjectName(subject),
  AccessKeyId: accessKeyId,
  // A deleted key is never shown.
  Status: status === 'Active' ? ('Active' as const) : ('Inactive' as const),
  CreateDate: createdAt,
})
