import { userArn } from '../../../../core/identity-arns.ts'
import { USERS } from '../../../../core/identity-tables.ts'
import { entityPermission } from '../../entity-operations.ts'
import { changeName } from '../../names.ts'
import { defineUserOperation } from '../../users.ts'

/**
 * Gives a user another name or path; all else stays, the unique id above all.
 * Source: AWS IAM API Reference, UpdateUser: the permission is asked for on both ARNs.
 */
export const updateUser = defineUserOperation({
  name: 'UpdateUser',
  effect: 'write',
  *morePermissions({ NewUserName: name, NewPath: path }, { stored }, home) {
    if (stored === undefined) return
    const { record } = stored
    const renamed = { ...record, name: name ?? record.name, path: path ?? record.path }
    const arn = userArn(home.partition, renamed)
    if (arn === userArn(home.partition, record)) return
    yield entityPermission('iam:UpdateUser', home, {
      arn,
      tags: record.tags,
      shownAs: `user ${renamed.name}`,
    })
  },
  async handle(input, { stored }, { tx }) {
    const { record } = stored
    const { accountId, userId: id } = record
    const name = input.NewUserName ?? record.name
    await changeName(tx, { accountId, kind: 'user', name: record.name, id }, name)
    await tx.update(USERS, stored, { ...record, name, path: input.NewPath ?? record.path })
    return undefined
  },
})
