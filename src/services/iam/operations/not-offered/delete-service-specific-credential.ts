import { defineCallerOperation } from '../../caller.ts'
import { credentialNotFound } from '../../refusals.ts'

/**
 * Credentials for single services are not kept here: nobody has one.
 * Source: AWS IAM API Reference, DeleteServiceSpecificCredential.
 */
export const deleteServiceSpecificCredential = defineCallerOperation({
  name: 'DeleteServiceSpecificCredential',
  effect: 'write',
  handle(input) {
    throw credentialNotFound('service specific credential', input.ServiceSpecificCredentialId)
  },
})
