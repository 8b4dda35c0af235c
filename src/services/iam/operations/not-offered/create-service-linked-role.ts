import { defineOperation } from '../../iam-operation.ts'
import { invalidInput } from '../../refusals.ts'

/**
 * Services here act as themselves and need no role for it.
 * Source: AWS IAM API Reference, CreateServiceLinkedRole.
 */
export const createServiceLinkedRole = defineOperation({
  name: 'CreateServiceLinkedRole',
  effect: 'write',
  resolve: () => undefined,
  permissions: () => [{ action: 'iam:CreateServiceLinkedRole' }],
  handle(input) {
    throw invalidInput(
      `Service-linked roles are not supported here: ${input.AWSServiceName} needs none.`,
    )
  },
})
