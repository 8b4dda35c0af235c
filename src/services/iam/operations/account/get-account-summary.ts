import { accountSummary } from '../../account-summary.ts'
import { defineListing } from '../../iam-operation.ts'

/**
 * How many identities the account has, and how many it may have.
 * Source: AWS IAM API Reference, GetAccountSummary.
 */
export const getAccountSummary = defineListing({
  name: 'GetAccountSummary',
  handle: async (_input, scope) => ({ SummaryMap: await accountSummary(scope) }),
})
