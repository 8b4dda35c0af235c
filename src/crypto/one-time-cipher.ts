import type { KeyObject } from 'node:crypto'
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'
import { assert } from '../core/assert.ts'
import { Secret } from '../core/secret.ts'
import { lengthPrefixed } from './length-prefixed.ts'

export const NONCE_BYTES = 16
export const TAG_BYTES = 16
const KEY_BYTES = 32
const KEY_AND_IV_BYTES = 44
const GCM = { authTagLength: TAG_BYTES } as const

/**
 * Encrypts each value under a key and an IV of its own, so that no count of values wears out the key
 * behind it. A value is `prefix ‖ nonce ‖ ciphertext ‖ tag`; prefix and nonce are the header.
 */
export interface OneTimeCipher {
  /** `nonce` is 16 fresh random bytes. `bound` are the fields without which the value does not open. */
  encrypt(plaintext: Secret, bound: readonly string[], nonce: Uint8Array): Uint8Array
  /** Undefined for every kind of failure, so that nobody can tell them apart. The caller owns the secret. */
  decrypt(value: Uint8Array, bound: readonly string[]): Secret | undefined
}

/**
 * A cipher for values that begin with `prefix`. `label` names the use: values of different uses never
 * share a key. Not for concurrent use by several threads; calls are synchronous.
 * **Source:** NIST SP 800-108 rev. 1, section 4.1 (counter mode, HMAC-SHA-512, r = 32).
 */
export function createOneTimeCipher(
  key: KeyObject,
  { label, prefix }: { readonly label: string; readonly prefix: Uint8Array },
): OneTimeCipher {
  const headerBytes = prefix.length + NONCE_BYTES
  const labelBytes = Buffer.byteLength(label)
  const contextAt = 4 + labelBytes + 1
  // One buffer serves every derivation: only the header in its middle changes, and nothing in it is secret.
  const input = Buffer.alloc(contextAt + headerBytes + 4)
  input.writeUInt32BE(1, 0)
  input.write(label, 4)
  input.writeUInt32BE(KEY_AND_IV_BYTES * 8, contextAt + headerBytes)

  const derive = (header: Uint8Array): Buffer => {
    input.set(header, contextAt)
    return createHmac('sha512', key).update(input).digest()
  }
  const additionalData = (header: Uint8Array, bound: readonly string[]): Uint8Array => {
    const data = lengthPrefixed(bound, headerBytes)
    data.set(header)
    return data
  }

  return {
    encrypt(plaintext, bound, nonce) {
      assert(nonce.length === NONCE_BYTES, 'a nonce has 16 bytes')
      const value = new Uint8Array(headerBytes + plaintext.sizeBytes + TAG_BYTES)
      value.set(prefix)
      value.set(nonce, prefix.length)
      const header = value.subarray(0, headerBytes)
      const data = additionalData(header, bound)
      const derived = derive(header)
      try {
        seal({ derived, data, plaintext: plaintext.expose(), value, headerBytes })
        return value
      } finally {
        derived.fill(0)
      }
    },

    decrypt(value, bound) {
      if (value.length < headerBytes + TAG_BYTES) return undefined
      const header = value.subarray(0, headerBytes)
      const data = additionalData(header, bound)
      const derived = derive(header)
      try {
        return open({ derived, data, value, headerBytes })
      } finally {
        derived.fill(0)
      }
    },
  }
}

interface Sealed {
  /** Key and IV, and bytes that are not used. */
  readonly derived: Uint8Array
  readonly data: Uint8Array
  readonly value: Uint8Array
  readonly headerBytes: number
}

/** Writes ciphertext and tag behind the header of `value`. */
function seal({
  derived,
  data,
  plaintext,
  value,
  headerBytes,
}: Sealed & { readonly plaintext: Uint8Array }): void {
  const key = derived.subarray(0, KEY_BYTES)
  const iv = derived.subarray(KEY_BYTES, KEY_AND_IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv, GCM)
  cipher.setAAD(data)
  value.set(cipher.update(plaintext), headerBytes)
  cipher.final()
  value.set(cipher.getAuthTag(), value.length - TAG_BYTES)
}

function open({ derived, data, value, headerBytes }: Sealed): Secret | undefined {
  const key = derived.subarray(0, KEY_BYTES)
  const iv = derived.subarray(KEY_BYTES, KEY_AND_IV_BYTES)
  const tagAt = value.length - TAG_BYTES
  const decipher = createDecipheriv('aes-256-gcm', key, iv, GCM)
  decipher.setAAD(data)
  decipher.setAuthTag(value.subarray(tagAt))
  // Node gives every cipher result a memory of its own, so wiping it leaves no pooled copy.
  const plaintext = decipher.update(value.subarray(headerBytes, tagAt))
  try {
    decipher.final()
    return new Secret(plaintext)
  } catch {
    plaintext.fill(0)
    return undefined
  }
}
