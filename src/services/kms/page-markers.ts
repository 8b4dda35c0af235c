import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { ServiceError } from '../../core/errors.ts'
import type { Call } from '../../pipeline/call.ts'
import { validationError } from './key-errors.ts'

/** Bytes of the MAC in front of a marker. */
const MAC_BYTES = 16

/** How a listing is cut into pages. Source: AWS KMS API Reference, the Limit member of each listing. */
export interface PageLimits {
  readonly default: number
  readonly max: number
}

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

  constructor(key: KeyObject) {
    this.#key = key
  }

  /** @param filter what else the listing depends on: a key, a principal */
  encode(call: Call, filter: string, position: readonly string[]): string {
    const payload = encodePosition(position)
    return Buffer.concat([this.#mac(call, filter, payload), payload]).toString('base64url')
  }

  /** @throws ServiceError InvalidMarkerException for a marker that was altered or comes from another listing */
  decode(call: Call, filter: string, marker: string): readonly string[] {
    const bytes = Buffer.from(marker, 'base64url')
    const payload = bytes.subarray(MAC_BYTES)
    const genuine =
      bytes.length > MAC_BYTES &&
      bytes.toString('base64url') === marker &&
      timingSafeEqual(bytes.subarray(0, MAC_BYTES), this.#mac(call, filter, payload))
    if (!genuine) throw new ServiceError('InvalidMarkerException', 'Invalid marker')
    // The MAC proves that `encode` wrote these bytes.
    return decodePosition(payload)
  }

  #mac(call: Call, filter: string, payload: Uint8Array): Buffer {
    const mac = createHmac('sha256', this.#key)
    for (const part of [call.operation, call.accountId, call.region, filter]) {
      mac.update(`${Buffer.byteLength(part)}:${part}`)
    }
    return mac.update(payload).digest().subarray(0, MAC_BYTES)
  }
}

/** The page size asked for. @throws ServiceError ValidationException above what the operation allows */
export function pageLimit(limit: number | undefined, limits: PageLimits): number {
  if (limit === undefined) return limits.default
  if (limit > limits.max) {
    throw validationError(
      `1 validation error detected: Value '${limit}' at 'limit' failed to satisfy constraint: Member must have value less than or equal to ${limits.max}`,
    )
  }
  return limit
}
