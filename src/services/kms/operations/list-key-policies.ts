import { POLICY_NAME } from '../keys/key-policies.ts'
import { ANY_STATE } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * The names of a key's policies: there is one.
 * Source: AWS KMS API Reference, ListKeyPolicies.
 */
export const listKeyPolicies = defineKeyOperation({
  name: 'ListKeyPolicies',
  effect: 'read',
  key: { accepts: 'idOrArn', states: ANY_STATE },

  handle(input, { arn }, { markers, call }) {
    // The list never has a second page, so that no marker of ours can be a right one.
    if (input.Marker !== undefined) markers.decode(call, arn, input.Marker)
    return { PolicyNames: [POLICY_NAME], Truncated: false }
  },

  audit: (input) => ({
    requestParameters: { keyId: input.KeyId, limit: input.Limit, marker: input.Marker },
  }),
})
