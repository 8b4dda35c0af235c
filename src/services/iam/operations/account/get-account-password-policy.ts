import { defineListing } from '../../iam-operation.ts'
import { passwordPolicyNotFound } from '../../refusals.ts'

/**
 * There are no passwords here, and so there is no policy for them.
 * Source: AWS IAM API Reference, GetAccountPasswordPolicy.
 */
export const getAccountPasswordPolicy = defineListing({
  name: 'GetAccountPasswordPolicy',
  handle(_input, { home }) {
    throw passwordPolicyNotFound(home.accountId)
  },
})
