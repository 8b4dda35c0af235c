import { MANAGED_POLICIES } from '../../../../core/identity-tables.ts'
import { definePolicyOperation, ownRecord } from '../../managed-policies.ts'
import { givenTags, withTags } from '../../tags.ts'

/**
 * Puts tags on a managed policy, in place of those with the same keys.
 * Source: AWS IAM API Reference, TagPolicy.
 */
export const tagPolicy = definePolicyOperation({
  name: 'TagPolicy',
  effect: 'write',
  conditions: (input) => ({ requestTags: givenTags(input.Tags) }),
  async handle(input, policy, scope) {
    const stored = ownRecord(policy.stored.record, scope.call)
    const tags = withTags(stored.record.tags, input.Tags)
    await scope.tx.update(MANAGED_POLICIES, stored, { ...stored.record, tags })
    return undefined
  },
})
