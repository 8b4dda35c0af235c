import { defineCallerOperation } from '../../caller.ts'

/**
 * Certificates for signing are not kept here: nobody has one.
 * Source: AWS IAM API Reference, ListSigningCertificates.
 */
export const listSigningCertificates = defineCallerOperation({
  name: 'ListSigningCertificates',
  effect: 'read',
  handle: () => ({ Certificates: [], IsTruncated: false }),
})
