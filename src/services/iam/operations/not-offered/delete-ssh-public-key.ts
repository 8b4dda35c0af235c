import { defineCallerOperation } from '../../caller.ts'
import { credentialNotFound } from '../../refusals.ts'

/**
 * Keys for SSH are not kept here: nobody has one.
 * Source: AWS IAM API Reference, DeleteSSHPublicKey.
 */
export const deleteSSHPublicKey = defineCallerOperation({
  name: 'DeleteSSHPublicKey',
  effect: 'write',
  handle(input) {
    throw credentialNotFound('Public Key', input.SSHPublicKeyId)
  },
})
