import { defineCallerOperation } from '../../caller.ts'
import { credentialNotFound } from '../../refusals.ts'

/**
 * Second factors are not kept here: nobody has one.
 * Source: AWS IAM API Reference, DeactivateMFADevice.
 */
export const deactivateMFADevice = defineCallerOperation({
  name: 'DeactivateMFADevice',
  effect: 'write',
  handle(input) {
    throw credentialNotFound('MFA Device', input.SerialNumber)
  },
})
