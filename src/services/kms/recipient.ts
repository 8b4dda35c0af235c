import { ServiceError } from '../../core/errors.ts'

/**
 * A request that asks for its plaintext encrypted to an attested enclave must never be answered with
 * the bare plaintext, so it is refused as long as attestation documents are not verified here.
 * @throws ServiceError UnsupportedOperationException
 */
export function assertNoRecipient(input: { readonly Recipient?: object | undefined }): void {
  if (input.Recipient !== undefined) {
    throw new ServiceError(
      'UnsupportedOperationException',
      'The Recipient parameter is not supported.',
    )
  }
}
