import type { KeyObject } from 'node:crypto'
import { assert } from '../../core/assert.ts'
import { Secret } from '../../core/secret.ts'
import { readAllDer } from './der.ts'

const POINT_BYTES = 65
const SCALAR_BYTES = 32
const UNCOMPRESSED = 0x04

/** The public point, uncompressed: 65 bytes. */
export function sm2PointOf(publicKey: KeyObject): Uint8Array {
  const spki: Buffer = publicKey.export({ type: 'spki', format: 'der' })
  const point = spki.subarray(-POINT_BYTES)
  assert(point[0] === UNCOMPRESSED, 'an SM2 public key is kept uncompressed')
  return point
}

/** The private scalar, big-endian, 32 bytes; the caller owns it. **Source:** RFC 5915, section 3. */
export function sm2ScalarOf(privateKey: KeyObject): Secret {
  using pkcs8 = new Secret(privateKey.export({ type: 'pkcs8', format: 'der' }))
  const [outer] = readAllDer(pkcs8.expose()) ?? []
  const [, , octets] = (outer && readAllDer(outer.content)) ?? []
  const [key] = (octets && readAllDer(octets.content)) ?? []
  const [, scalar] = (key && readAllDer(key.content)) ?? []
  assert(scalar?.content.length === SCALAR_BYTES, 'OpenSSL writes the scalar in full length')
  return new Secret(Uint8Array.from(scalar.content))
}
