import { MANAGED_POLICIES } from '../../../../core/identity-tables.ts'
import { definePolicyOperation, listedVersion, ownRecord } from '../../managed-policies.ts'
import { assertManagedPolicy } from '../../policy-documents.ts'
import { VERSIONS_PER_POLICY } from '../../quotas.ts'
import { tooManyVersions } from '../../refusals.ts'

/**
 * Adds a version to a managed policy, which may take effect at once.
 * Source: AWS IAM API Reference, CreatePolicyVersion.
 */
export const createPolicyVersion = definePolicyOperation({
  name: 'CreatePolicyVersion',
  effect: 'write',
  async handle(input, { stored }, { tx, call }) {
    const own = ownRecord(stored.record, call)
    const { record } = own
    assertManagedPolicy(input.PolicyDocument)
    if (record.versions.length >= VERSIONS_PER_POLICY) throw tooManyVersions(VERSIONS_PER_POLICY)
    const versionCount = record.versionCount + 1
    const versionId = `v${versionCount}`
    const version = { versionId, text: input.PolicyDocument, createdAt: call.time }
    const policy = {
      ...record,
      versions: [...record.versions, version],
      versionCount,
      defaultVersionId: input.SetAsDefault === true ? versionId : record.defaultVersionId,
      updatedAt: call.time,
    }
    await tx.update(MANAGED_POLICIES, own, policy)
    return { PolicyVersion: listedVersion(policy, version) }
  },
})
