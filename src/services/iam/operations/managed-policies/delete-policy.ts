import { MANAGED_POLICIES } from '../../../../core/identity-tables.ts'
import { definePolicyOperation, ownRecord, policyUse } from '../../managed-policies.ts'
import { hasVersions, isAttached } from '../../refusals.ts'

/**
 * Removes a managed policy that nobody has, with its one version.
 * Source: AWS IAM API Reference, DeletePolicy.
 */
export const deletePolicy = definePolicyOperation({
  name: 'DeletePolicy',
  effect: 'write',
  async handle(_input, { stored }, scope) {
    const own = ownRecord(stored.record, scope.call)
    const { attachments, boundaries } = await policyUse(scope, stored.record)
    if (attachments + boundaries > 0) throw isAttached()
    if (own.record.versions.length > 1) throw hasVersions()
    await scope.tx.remove(MANAGED_POLICIES, own)
    return undefined
  },
})
