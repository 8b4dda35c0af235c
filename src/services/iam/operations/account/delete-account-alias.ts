import { ACCOUNT_ALIASES } from '../../../../core/identity-tables.ts'
import { defineOperation } from '../../iam-operation.ts'
import { aliasNotFound } from '../../refusals.ts'

/**
 * Takes its name from the account.
 * Source: AWS IAM API Reference, DeleteAccountAlias.
 */
export const deleteAccountAlias = defineOperation({
  name: 'DeleteAccountAlias',
  effect: 'write',
  resolve: () => undefined,
  permissions: () => [{ action: 'iam:DeleteAccountAlias' }],
  async handle({ AccountAlias: alias }, _target, { tx, home }) {
    const stored = await tx.find(ACCOUNT_ALIASES, [alias])
    if (stored?.record.accountId !== home.accountId) throw aliasNotFound(alias)
    await tx.remove(ACCOUNT_ALIASES, stored)
    return undefined
  },
})
