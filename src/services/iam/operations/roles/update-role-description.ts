import { ROLES } from '../../../../core/identity-tables.ts'
import { defineRoleOperation, shownRole } from '../../roles.ts'

/**
 * Gives a role another description.
 * Source: AWS IAM API Reference, UpdateRoleDescription.
 */
export const updateRoleDescription = defineRoleOperation({
  name: 'UpdateRoleDescription',
  effect: 'write',
  async handle(input, { stored }, scope) {
    const role = { ...stored.record, description: input.Description }
    await scope.tx.update(ROLES, stored, role)
    return { Role: await shownRole(scope, role) }
  },
})
