import type { User } from '../../../../core/identity.ts'
import { userArn } from '../../../../core/identity-arns.ts'
import { USERS } from '../../../../core/identity-tables.ts'
import { drawUniqueId } from '../../../../identity/access-keys.ts'
import { assertBoundary, boundaryKey, linkBoundary } from '../../boundaries.ts'
import { creationPermissions } from '../../entity-operations.ts'
import { defineOperation } from '../../iam-operation.ts'
import { claimName } from '../../names.ts'
import { assertRoom } from '../../quotas.ts'
import { withTags } from '../../tags.ts'
import { shownUser } from '../../users.ts'

/**
 * Makes a user, who may do nothing yet.
 * Source: AWS IAM API Reference, CreateUser.
 */
export const createUser = defineOperation({
  name: 'CreateUser',
  effect: 'write',
  prepare: (_input, { random }) => drawUniqueId(random, 'AIDA'),
  resolve: () => undefined,
  permissions: ({ UserName: name, Path: path = '/', ...input }, _target, home) =>
    creationPermissions(['iam:CreateUser', 'iam:TagUser'], home, {
      arn: userArn(home.partition, { accountId: home.accountId, name, path }),
      shownAs: `user ${name}`,
      tags: input.Tags,
      serviceKeys: boundaryKey(input.PermissionsBoundary),
    }),

  async handle(input, _target, scope, userId) {
    const { tx, call, home } = scope
    const { accountId } = home
    const user: User = {
      accountId,
      partition: home.partition,
      userId,
      name: input.UserName,
      path: input.Path ?? '/',
      createdAt: call.time,
      tags: withTags({}, input.Tags),
      inlinePolicies: {},
      attachedPolicyArns: [],
      groupIds: [],
      boundaryArn: input.PermissionsBoundary,
    }
    await assertBoundary(scope, user.boundaryArn)
    await claimName(tx, { accountId, kind: 'user', name: user.name, id: userId })
    await assertRoom(tx, USERS, { index: 'by_name', accountId, quota: 'UsersPerAccount' })
    await tx.insert(USERS, user)
    const arn = user.boundaryArn
    await linkBoundary(tx, { accountId, boundaryArn: undefined }, { source: userId, arn })
    return { User: shownUser(home, user) }
  },
})
