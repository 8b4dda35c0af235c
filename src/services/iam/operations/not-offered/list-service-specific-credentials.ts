import { defineCallerOperation } from '../../caller.ts'

/**
 * Credentials for single services are not kept here: nobody has one.
 * Source: AWS IAM API Reference, ListServiceSpecificCredentials.
 */
export const listServiceSpecificCredentials = defineCallerOperation({
  name: 'ListServiceSpecificCredentials',
  effect: 'read',
  handle: () => ({ ServiceSpecificCredentials: [], IsTruncated: false }),
})
