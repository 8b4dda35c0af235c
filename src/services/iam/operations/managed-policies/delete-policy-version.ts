import { MANAGED_POLICIES } from '../../../../core/identity-tables.ts'
import { definePolicyOperation, getVersion, ownRecord } from '../../managed-policies.ts'
import { isDefaultVersion } from '../../refusals.ts'

/**
 * Removes a version that is not in effect; its number is not given again.
 * Source: AWS IAM API Reference, DeletePolicyVersion.
 */
export const deletePolicyVersion = definePolicyOperation({
  name: 'DeletePolicyVersion',
  effect: 'write',
  async handle({ VersionId: versionId }, { stored }, { tx, call }) {
    const own = ownRecord(stored.record, call)
    const { record } = own
    getVersion(stored.record, versionId)
    if (versionId === record.defaultVersionId) throw isDefaultVersion()
    const versions = record.versions.filter((version) => version.versionId !== versionId)
    await tx.update(MANAGED_POLICIES, own, { ...record, versions, updatedAt: call.time })
    return undefined
  },
})
