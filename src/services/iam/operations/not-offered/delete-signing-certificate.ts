import { defineCallerOperation } from '../../caller.ts'
import { credentialNotFound } from '../../refusals.ts'

/**
 * Certificates for signing are not kept here: nobody has one.
 * Source: AWS IAM API Reference, DeleteSigningCertificate.
 */
export const deleteSigningCertificate = defineCallerOperation({
  name: 'DeleteSigningCertificate',
  effect: 'write',
  handle(input) {
    throw credentialNotFound('Certificate', input.CertificateId)
  },
})
