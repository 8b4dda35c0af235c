import { defineRoleOperation, shownRole } from '../../roles.ts'

/**
 * A role with its trust policy, boundary, tags and last use.
 * Source: AWS IAM API Reference, GetRole.
 */
export const getRole = defineRoleOperation({
  name: 'GetRole',
  effect: 'read',
  handle: async (_input, { stored }, scope) => ({ Role: await shownRole(scope, stored.record) }),
})
