import { isSpecIn } from '../../../core/key-specs.ts'
import type { DataKeyPair } from '../../../core/key-store.ts'
import { partitionOf } from '../../../core/regions.ts'
import type { Call } from '../../../pipeline/call.ts'
import type { AuditDetail } from '../../../pipeline/operation.ts'
import { specNotInRegion, wrongOrigin } from '../keys/key-errors.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import type { KmsScope } from '../kms-operation.ts'
import type { DataKeyPairSpec } from '../model.ts'
import { assertSymmetric } from './data-keys.ts'

/** The members of a request for a data key pair that its kind and its binding come from. */
export interface DataKeyPairRequest {
  readonly KeyId: string
  readonly KeyPairSpec: DataKeyPairSpec
  readonly EncryptionContext?: Readonly<Record<string, string>> | undefined
}

/**
 * To be asked after state and usage. Source: AWS KMS API Reference, GenerateDataKeyPair: not under the keys
 * of custom key stores, SM2 in China Regions only.
 * @throws ServiceError InvalidKeyUsageException, UnsupportedOperationException
 */
export function assertDataKeyPair(
  { KeyPairSpec }: DataKeyPairRequest,
  target: ResolvedKey,
  { region }: Call,
): void {
  const { key, arn } = target
  if (key.customKeyStoreId !== undefined) throw wrongOrigin(arn, key.origin)
  assertSymmetric(target)
  if (!isSpecIn(KeyPairSpec, partitionOf(region))) throw specNotInRegion('KeyPairSpec', KeyPairSpec)
}

/** A fresh key pair and the ciphertext of its private key. The caller owns the private key. */
export async function makeDataKeyPair(
  { KeyPairSpec, EncryptionContext }: DataKeyPairRequest,
  { key }: ResolvedKey,
  { keystore, records }: KmsScope,
): Promise<DataKeyPair & { readonly ciphertext: Uint8Array; readonly materialId: string }> {
  const pair = await keystore.createDataKeyPair(KeyPairSpec)
  try {
    const context = EncryptionContext ?? {}
    return { ...pair, ...(await keystore.encrypt(records, key, pair.privateKey, context)) }
  } catch (error) {
    pair.privateKey[Symbol.dispose]()
    throw error
  }
}

/** What both operations record of a request for a data key pair. */
export const auditDataKeyPair = (
  input: DataKeyPairRequest,
  target: ResolvedKey | undefined,
): AuditDetail => ({
  requestParameters: {
    keyId: input.KeyId,
    keyPairSpec: input.KeyPairSpec,
    encryptionContext: input.EncryptionContext,
  },
  ...(target && { additionalEventData: { keyMaterialId: target.key.currentMaterialId } }),
})
