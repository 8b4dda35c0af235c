import type { Group } from '../../../../core/identity.ts'
import { groupArn } from '../../../../core/identity-arns.ts'
import { GROUPS } from '../../../../core/identity-tables.ts'
import { drawUniqueId } from '../../../../identity/access-keys.ts'
import { entityPermission } from '../../entity-operations.ts'
import { shownGroup } from '../../groups.ts'
import { defineOperation } from '../../iam-operation.ts'
import { claimName } from '../../names.ts'
import { assertRoom } from '../../quotas.ts'

/**
 * Makes a group.
 * Source: AWS IAM API Reference, CreateGroup.
 */
export const createGroup = defineOperation({
  name: 'CreateGroup',
  effect: 'write',
  prepare: (_input, { random }) => drawUniqueId(random, 'AGPA'),
  resolve: () => undefined,
  permissions: ({ GroupName: name, Path: path = '/' }, _target, home) => [
    entityPermission('iam:CreateGroup', home, {
      arn: groupArn(home.partition, { accountId: home.accountId, name, path }),
      shownAs: `group ${name}`,
    }),
  ],

  async handle(input, _target, { tx, call, home }, groupId) {
    const { accountId } = home
    const group: Group = {
      accountId,
      groupId,
      name: input.GroupName,
      path: input.Path ?? '/',
      createdAt: call.time,
      inlinePolicies: {},
      attachedPolicyArns: [],
    }
    await claimName(tx, { accountId, kind: 'group', name: group.name, id: groupId })
    await assertRoom(tx, GROUPS, { index: 'by_name', accountId, quota: 'GroupsPerAccount' })
    await tx.insert(GROUPS, group)
    return { Group: shownGroup(home, group) }
  },
})
