import { accountAliasOf } from '../../account-aliases.ts'
import { defineListing } from '../../iam-operation.ts'

/**
 * The name of the account, if it has one.
 * Source: AWS IAM API Reference, ListAccountAliases.
 */
export const listAccountAliases = defineListing({
  name: 'ListAccountAliases',
  async handle(_input, { records, home }) {
    const alias = await accountAliasOf(records, home.accountId)
    return {
      AccountAliases: alias === undefined ? [] : [alias.record.alias],
      IsTruncated: false,
    }
  },
})
