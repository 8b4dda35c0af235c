import type { Random } from '../../core/ports.ts'
import { SoftwareKeyStore } from '../../keystore/software/software-key-store.ts'
import type { Codec } from '../../pipeline/codec.ts'
import type { Service } from '../../pipeline/service.ts'
import type { KmsScope } from './kms-operation.ts'
import { KMS_MODEL } from './model.ts'
import { KMS_OPERATIONS } from './operations.ts'
import type { PageMarkers } from './page-markers.ts'

export interface KmsParts {
  readonly codec: Codec
  readonly random: Random
  readonly markers: PageMarkers
}

/** The key management service itself. */
export function createKms({ codec, random, markers }: KmsParts): Service {
  const keystore = new SoftwareKeyStore(random)
  return {
    name: KMS_MODEL.service,
    eventSource: 'kms.amazonaws.com',
    codec,
    operations: new Map(Object.entries(KMS_OPERATIONS)),
    internalError: 'KMSInternalException',
    openScope: (scope): KmsScope => ({ ...scope, keystore, markers }),
  }
}
