import { roleNotFound } from '../../refusals.ts'
import { defineRoleOperation } from '../../roles.ts'

/**
 * Services here act as themselves: no role is linked to one.
 * Source: AWS IAM API Reference, DeleteServiceLinkedRole.
 */
export const deleteServiceLinkedRole = defineRoleOperation({
  name: 'DeleteServiceLinkedRole',
  effect: 'write',
  handle(input) {
    throw roleNotFound(input.RoleName)
  },
})
