import { groupArn } from '../../../../core/identity-arns.ts'
import { GROUPS } from '../../../../core/identity-tables.ts'
import { entityPermission } from '../../entity-operations.ts'
import { defineGroupOperation } from '../../groups.ts'
import { changeName } from '../../names.ts'

/**
 * Gives a group another name or path; its members and policies stay.
 * Source: AWS IAM API Reference, UpdateGroup: the permission is asked for on both ARNs.
 */
export const updateGroup = defineGroupOperation({
  name: 'UpdateGroup',
  effect: 'write',
  *morePermissions({ NewGroupName: name, NewPath: path }, { stored }, home) {
    if (stored === undefined) return
    const { record } = stored
    const renamed = { ...record, name: name ?? record.name, path: path ?? record.path }
    const arn = groupArn(home.partition, renamed)
    if (arn === groupArn(home.partition, record)) return
    yield entityPermission('iam:UpdateGroup', home, { arn, shownAs: `group ${renamed.name}` })
  },
  async handle(input, { stored }, { tx }) {
    const { record } = stored
    const { accountId, groupId: id } = record
    const name = input.NewGroupName ?? record.name
    await changeName(tx, { accountId, kind: 'group', name: record.name, id }, name)
    await tx.update(GROUPS, stored, { ...record, name, path: input.NewPath ?? record.path })
    return undefined
  },
})
