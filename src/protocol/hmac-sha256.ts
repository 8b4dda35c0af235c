import { createHmac, hash, type KeyObject } from 'node:crypto'

const BLOCK_BYTES = 64
const HASH_BYTES = 32
const INNER_PAD = 0x36
const OUTER_PAD = 0x5c
/** A string to sign has about 150 characters. */
const TEXT_UNITS_MAX = 512

/** What was kept of a key is zeroed when the key is gone. */
const wiping = new FinalizationRegistry<readonly Uint8Array[]>((pads) => {
  for (const pad of pads) pad.fill(0)
})

/**
 * HMAC-SHA-256 under one key, as two hashes of a padded key that is at hand: no object of OpenSSL's for each
 * text, which is twice as fast and leaves the garbage collector nothing to finalise.
 * **Source:** RFC 2104, 2 and 4.
 */
class PaddedKey {
  readonly #inner = Buffer.alloc(BLOCK_BYTES + TEXT_UNITS_MAX)
  readonly #outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES)

  /** @param key at most a block long */
  constructor(key: KeyObject) {
    wiping.register(this, [this.#inner, this.#outer])
    const bytes = key.export()
    for (let at = 0; at < BLOCK_BYTES; at++) {
      const byte = bytes[at] ?? 0
      this.#inner[at] = byte ^ INNER_PAD
      this.#outer[at] = byte ^ OUTER_PAD
    }
    bytes.fill(0)
  }

  hexOf(text: string): string {
    const end = BLOCK_BYTES + this.#inner.write(text, BLOCK_BYTES, 'latin1')
    this.#outer.write(hash('sha256', this.#inner.subarray(0, end), 'latin1'), BLOCK_BYTES, 'latin1')
    return hash('sha256', this.#outer, 'hex')
  }
}

const padded = new WeakMap<KeyObject, PaddedKey>()

/** The HMAC of a text that has one character for each byte, in hex. */
export function hmacSha256Hex(key: KeyObject, text: string): string {
  if (text.length > TEXT_UNITS_MAX || (key.symmetricKeySize ?? 0) > BLOCK_BYTES) {
    return createHmac('sha256', key).update(text, 'latin1').digest('hex')
  }
  let known = padded.get(key)
  if (known === undefined) padded.set(key, (known = new PaddedKey(key)))
  return known.hexOf(text)
}
