import type { KeyStore } from '../../core/key-store.ts'
import type { AttestationVerifier } from '../../crypto/attestation/attestation-verifier.ts'
import type { Codec } from '../../pipeline/codec.ts'
import type { PageMarkers } from '../../pipeline/page-markers.ts'
import type { Service } from '../../pipeline/service.ts'
import type { CompiledKeyPolicies } from './authorization/compiled-key-policies.ts'
import type { GrantIndex } from './authorization/grant-index.ts'
import type { GrantTokens } from './grants/grant-tokens.ts'
import type { KeyUsage } from './keys/key-usage.ts'
import type { ServiceKeys } from './keys/service-keys.ts'
import type { KmsScope } from './kms-operation.ts'
import type { ImportTokens } from './material/import-tokens.ts'
import { KMS_MODEL } from './model.ts'
import { KMS_OPERATIONS } from './operations.ts'
import type { RequestQuotas } from './quotas/request-quotas.ts'

export interface KmsParts {
  readonly codec: Codec
  readonly attestation: AttestationVerifier
  readonly keystore: KeyStore
  readonly markers: PageMarkers
  readonly grantTokens: GrantTokens
  readonly grantIndex: GrantIndex
  readonly keyPolicies: CompiledKeyPolicies
  readonly lastUses: KeyUsage
  /** Absent where calls are not limited. */
  readonly quotas?: RequestQuotas | undefined
  readonly importTokens: ImportTokens
  readonly serviceKeys: ServiceKeys
}

/** The key management service itself. */
export function createKms(parts: KmsParts): Service {
  const { codec, ...own } = parts
  const { quotas } = own
  const shared = { ...own, quotas }
  return {
    name: KMS_MODEL.service,
    eventSource: 'kms.amazonaws.com',
    codec,
    operations: new Map(Object.entries(KMS_OPERATIONS)),
    internalError: 'KMSInternalException',
    ...(quotas && { throttle: (call) => quotas.countOperation(call) }),
    // Once a call: one spread of an object that is always the same, then what the call brings.
    openScope: (scope): KmsScope => Object.assign({ ...shared }, scope),
  }
}
