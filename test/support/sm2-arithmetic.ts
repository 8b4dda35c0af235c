import { hash, randomBytes } from 'node:crypto'
import { weierstrass } from '@noble/curves/abstract/weierstrass.js'

/** SM2 by the equations of its standard, apart from the code that the server runs. **Source:** GB/T 32918.5, section 2. */
const CURVE = {
  p: 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn,
  n: 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n,
  h: 1n,
  a: 0xfffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffcn,
  b: 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n,
  Gx: 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n,
  Gy: 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n,
}
const SM2 = weierstrass(CURVE)
const COORDINATE_BYTES = 32
/** AWS's choice for messages that come RAW. **Source:** AWS KMS API Reference, Sign. */
const DISTINGUISHING_ID = '1234567812345678'

const sm3 = (...parts: readonly Uint8Array[]): Buffer => hash('sm3', Buffer.concat(parts), 'buffer')
const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
const toBytes = (value: bigint): Buffer =>
  Buffer.from(value.toString(16).padStart(COORDINATE_BYTES * 2, '0'), 'hex')

/** The uncompressed point at the end of a SubjectPublicKeyInfo. */
const pointOf = (spki: Uint8Array): Uint8Array => spki.subarray(-2 * COORDINATE_BYTES - 1)

/** SM3(ZA ‖ message). **Source:** GB/T 32918.2, sections 5.5 and 6.1. */
export function sm2Digest(message: Uint8Array, spki: Uint8Array): Uint8Array {
  const idBits = Buffer.alloc(2)
  idBits.writeUInt16BE(DISTINGUISHING_ID.length * 8)
  const { a, b, Gx, Gy } = CURVE
  const constants = [a, b, Gx, Gy].map(toBytes)
  const za = sm3(idBits, Buffer.from(DISTINGUISHING_ID), ...constants, pointOf(spki).subarray(1))
  return sm3(za, message)
}

/** The contents of the elements of a DER sequence that has fewer than 128 bytes and small elements. */
function sequenceOf(der: Uint8Array): readonly Uint8Array[] {
  const found: Uint8Array[] = []
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return found
  for (let at = 2; at + 1 < der.length; ) {
    const length = der[at + 1] ?? 0
    found.push(der.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return found
}

/** Whether a DER signature is one over the digest. **Source:** GB/T 32918.2, section 7.1, steps B5 to B7. */
export function verifiesAsSm2(
  digest: Uint8Array,
  spki: Uint8Array,
  signature: Uint8Array,
): boolean {
  const [first, second] = sequenceOf(signature)
  if (first === undefined || second === undefined) return false
  const [r, s] = [toNumber(first), toNumber(second)]
  const t = (r + s) % CURVE.n
  const { x } = SM2.BASE.multiply(s)
    .add(SM2.fromBytes(pointOf(spki)).multiply(t))
    .toAffine()
  return (toNumber(digest) + x) % CURVE.n === r
}

/** The x coordinate of a scalar's and a public key's shared point. */
export const sm2Agreement = (scalar: Uint8Array, spki: Uint8Array): Buffer =>
  toBytes(SM2.fromBytes(pointOf(spki)).multiply(toNumber(scalar)).toAffine().x)

const integer = (value: bigint): Buffer => {
  const bytes = toBytes(value)
  const trimmed = bytes.subarray(bytes.findIndex((byte) => byte !== 0))
  const positive = (trimmed[0] ?? 0) < 0x80 ? trimmed : Buffer.concat([Buffer.of(0), trimmed])
  return Buffer.concat([Buffer.of(0x02, positive.length), positive])
}
const octets = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.of(0x04, bytes.length), bytes])

/**
 * Encrypts fewer than 32 bytes to a public key, in the ASN.1 form. **Source:** GB/T 32918.4, section 6.1, with one
 * block of its key derivation; GB/T 35276, section 7.2.
 */
export function sm2Encrypt(message: Uint8Array, spki: Uint8Array): Uint8Array {
  const scalar = (toNumber(randomBytes(COORDINATE_BYTES)) % (CURVE.n - 1n)) + 1n
  const own = SM2.BASE.multiply(scalar).toAffine()
  const shared = SM2.fromBytes(pointOf(spki)).multiply(scalar).toAffine()
  const [x, y] = [toBytes(shared.x), toBytes(shared.y)]
  const stream = sm3(x, y, Buffer.of(0, 0, 0, 1))
  const closed = message.map((byte, at) => byte ^ (stream[at] ?? 0))
  const tag = sm3(x, message, y)
  const content = Buffer.concat([integer(own.x), integer(own.y), octets(tag), octets(closed)])
  const length = content.length < 0x80 ? [content.length] : [0x81, content.length]
  return Buffer.concat([Buffer.of(0x30, ...length), content])
}
