import { IntegrityError } from '../../../core/errors.ts'
import { KEY_POLICIES } from '../../../core/tables.ts'
import { newKeyPolicy } from '../authorization/new-key-policy.ts'
import { keyIdElement } from '../keys/key-changes.ts'
import { assertKeyPolicy, assertPolicyName, POLICY_NAME } from '../keys/key-policies.ts'
import { ANY_STATE } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * Replaces the whole policy of a key.
 * Source: AWS KMS API Reference, PutKeyPolicy.
 */
export const putKeyPolicy = defineKeyOperation({
  name: 'PutKeyPolicy',
  effect: 'write',
  key: { accepts: 'idOrArn', states: ANY_STATE },
  admit(input) {
    assertPolicyName(input.PolicyName)
    assertKeyPolicy(input.Policy)
  },

  async handle(input, { key }, scope) {
    const { tx } = scope
    const stored = await tx.find(KEY_POLICIES, [key.region, key.keyId])
    if (stored === undefined) throw new IntegrityError(`the policy of key ${key.keyId} is missing`)
    const isLockoutAllowed = input.BypassPolicyLockoutSafetyCheck === true
    const policy = await newKeyPolicy(input.Policy, { key, isLockoutAllowed }, scope)
    await tx.update(KEY_POLICIES, stored, policy)
    return undefined
  },

  audit: (input, target) => ({
    requestParameters: {
      keyId: input.KeyId,
      policyName: input.PolicyName ?? POLICY_NAME,
      policy: input.Policy,
      bypassPolicyLockoutSafetyCheck: input.BypassPolicyLockoutSafetyCheck ?? false,
    },
    responseElements: keyIdElement(target),
  }),
})
