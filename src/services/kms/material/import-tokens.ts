import type { KeyObject } from 'node:crypto'
import { assert } from '../../../core/assert.ts'
import { type Instant, instant } from '../../../core/ids.ts'
import type { Key } from '../../../core/key.ts'
import type {
  ImportWrapping,
  WrappingAlgorithm,
  WrappingKeySpec,
} from '../../../core/key-import.ts'
import type { Random } from '../../../core/ports.ts'
import { Secret } from '../../../core/secret.ts'
import {
  createOneTimeCipher,
  NONCE_BYTES,
  type OneTimeCipher,
} from '../../../crypto/one-time-cipher.ts'

/** What a token says: the private half of the wrapping key, how it is used, until when. */
export interface ImportToken extends ImportWrapping {
  readonly validTo: Instant
}

/** The key that a token is for. */
type TokenKey = Pick<Key, 'accountId' | 'region' | 'keyId'>

const VERSION = 1
const LABEL = 'strongroom import token v1'
/** Bytes in front of the wrapping key: its spec, the wrapping algorithm, the end of validity. */
const HEAD_BYTES = 10
// Places in these lists are part of the format: new names go to their ends.
const ALGORITHMS: readonly WrappingAlgorithm[] = [
  'RSAES_OAEP_SHA_1',
  'RSAES_OAEP_SHA_256',
  'RSA_AES_KEY_WRAP_SHA_1',
  'RSA_AES_KEY_WRAP_SHA_256',
  'SM2PKE',
]
const KEY_SPECS: readonly WrappingKeySpec[] = ['RSA_2048', 'RSA_3072', 'RSA_4096', 'SM2']

const identityOf = ({ accountId, region, keyId }: TokenKey): readonly string[] => [
  accountId,
  region,
  keyId,
]

/**
 * Import tokens: self-contained, so that no node has to remember them, and closed to everybody but the
 * nodes of this store. A token opens only for the key that it was made for.
 * **Source:** docs/formats/import-token.md.
 */
export class ImportTokens {
  readonly #cipher: OneTimeCipher
  readonly #random: Random

  constructor(key: KeyObject, random: Random) {
    this.#cipher = createOneTimeCipher(key, { label: LABEL, prefix: Uint8Array.of(VERSION) })
    this.#random = random
  }

  /** `token` is borrowed. */
  seal(key: TokenKey, token: ImportToken): Uint8Array {
    const wrappingKey = token.wrappingKey.expose()
    using payload = new Secret(new Uint8Array(HEAD_BYTES + wrappingKey.length))
    const bytes = payload.expose()
    const view = new DataView(bytes.buffer)
    view.setUint8(0, KEY_SPECS.indexOf(token.wrappingKeySpec))
    view.setUint8(1, ALGORITHMS.indexOf(token.wrappingAlgorithm))
    view.setBigUint64(2, BigInt(token.validTo))
    bytes.set(wrappingKey, HEAD_BYTES)
    return this.#cipher.encrypt(payload, identityOf(key), this.#random.bytes(NONCE_BYTES))
  }

  /** Undefined for what is no token of this key. The caller owns the wrapping key. */
  open(key: TokenKey, token: Uint8Array): ImportToken | undefined {
    using payload = this.#cipher.decrypt(token, identityOf(key))
    if (payload === undefined) return undefined
    const bytes = payload.expose()
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const wrappingKeySpec = KEY_SPECS[view.getUint8(0)]
    const wrappingAlgorithm = ALGORITHMS[view.getUint8(1)]
    assert(wrappingKeySpec !== undefined, 'a token that opens was sealed here')
    assert(wrappingAlgorithm !== undefined, 'a token that opens was sealed here')
    return {
      wrappingKeySpec,
      wrappingAlgorithm,
      // A copy: of a Buffer, which this may be, slice gives the same memory, and it is wiped.
      wrappingKey: new Secret(Uint8Array.from(bytes.subarray(HEAD_BYTES))),
      validTo: instant(Number(view.getBigUint64(2))),
    }
  }
}
