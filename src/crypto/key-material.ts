import { createHmac } from 'node:crypto'
import { assert } from '../core/assert.ts'
import type { KeyId, KeyMaterialId } from '../core/ids.ts'
import { parseKeyMaterialId } from '../core/ids.ts'
import type { Secret } from '../core/secret.ts'
import { lengthPrefixed } from './length-prefixed.ts'

/**
 * The id of key material within a key. It tells nothing about the material: the material is the MAC's key.
 * **Source:** docs/formats/ciphertext-v1.md, Key material id.
 */
export function keyMaterialIdOf(keyId: KeyId, material: Secret): KeyMaterialId {
  const digest = createHmac('sha256', material.expose())
    .update(lengthPrefixed(['strongroom key material id v1', keyId]))
    .digest('hex')
  const id = parseKeyMaterialId(digest)
  assert(id !== undefined, 'an HMAC-SHA-256 in hex is a key material id')
  return id
}
