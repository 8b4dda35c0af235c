/** Where an attestation document comes from: an enclave, or a whole machine with a NitroTPM. */
export type AttestationSource = 'NitroEnclave' | 'NitroTPM'

/**
 * What a verified attestation document says of the caller's machine: facts for conditions
 * (`kms:RecipientAttestation:…`) and for the audit record. A document that was not verified has none.
 */
export interface AttestationFacts {
  readonly source: AttestationSource
  readonly moduleId: string
  /** Platform configuration registers by index (0 to 31), in lower-case hex. */
  readonly pcrs: ReadonlyMap<number, string>
  /** The digest of the enclave's image, which is PCR0, in lower-case hex; enclaves only. */
  readonly imageSha384: string | undefined
}
