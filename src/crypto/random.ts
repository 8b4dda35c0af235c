import { randomFillSync, randomUUID } from 'node:crypto'
import type { Random } from '../core/ports.ts'
import { Secret } from '../core/secret.ts'

/** A call to the generator costs about 2 µs however little it gives: one refill serves a thousand nonces. */
const POOL_BYTES = 16_384
const POOLED_BYTES_MAX = 256

/**
 * Randomness from OpenSSL's generator. Public bytes come from a pool that is wiped as it is used up;
 * secrets never touch the pool.
 */
export function createRandom(): Random {
  const pool = new Uint8Array(POOL_BYTES)
  let next = POOL_BYTES
  const bytes = (sizeBytes: number): Uint8Array => {
    if (sizeBytes > POOLED_BYTES_MAX) return randomFillSync(new Uint8Array(sizeBytes))
    if (next + sizeBytes > POOL_BYTES) {
      randomFillSync(pool)
      next = 0
    }
    const end = next + sizeBytes
    const taken = pool.slice(next, end)
    pool.fill(0, next, end)
    next = end
    return taken
  }
  return {
    bytes,
    secret: (sizeBytes) => new Secret(randomFillSync(new Uint8Array(sizeBytes))),
    // Node keeps a pool of its own for these.
    uuid: () => randomUUID(),
  }
}
