import { INSTANCE_PROFILES, nameKey } from '../../../../core/identity-tables.ts'
import { getEntity } from '../../entity-operations.ts'
import { defineProfileOperation } from '../../instance-profiles.ts'
import { unlink } from '../../links.ts'
import { roleNotFound } from '../../refusals.ts'
import { ROLE } from '../../roles.ts'

/**
 * Takes its role out of an instance profile.
 * Source: AWS IAM API Reference, RemoveRoleFromInstanceProfile.
 */
export const removeRoleFromInstanceProfile = defineProfileOperation({
  name: 'RemoveRoleFromInstanceProfile',
  effect: 'write',
  async handle(input, { stored }, scope) {
    const { record } = stored
    const role = await getEntity(ROLE, input.RoleName, scope)
    const { accountId, roleId } = role.stored.record
    if (record.roleId !== roleId) throw roleNotFound(input.RoleName)
    await scope.tx.update(INSTANCE_PROFILES, stored, { ...record, roleId: undefined })
    const source = nameKey(record.name)
    await unlink(scope.tx, { accountId, kind: 'profile', target: roleId, source })
    return undefined
  },
})
