import type { Role } from '../../../../core/identity.ts'
import { roleArn } from '../../../../core/identity-arns.ts'
import { ROLES } from '../../../../core/identity-tables.ts'
import { drawUniqueId } from '../../../../identity/access-keys.ts'
import { assertBoundary, boundaryKey, linkBoundary } from '../../boundaries.ts'
import { creationPermissions } from '../../entity-operations.ts'
import { defineOperation, type IamScope } from '../../iam-operation.ts'
import type { Inputs } from '../../model.ts'
import { claimName } from '../../names.ts'
import { assertRoom } from '../../quotas.ts'
import { bindTrustPolicy, MAX_SESSION_SECONDS, shownNewRole } from '../../roles.ts'
import { withTags } from '../../tags.ts'

async function newRole(
  input: Inputs['CreateRole'],
  scope: IamScope,
  roleId: string,
): Promise<Role> {
  return {
    accountId: scope.home.accountId,
    partition: scope.home.partition,
    roleId,
    name: input.RoleName,
    path: input.Path ?? '/',
    description: input.Description ?? '',
    createdAt: scope.call.time,
    tags: withTags({}, input.Tags),
    trustPolicy: await bindTrustPolicy(scope, input.AssumeRolePolicyDocument),
    maxSessionSeconds: input.MaxSessionDuration ?? MAX_SESSION_SECONDS,
    inlinePolicies: {},
    attachedPolicyArns: [],
    boundaryArn: input.PermissionsBoundary,
  }
}

/**
 * Makes a role, which those may act as whom its trust policy names.
 * Source: AWS IAM API Reference, CreateRole.
 */
export const createRole = defineOperation({
  name: 'CreateRole',
  effect: 'write',
  prepare: (_input, { random }) => drawUniqueId(random, 'AROA'),
  resolve: () => undefined,
  permissions: ({ RoleName: name, Path: path = '/', ...input }, _target, home) =>
    creationPermissions(['iam:CreateRole', 'iam:TagRole'], home, {
      arn: roleArn(home.partition, { accountId: home.accountId, name, path }),
      shownAs: `role ${name}`,
      tags: input.Tags,
      serviceKeys: boundaryKey(input.PermissionsBoundary),
    }),

  async handle(input, _target, scope, roleId) {
    const { tx, home } = scope
    const { accountId } = home
    const role = await newRole(input, scope, roleId)
    await assertBoundary(scope, role.boundaryArn)
    await claimName(tx, { accountId, kind: 'role', name: role.name, id: roleId })
    await assertRoom(tx, ROLES, { index: 'by_name', accountId, quota: 'RolesPerAccount' })
    await tx.insert(ROLES, role)
    const arn = role.boundaryArn
    await linkBoundary(tx, { accountId, boundaryArn: undefined }, { source: roleId, arn })
    return { Role: await shownNewRole(scope, role) }
  },
})
