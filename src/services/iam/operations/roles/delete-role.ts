import { ROLES } from '../../../../core/identity-tables.ts'
import { linkBoundary } from '../../boundaries.ts'
import { countLinks } from '../../links.ts'
import { releaseName } from '../../names.ts'
import { assertNoPolicies } from '../../policy-holders.ts'
import { isInProfiles } from '../../refusals.ts'
import { defineRoleOperation } from '../../roles.ts'

/**
 * Removes a role for good, and with it what its sessions may do.
 * Source: AWS IAM API Reference, DeleteRole.
 */
export const deleteRole = defineRoleOperation({
  name: 'DeleteRole',
  effect: 'write',
  async handle(_input, { stored }, { tx }) {
    const { record } = stored
    const { accountId, roleId, name } = record
    const profiles = await countLinks(tx, { accountId, kind: 'profile', target: roleId })
    if (profiles > 0) throw isInProfiles()
    assertNoPolicies(record)
    await linkBoundary(tx, record, { source: roleId, arn: undefined })
    await releaseName(tx, { accountId, kind: 'role', name })
    await tx.remove(ROLES, stored)
    return undefined
  },
})
