import { createHash } from 'node:crypto'
import type { Random } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import { uuidFrom } from './uuid.ts'

/** The same seed gives the same bytes, call for call: SHA-256 of the seed and a counter. Tests only. */
export function seededRandom(seed: string): Random {
  let block = 0
  const bytes = (sizeBytes: number): Uint8Array => {
    const result = new Uint8Array(sizeBytes)
    for (let offset = 0; offset < sizeBytes; offset += 32) {
      const digest = createHash('sha256').update(`${block++}:${seed}`).digest()
      result.set(digest.subarray(0, Math.min(32, sizeBytes - offset)), offset)
    }
    return result
  }
  return {
    bytes,
    secret: (sizeBytes) => new Secret(bytes(sizeBytes)),
    uuid: () => uuidFrom(bytes(16)),
  }
}
