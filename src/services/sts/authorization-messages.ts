import type { KeyObject } from 'node:crypto'
import type { AccountId } from '../../core/ids.ts'
import type { Random } from '../../core/ports.ts'
import { Secret } from '../../core/secret.ts'
import {
  createOneTimeCipher,
  NONCE_BYTES,
  type OneTimeCipher,
} from '../../crypto/one-time-cipher.ts'

const PREFIX = Uint8Array.of(1)
const LABEL = 'strongroom authorization message v1'

/**
 * Details of a denial that its caller may hand on but not read: who may call DecodeAuthorizationMessage in the
 * same account reads them.
 */
export class AuthorizationMessages {
  readonly #cipher: OneTimeCipher
  readonly #random: Random

  constructor(key: KeyObject, random: Random) {
    this.#cipher = createOneTimeCipher(key, { label: LABEL, prefix: PREFIX })
    this.#random = random
  }

  /** @param details JSON text */
  encode(accountId: AccountId, details: string): string {
    using plaintext = new Secret(new TextEncoder().encode(details))
    const sealed = this.#cipher.encrypt(plaintext, [accountId], this.#random.bytes(NONCE_BYTES))
    return Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length).toString('base64url')
  }

  /** The details; undefined for a text that `encode` did not make for this account. */
  decode(accountId: AccountId, message: string): string | undefined {
    const bytes = Buffer.from(message, 'base64url')
    if (bytes.toString('base64url') !== message || bytes[0] !== PREFIX[0]) return undefined
    using plaintext = this.#cipher.decrypt(bytes, [accountId])
    return plaintext && new TextDecoder().decode(plaintext.expose())
  }
}
