import type { KeyObject } from 'node:crypto'
import { createHash } from 'node:crypto'
import { sm2PointOf } from './sm2-keys.ts'

/**
 * ENTL and the distinguishing id, which AWS fixes to the default 1234567812345678, then the curve's
 * a, b, x and y of the base point: what ZA hashes before the public key.
 * **Source:** GB/T 32918.2, section 5.5; GB/T 32918.5 (curve); AWS KMS Developer Guide, SM2 offline verification.
 */
const ZA_PREFIX = Buffer.from(
  '008031323334353637383132333435363738' +
    'fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc' +
    '28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93' +
    '32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7' +
    'bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0',
  'hex',
)

/**
 * The 32 bytes that SM2DSA signs: SM3(ZA ‖ message).
 * **Source:** GB/T 32918.2, section 6.1, steps A1 and A2.
 */
export function sm2Digest(publicKey: KeyObject, message: Uint8Array): Uint8Array {
  const point = sm2PointOf(publicKey).subarray(1)
  const za = createHash('sm3').update(ZA_PREFIX).update(point).digest()
  return createHash('sm3').update(za).update(message).digest()
}
