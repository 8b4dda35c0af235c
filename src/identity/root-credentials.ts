import type { AccountId } from '../core/ids.ts'
import type { Records, Stored } from '../core/records.ts'
import { CREDENTIALS, type Credential } from '../core/tables.ts'

const CREDENTIALS_PER_PAGE = 1000

/** The credentials of an account's root, inactive ones too, deleted ones not: those of its users are their own. */
export async function rootCredentials(
  records: Records,
  accountId: AccountId,
): Promise<readonly Stored<Credential>[]> {
  const found: Stored<Credential>[] = []
  let after: readonly string[] | undefined
  // Ends with the account's credentials: pages only go forward.
  for (;;) {
    const page = await records.page(CREDENTIALS, {
      index: 'by_account',
      equals: [accountId],
      ...(after && { after }),
      limit: CREDENTIALS_PER_PAGE,
    })
    found.push(
      ...page.filter(
        ({ record }) => record.status !== 'Deleted' && record.principal.type === 'Root',
      ),
    )
    const last = page.at(-1)
    if (last === undefined || page.length < CREDENTIALS_PER_PAGE) return found
    after = [last.record.accessKeyId]
  }
}
