import { ACCOUNTS } from '../../../../core/tables.ts'
import { accountAliasOf } from '../../account-aliases.ts'
import { defineCallerOperation } from '../../caller.ts'
import { shownUser } from '../../users.ts'

/**
 * A user, or who is calling: the account's root is shown like a user without a name.
 * Source: AWS IAM API Reference, GetUser.
 */
export const getUser = defineCallerOperation({
  name: 'GetUser',
  effect: 'read',
  async handle(_input, subject, scope) {
    const { records, home } = scope
    if (subject.kind === 'user') return { User: shownUser(home, subject.stored.record) }
    const account = await records.find(ACCOUNTS, [home.accountId])
    return {
      User: {
        // What AWS names the root by, where it has a name at all.
        UserName: (await accountAliasOf(records, home.accountId))?.record.alias,
        UserId: home.accountId,
        Arn: subject.arn,
        CreateDate: account?.record.createdAt ?? scope.call.time,
      },
    }
  },
})
