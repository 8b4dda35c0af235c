import { definePolicyOperation, listedVersion } from '../../managed-policies.ts'
import { pageOfItemsByNumber } from '../../paging.ts'

/**
 * The versions of a managed policy, newest first, page by page.
 * Source: AWS IAM API Reference, ListPolicyVersions.
 */
export const listPolicyVersions = definePolicyOperation({
  name: 'ListPolicyVersions',
  effect: 'read',
  async handle(input, { arn, stored: { record } }, scope) {
    const page = await pageOfItemsByNumber(scope, record.versions.toReversed(), input, arn)
    return { Versions: page.items.map((version) => listedVersion(record, version)), ...page.next }
  },
})
