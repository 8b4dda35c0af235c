import { defineCallerOperation } from '../../caller.ts'

/**
 * Keys for SSH are not kept here: nobody has one.
 * Source: AWS IAM API Reference, ListSSHPublicKeys.
 */
export const listSSHPublicKeys = defineCallerOperation({
  name: 'ListSSHPublicKeys',
  effect: 'read',
  handle: () => ({ SSHPublicKeys: [], IsTruncated: false }),
})
