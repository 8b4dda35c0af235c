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

/** Opaque page markers: where the next page starts, authenticated and bound to the listing that made them. */
export class PageMarkers {
  readonly #key: KeyObject

  constructor(key: KeyObject) {
    this.#key = key
  }

  /** @param filter what else the listing depends on: a key, a principal */
  encode(call: Call, filter: string, position: readonly string[]): string {
    const payload = Buffer.from(JSON.stringify(position))
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
    // The MAC proves that `encode` wrote these bytes: a list of strings.
    return JSON.parse(payload.toString()) as string[]
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
