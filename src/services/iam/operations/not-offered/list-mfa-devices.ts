import { defineCallerOperation } from '../../caller.ts'

/**
 * Second factors are not kept here: nobody has one.
 * Source: AWS IAM API Reference, ListMFADevices.
 */
export const listMFADevices = defineCallerOperation({
  name: 'ListMFADevices',
  effect: 'read',
  handle: () => ({ MFADevices: [], IsTruncated: false }),
})
