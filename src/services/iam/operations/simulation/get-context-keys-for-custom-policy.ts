import { defineListing } from '../../iam-operation.ts'
import { givenPolicies } from '../../simulation/policy-sources.ts'
import { contextKeysOf } from '../../simulation/policy-text.ts'

/**
 * The condition keys and variables that given policies read.
 * Source: AWS IAM API Reference, GetContextKeysForCustomPolicy.
 */
export const getContextKeysForCustomPolicy = defineListing({
  name: 'GetContextKeysForCustomPolicy',
  handle(input) {
    const policies = givenPolicies('PolicyInputList', input.PolicyInputList)
    return { ContextKeyNames: contextKeysOf(policies.map(({ text }) => text)) }
  },
})
