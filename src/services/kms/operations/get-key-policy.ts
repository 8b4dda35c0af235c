import { IntegrityError } from '../../../core/errors.ts'
import { KEY_POLICIES } from '../../../core/tables.ts'
import { shownKeyPolicy } from '../authorization/shown-key-policy.ts'
import { assertPolicyName, POLICY_NAME } from '../keys/key-policies.ts'
import { ANY_STATE } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * The policy of a key, as it was submitted.
 * Source: AWS KMS API Reference, GetKeyPolicy.
 */
export const getKeyPolicy = defineKeyOperation({
  name: 'GetKeyPolicy',
  effect: 'read',
  key: { accepts: 'idOrArn', states: ANY_STATE },
  admit: (input) => assertPolicyName(input.PolicyName),

  async handle(_input, { key }, { records }) {
    const stored = await records.find(KEY_POLICIES, [key.region, key.keyId])
    if (stored === undefined) throw new IntegrityError(`the policy of key ${key.keyId} is missing`)
    return { Policy: await shownKeyPolicy(records, stored.record), PolicyName: POLICY_NAME }
  },

  audit: (input) => ({
    requestParameters: { keyId: input.KeyId, policyName: input.PolicyName ?? POLICY_NAME },
  }),
})
