import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { ServiceError } from '../core/errors.ts'
import type { Call } from './call.ts'

/** Bytes of the MAC in front of a marker. */
const MAC_BYTES = 16

/**
 * Each text behind its length, in UTF-8: the longest tag key, 512 bytes, stays within the 1,024
 * characters of a marker whatever is in it. JSON would take six bytes for one control character.
 */
function encodePosition(position: readonly string[]): Buffer {
  const parts = position.flatMap((text) => {
    const bytes = Buffer.from(text)
    return [Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes]
  })
  return Buffer.concat(parts)
}

/** The texts of a payload that `encodePosition` wrote. */
function decodePosition(payload: Buffer): readonly string[] {
  const position: string[] = []
  for (let at = 0; at < payload.length; ) {
    const end = at + 2 + payload.readUInt16BE(at)
    position.push(payload.toString('utf8', at + 2, end))
    at = end
  }
  return position
}

/** Opaque page markers: where the next page starts, authenticated and bound to the listing that made them. */
export class PageMarkers {
  readonly #key: KeyObject
  readonly #refusal: () => ServiceError

  /** @param refusal what the service answers to a marker that is not its own */
  constructor(key: KeyObject, refusal: () => ServiceError) {
    this.#key = key
    this.#refusal = refusal
  }

  /** @param filter what else the listing depends on: a key, a principal */
  encode(call: Call, filter: string, position: readonly string[]): string {
    const payload = encodePosition(position)
    return Buffer.concat([this.#mac(call, filter, payload), payload]).toString('base64url')
  }

  /** @throws ServiceError the service's refusal, for a marker that was altered or comes from another listing */
  decode(call: Call, filter: string, marker: string): readonly string[] {
    const bytes = Buffer.from(marker, 'base64url')
    const payload = bytes.subarray(MAC_BYTES)
    const genuine =
      bytes.length > MAC_BYTES &&
      bytes.toString('base64url') === marker &&
      timingSafeEqual(bytes.subarray(0, MAC_BYTES), this.#mac(call, filter, payload))
    if (!genuine) throw this.#refusal()
    // The MAC proves that `encode` wrote these bytes.
    return decodePosition(payload)
  }

  #mac(call: Call, filter: string, payload: Uint8Array): Buffer {
    let listing = ''
    for (const part of [call.operation, call.accountId, call.region, filter]) {
      listing += `${Buffer.byteLength(part)}:${part}`
    }
    const mac = createHmac('sha256', this.#key).update(listing).update(payload)
    return mac.digest().subarray(0, MAC_BYTES)
  }
}
