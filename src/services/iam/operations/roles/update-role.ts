import { ROLES } from '../../../../core/identity-tables.ts'
import { defineRoleOperation } from '../../roles.ts'

/**
 * Gives a role another description or longest session.
 * Source: AWS IAM API Reference, UpdateRole.
 */
export const updateRole = defineRoleOperation({
  name: 'UpdateRole',
  effect: 'write',
  async handle(input, { stored }, { tx }) {
    const { record } = stored
    await tx.update(ROLES, stored, {
      ...record,
      description: input.Description ?? record.description,
      maxSessionSeconds: input.MaxSessionDuration ?? record.maxSessionSeconds,
    })
    return {}
  },
})
