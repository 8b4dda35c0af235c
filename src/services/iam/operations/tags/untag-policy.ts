import { MANAGED_POLICIES } from '../../../../core/identity-tables.ts'
import { definePolicyOperation, ownRecord } from '../../managed-policies.ts'
import { withoutTags } from '../../tags.ts'

/**
 * Takes tags from a managed policy; those that it has not are passed over.
 * Source: AWS IAM API Reference, UntagPolicy.
 */
export const untagPolicy = definePolicyOperation({
  name: 'UntagPolicy',
  effect: 'write',
  conditions: (input) => ({ tagKeys: input.TagKeys }),
  async handle(input, policy, scope) {
    const stored = ownRecord(policy.stored.record, scope.call)
    const tags = withoutTags(stored.record.tags, input.TagKeys)
    await scope.tx.update(MANAGED_POLICIES, stored, { ...stored.record, tags })
    return undefined
  },
})
