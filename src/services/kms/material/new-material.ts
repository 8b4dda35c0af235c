import { parseArn } from '../../../core/arn.ts'
import { type KeyId, parseKeyId } from '../../../core/ids.ts'
import type { NewMaterial } from '../../../core/key-store.ts'
import type { KmsScope } from '../kms-operation.ts'

/** The key id in a key id or key ARN; whether it names anything is seen later. */
export const keyIdIn = (given: string): KeyId | undefined =>
  parseKeyId(given) ?? parseKeyId(parseArn(given)?.resource.slice('key/'.length) ?? '')

/**
 * Material for a new generation of the symmetric key that a request names, drawn before the
 * transaction. Its id depends on nothing but the key's. Undefined for what names no key.
 */
export async function drawMaterial(
  given: string,
  scope: KmsScope,
): Promise<NewMaterial | undefined> {
  const keyId = keyIdIn(given)
  return keyId && (await scope.keystore.createMaterial('SYMMETRIC_DEFAULT', keyId))
}
