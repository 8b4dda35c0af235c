import type { AccountAlias } from '../../core/identity.ts'
import { ACCOUNT_ALIASES } from '../../core/identity-tables.ts'
import type { AccountId } from '../../core/ids.ts'
import type { Records, Stored } from '../../core/records.ts'

/** The one name that an account may have. */
export async function accountAliasOf(
  records: Records,
  accountId: AccountId,
): Promise<Stored<AccountAlias> | undefined> {
  const [alias] = await records.page(ACCOUNT_ALIASES, {
    index: 'by_account',
    equals: [accountId],
    limit: 1,
  })
  return alias
}
