import type { Secret } from '../../../core/secret.ts'
import { validationError } from '../keys/key-errors.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import type { KmsScope } from '../kms-operation.ts'
import type { DataKeySpec } from '../model.ts'
import { assertAlgorithm } from './key-algorithms.ts'

/** Unit: bytes. Source: AWS KMS API Reference, GenerateDataKey, KeySpec. */
const DATA_KEY_BYTES = { AES_128: 16, AES_256: 32 } as const

/** The members of a request for a data key that its size and its binding come from. */
export interface DataKeyRequest {
  readonly KeyId: string
  readonly KeySpec?: DataKeySpec | undefined
  readonly NumberOfBytes?: number | undefined
  readonly EncryptionContext?: Readonly<Record<string, string>> | undefined
}

/** Exactly one of the two ways to say a size. @throws ServiceError ValidationException */
export function checkDataKeySize({ KeySpec, NumberOfBytes }: DataKeyRequest): void {
  if ((KeySpec === undefined) === (NumberOfBytes === undefined)) {
    throw validationError('Please specify either number of bytes or key spec.')
  }
}

/** To be asked after the usage: RSA and SM2 keys encrypt too. @throws ServiceError InvalidKeyUsageException */
export const assertSymmetric = ({ key }: ResolvedKey): void =>
  assertAlgorithm('encryptionAlgorithms', 'SYMMETRIC_DEFAULT', key)

/** A fresh data key and its ciphertext. The caller owns the plaintext. */
export async function makeDataKey(
  input: DataKeyRequest,
  { key }: ResolvedKey,
  scope: KmsScope,
): Promise<{ dataKey: Secret; ciphertext: Uint8Array; materialId: string }> {
  const sizeBytes = input.NumberOfBytes ?? DATA_KEY_BYTES[input.KeySpec ?? 'AES_256']
  const dataKey = scope.random.secret(sizeBytes)
  const context = input.EncryptionContext ?? {}
  const encrypted = await scope.keystore.encrypt(scope.records, key, dataKey, context)
  return { dataKey, ...encrypted }
}

/** What both operations record of a request for a data key. */
export const auditDataKey = (input: DataKeyRequest, target: ResolvedKey | undefined) => ({
  requestParameters: {
    keyId: input.KeyId,
    keySpec: input.KeySpec,
    numberOfBytes: input.NumberOfBytes,
    encryptionContext: input.EncryptionContext,
  },
  ...(target && { additionalEventData: { keyMaterialId: target.key.currentMaterialId } }),
})
