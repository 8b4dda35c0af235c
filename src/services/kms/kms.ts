import type { KeyStore } from '../../core/key-store.ts'
import type { AttestationVerifier } from '../../crypto/attestation/attestation-verifier.ts'
import type { Codec } from '../../pipeline/codec.ts'
import type { Service } from '../../pipeline/service.ts'
import type { ImportTokens } from './import-tokens.ts'
import type { KmsScope } from './kms-operation.ts'
import { KMS_MODEL } from './model.ts'
import { KMS_OPERATIONS } from './operations.ts'
import type { PageMarkers } from './page-markers.ts'

export interface KmsParts {
  readonly codec: Codec
  readonly attestation: AttestationVerifier
  readonly keystore: KeyStore
  readonly markers: PageMarkers
  readonly importTokens: ImportTokens
}

/** The key management service itself. */
export function createKms({ codec, attestation, keystore, markers, importTokens }: KmsParts): Service {
  return {
    name: KMS_MODEL.service,
    eventSource: 'kms.amazonaws.com',
    codec,
    operations: new Map(Object.entries(KMS_OPERATIONS)),
    internalError: 'KMSInternalException',
    openScope: (scope): KmsScope => ({ ...scope, attestation, keystore, markers, importTokens }),
  }
}
