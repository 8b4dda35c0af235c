import { MANAGED_POLICIES } from '../../../../core/identity-tables.ts'
import { AWS_MANAGED_POLICIES } from '../../../../identity/aws-managed-policies.ts'
import { defineListing, type IamScope } from '../../iam-operation.ts'
import {
  awsPolicy,
  listedPolicy,
  ownPolicy,
  type Policy,
  policyUse,
} from '../../managed-policies.ts'
import type { Inputs, Policy as ShownPolicy } from '../../model.ts'
import { pageOfItems } from '../../paging.ts'
import { QUOTAS } from '../../quotas.ts'

type Input = Inputs['ListPolicies']

async function candidates(
  { Scope: from = 'All', PathPrefix: prefix = '/' }: Input,
  { records, home }: IamScope,
): Promise<readonly Policy[]> {
  const ofAws =
    from === 'Local' ? [] : AWS_MANAGED_POLICIES.map((policy) => awsPolicy(home, policy))
  const own =
    from === 'AWS'
      ? []
      : await records.page(MANAGED_POLICIES, {
          index: 'key',
          equals: [home.accountId],
          limit: QUOTAS.PoliciesPerAccount,
        })
  const all = [...ofAws, ...own.map((stored) => ownPolicy(home, stored))]
  return all.filter(({ path }) => path.startsWith(prefix))
}

async function isWanted(input: Input, scope: IamScope, policy: Policy): Promise<boolean> {
  const { OnlyAttached: onlyAttached = false, PolicyUsageFilter: usage } = input
  if (!onlyAttached && usage === undefined) return true
  const { attachments, boundaries } = await policyUse(scope, policy)
  if (onlyAttached && attachments + boundaries === 0) return false
  if (usage === 'PermissionsBoundary') return boundaries > 0
  return usage === undefined || attachments > 0
}

/** AWS and the account may both have a policy of one name. */
const positionOf = (policy: Policy): readonly string[] => [
  policy.name,
  policy.own === undefined ? '0' : '1',
]

/**
 * Managed policies of the account, of AWS or both, by name, page by page.
 * Source: AWS IAM API Reference, ListPolicies.
 */
export const listPolicies = defineListing({
  name: 'ListPolicies',
  shownAs: () => 'policy path /',
  async handle(input, scope) {
    const wanted: Policy[] = []
    for (const policy of await candidates(input, scope)) {
      if (await isWanted(input, scope, policy)) wanted.push(policy)
    }
    const filter = [input.Scope, input.PathPrefix, input.OnlyAttached, input.PolicyUsageFilter]
    const page = pageOfItems(scope, wanted, positionOf, input, JSON.stringify(filter))
    const policies: ShownPolicy[] = []
    for (const policy of page.items) policies.push(await listedPolicy(scope, policy))
    return { Policies: policies, ...page.next }
  },
})
