import { MANAGED_POLICIES } from '../../../../core/identity-tables.ts'
import { definePolicyOperation, getVersion, ownRecord } from '../../managed-policies.ts'

/**
 * Puts a version of a managed policy into effect, for everybody who has the policy.
 * Source: AWS IAM API Reference, SetDefaultPolicyVersion.
 */
export const setDefaultPolicyVersion = definePolicyOperation({
  name: 'SetDefaultPolicyVersion',
  effect: 'write',
  async handle({ VersionId: defaultVersionId }, { stored }, { tx, call }) {
    const own = ownRecord(stored.record, call)
    getVersion(stored.record, defaultVersionId)
    const updatedAt = call.time
    await tx.update(MANAGED_POLICIES, own, { ...own.record, defaultVersionId, updatedAt })
    return undefined
  },
})
