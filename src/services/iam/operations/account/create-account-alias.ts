import { ACCOUNT_ALIASES } from '../../../../core/identity-tables.ts'
import { accountAliasOf } from '../../account-aliases.ts'
import { defineOperation } from '../../iam-operation.ts'
import { aliasTaken } from '../../refusals.ts'

/**
 * Names the account, in place of the name it had.
 * Source: AWS IAM API Reference, CreateAccountAlias.
 */
export const createAccountAlias = defineOperation({
  name: 'CreateAccountAlias',
  effect: 'write',
  resolve: () => undefined,
  permissions: () => [{ action: 'iam:CreateAccountAlias' }],
  async handle({ AccountAlias: alias }, _target, { tx, home }) {
    const { accountId } = home
    const taken = await tx.find(ACCOUNT_ALIASES, [alias])
    if (taken !== undefined && taken.record.accountId !== accountId) throw aliasTaken(alias)
    if (taken !== undefined) return undefined
    const before = await accountAliasOf(tx, accountId)
    if (before !== undefined) await tx.remove(ACCOUNT_ALIASES, before)
    await tx.insert(ACCOUNT_ALIASES, { alias, accountId })
    return undefined
  },
})
