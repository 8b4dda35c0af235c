import { defineListing } from '../../iam-operation.ts'

/**
 * Second factors are not kept here: there are none.
 * Source: AWS IAM API Reference, ListVirtualMFADevices.
 */
export const listVirtualMFADevices = defineListing({
  name: 'ListVirtualMFADevices',
  handle: () => ({ VirtualMFADevices: [], IsTruncated: false }),
})
