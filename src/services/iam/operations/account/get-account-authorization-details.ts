import { authorizationDetails } from '../../authorization-details.ts'
import { defineListing } from '../../iam-operation.ts'

/**
 * Every user, group, role and managed policy of the account with what it allows, page by page.
 * Source: AWS IAM API Reference, GetAccountAuthorizationDetails.
 */
export const getAccountAuthorizationDetails = defineListing({
  name: 'GetAccountAuthorizationDetails',
  handle: (input, scope) => authorizationDetails(input, scope),
})
