import type { KeyObject } from 'node:crypto'
import { createHash, createPrivateKey, createPublicKey, verify } from 'node:crypto'
import { NATIVE_SCHEMES } from './native-schemes.ts'
import type { OpensslFfi } from './openssl-ffi.ts'
import { sm2Digest } from './sm2-digest.ts'
import { sm2PointOf } from './sm2-keys.ts'

const MESSAGE = Buffer.from('message digest')
const privateKeyOf = (pkcs8: string): KeyObject =>
  createPrivateKey({ key: Buffer.from(pkcs8, 'hex'), format: 'der', type: 'pkcs8' })

/**
 * Whether the bound functions do what their names say, one check for each way they are called. A binding
 * that passes wrong arguments gives wrong answers, so none of these may be guessed: signatures that
 * `node:crypto` verifies over the hashed message, and published ones.
 */
export function answersAreKnown(openssl: OpensslFfi): boolean {
  try {
    return signsDigests(openssl) && signsEd25519ph(openssl) && signsMu(openssl) && knowsSm2(openssl)
  } catch {
    return false
  }
}

/** **Source:** RFC 6979, appendix A.2.5 (the key). */
const P256 =
  '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420' +
  'c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721'

function signsDigests(openssl: OpensslFfi): boolean {
  const privateKey = privateKeyOf(P256)
  const digest = createHash('sha256').update(MESSAGE).digest()
  const scheme = NATIVE_SCHEMES.CURVE_DIGEST
  return withKey(openssl, privateKey, (key) => {
    const signature = openssl.sign(key, scheme, digest)
    if (!verify('sha256', MESSAGE, createPublicKey(privateKey), signature)) return false
    if (!openssl.verify(key, scheme, digest, signature)) return false
    digest[0] = (digest[0] ?? 0) ^ 1
    return !openssl.verify(key, scheme, digest, signature)
  })
}

/** **Source:** RFC 8032, section 7.3, TEST abc. */
const ED25519PH = {
  key:
    '302e020100300506032b657004220420' +
    '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
  signature:
    '98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41' +
    '31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406',
} as const

const signsEd25519ph = (openssl: OpensslFfi): boolean =>
  withKey(openssl, privateKeyOf(ED25519PH.key), (key) => {
    const signature = openssl.sign(key, NATIVE_SCHEMES.ED25519_PH, Buffer.from('abc'))
    return Buffer.from(signature).toString('hex') === ED25519PH.signature
  })

/** Any seed will do: the signature over mu must be one over the message. */
const ML_DSA_44 = `3034020100300b060960864801650304031104228020${'2a'.repeat(32)}`
const ML_DSA_44_SPKI_HEADER_BYTES = 22
const NO_CONTEXT = Uint8Array.of(0, 0)

function signsMu(openssl: OpensslFfi): boolean {
  const privateKey = privateKeyOf(ML_DSA_44)
  const publicKey = createPublicKey(privateKey)
  const spki: Buffer = publicKey.export({ type: 'spki', format: 'der' })
  const tr = shake256(spki.subarray(ML_DSA_44_SPKI_HEADER_BYTES))
  const mu = shake256(tr, NO_CONTEXT, MESSAGE)
  return withKey(openssl, privateKey, (key) => {
    const signature = openssl.sign(key, NATIVE_SCHEMES.ML_DSA_44, mu)
    return (
      verify(null, MESSAGE, publicKey, signature) &&
      openssl.verify(key, NATIVE_SCHEMES.ML_DSA_44, mu, signature) &&
      !openssl.verify(key, NATIVE_SCHEMES.ML_DSA_44, tr, signature)
    )
  })
}

const shake256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('shake256', { outputLength: 64 })
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** **Source:** GB/T 32918.5, annexes A.2 (signature) and C.2 (encryption). */
const SM2 = {
  key:
    '3041020100301306072a8648ce3d020106082a811ccf5501822d042730250201010420' +
    '3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8',
  signature:
    '3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3' +
    '022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa',
  basePoint:
    '0432c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7' +
    'bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0',
  plaintext: 'encryption standard',
  ciphertext:
    '307c022004ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73' +
    '022100e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0' +
    '042059983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766' +
    '041321886ca989ca9c7d58087307ca93092d651efa',
} as const

const NOTHING = new Uint8Array(0)

function knowsSm2(openssl: OpensslFfi): boolean {
  const privateKey = privateKeyOf(SM2.key)
  const digest = sm2Digest(createPublicKey(privateKey), MESSAGE)
  const scheme = NATIVE_SCHEMES.CURVE_DIGEST
  const basePoint = Buffer.from(SM2.basePoint, 'hex')
  const own = { curve: 'SM2', scalar: Buffer.from(SM2.key.slice(-64), 'hex') }
  const x = sm2PointOf(createPublicKey(privateKey)).subarray(1, 33)
  return withKey(openssl, privateKey, (key) => {
    const plaintext = openssl.decrypt(key, Buffer.from(SM2.ciphertext, 'hex'))
    const again = openssl.decrypt(key, openssl.encrypt(key, MESSAGE))
    return (
      openssl.verify(key, scheme, digest, Buffer.from(SM2.signature, 'hex')) &&
      openssl.verify(key, scheme, digest, openssl.sign(key, scheme, digest)) &&
      plaintext !== undefined &&
      Buffer.from(plaintext).toString() === SM2.plaintext &&
      again !== undefined &&
      MESSAGE.equals(again) &&
      Buffer.from(x).equals(openssl.multiply(own, basePoint) ?? NOTHING) &&
      openssl.multiply(own, basePoint.fill(1, 60)) === undefined
    )
  })
}

function withKey(
  openssl: OpensslFfi,
  privateKey: KeyObject,
  check: (key: bigint) => boolean,
): boolean {
  const key = openssl.load(privateKey)
  try {
    return check(key)
  } finally {
    openssl.free(key)
  }
}
