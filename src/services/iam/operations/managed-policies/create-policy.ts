import type { ManagedPolicy } from '../../../../core/identity.ts'
import { policyArn } from '../../../../core/identity-arns.ts'
import { MANAGED_POLICIES, nameKey } from '../../../../core/identity-tables.ts'
import { drawUniqueId } from '../../../../identity/access-keys.ts'
import { creationPermissions } from '../../entity-operations.ts'
import { defineOperation, type IamScope } from '../../iam-operation.ts'
import { newPolicy } from '../../managed-policies.ts'
import type { Inputs } from '../../model.ts'
import { assertManagedPolicy } from '../../policy-documents.ts'
import { assertRoom } from '../../quotas.ts'
import { policyTaken } from '../../refusals.ts'
import { withTags } from '../../tags.ts'

function firstVersion(
  input: Inputs['CreatePolicy'],
  { home, call }: IamScope,
  policyId: string,
): ManagedPolicy {
  return {
    accountId: home.accountId,
    policyId,
    name: input.PolicyName,
    path: input.Path ?? '/',
    description: input.Description ?? '',
    createdAt: call.time,
    updatedAt: call.time,
    tags: withTags({}, input.Tags),
    defaultVersionId: 'v1',
    versions: [{ versionId: 'v1', text: input.PolicyDocument, createdAt: call.time }],
    versionCount: 1,
  }
}

/**
 * Makes a managed policy, with its first version.
 * Source: AWS IAM API Reference, CreatePolicy.
 */
export const createPolicy = defineOperation({
  name: 'CreatePolicy',
  effect: 'write',
  prepare: (_input, { random }) => drawUniqueId(random, 'ANPA'),
  resolve: () => undefined,
  permissions: ({ PolicyName: name, Path: path = '/', Tags: tags }, _target, home) =>
    creationPermissions(['iam:CreatePolicy', 'iam:TagPolicy'], home, {
      arn: policyArn(home.partition, { accountId: home.accountId, name, path }),
      shownAs: `policy ${name}`,
      tags,
    }),

  async handle(input, _target, scope, policyId) {
    const { tx, home } = scope
    const { accountId } = home
    assertManagedPolicy(input.PolicyDocument)
    const policy = firstVersion(input, scope, policyId)
    if ((await tx.find(MANAGED_POLICIES, [accountId, nameKey(policy.name)])) !== undefined) {
      throw policyTaken(policy.name)
    }
    const quota = 'PoliciesPerAccount'
    await assertRoom(tx, MANAGED_POLICIES, { index: 'key', accountId, quota })
    await tx.insert(MANAGED_POLICIES, policy)
    return { Policy: newPolicy(home, policy) }
  },
})
