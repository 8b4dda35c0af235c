import type { KeyObject } from 'node:crypto'
import { ed25519ph } from '@noble/curves/ed25519.js'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js'
import { assert, unreachable } from '../../core/assert.ts'
import { DependencyError } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import { DER, readAllDer } from './der.ts'
import { KEY_ALGORITHMS } from './key-algorithms.ts'
import type { ReadyMadeInput, ReadyMadeRoute } from './ready-made-input.ts'
import type { RsaHash } from './rsa-digest.ts'
import { signPkcs1Digest, signPssDigest, verifyPkcs1Digest, verifyPssDigest } from './rsa-digest.ts'
import type { SigningScheme } from './signing-algorithms.ts'
import { SIGNING_ALGORITHMS } from './signing-algorithms.ts'

/** Digests are not hashed again, and a high s is as good as a low one: AWS normalises neither. */
const ECDSA = { prehash: false, lowS: false, format: 'der' } as const
const CURVES = {
  ECC_NIST_P256: p256,
  ECC_NIST_P384: p384,
  ECC_NIST_P521: p521,
  ECC_SECG_P256K1: secp256k1,
} as const
const ML_DSA = { ML_DSA_44: ml_dsa44, ML_DSA_65: ml_dsa65, ML_DSA_87: ml_dsa87 } as const
const EXTERNAL_MU = { externalMu: true } as const
const SEED_BYTES = 32

/**
 * The route for a Node.js whose OpenSSL cannot be reached: slower, on the event loop, and without SM2.
 * Private numbers pass through JavaScript integers, which cannot be wiped.
 */
export function nobleRoute(): ReadyMadeRoute {
  return {
    name: 'noble',
    sign: async (privateKey, what) => sign(privateKey, what),
    verify: async (publicKey, what, signature) => {
      if (KEY_ALGORITHMS[what.spec].family === 'sm2') throw noSm2()
      try {
        return verify(publicKey, what, signature)
      } catch {
        // The libraries throw at what is no signature at all.
        return false
      }
    },
    sm2Encrypt: () => Promise.reject(noSm2()),
    sm2Decrypt: () => Promise.reject(noSm2()),
    sm2Agree: () => Promise.reject(noSm2()),
    close: () => Promise.resolve(),
  }
}

const noSm2 = (): DependencyError =>
  new DependencyError('SM2 needs the OpenSSL of this Node.js, which cannot be reached (node:ffi)')

function sign(key: KeyObject, { spec, algorithm, input }: ReadyMadeInput): Uint8Array {
  const scheme: SigningScheme = SIGNING_ALGORITHMS[algorithm]
  const own = KEY_ALGORITHMS[spec]
  switch (own.family) {
    case 'rsa':
      return scheme.padding === 'pss'
        ? signPssDigest(key, rsaHash(scheme), input)
        : signPkcs1Digest(key, rsaHash(scheme), input)
    case 'ec': {
      assert(Object.hasOwn(CURVES, spec) && isCurve(spec), `noble has ${spec}`)
      using scalar = new Secret(privateBytes(key, (inner) => inner[1]?.content))
      return CURVES[spec].sign(input, scalar.expose(), ECDSA)
    }
    case 'ed25519': {
      using seed = new Secret(privateBytes(key, undefined))
      return ed25519ph.sign(input, seed.expose())
    }
    case 'ml-dsa': {
      assert(isMlDsa(spec), `noble has ${spec}`)
      using seed = new Secret(privateBytes(key, undefined))
      const { secretKey } = ML_DSA[spec].keygen(seed.expose())
      try {
        return ML_DSA[spec].internal.sign(input, secretKey, EXTERNAL_MU)
      } finally {
        secretKey.fill(0)
      }
    }
    case 'sm2':
      throw noSm2()
    case 'ml-kem':
      throw new TypeError(`${spec} signs nothing`)
    default:
      return unreachable(own)
  }
}

function verify(
  key: KeyObject,
  { spec, algorithm, input }: ReadyMadeInput,
  signature: Uint8Array,
): boolean {
  const scheme: SigningScheme = SIGNING_ALGORITHMS[algorithm]
  const own = KEY_ALGORITHMS[spec]
  switch (own.family) {
    case 'rsa': {
      const check = scheme.padding === 'pss' ? verifyPssDigest : verifyPkcs1Digest
      return check(key, rsaHash(scheme), { digest: input, signature })
    }
    case 'ec':
      assert(isCurve(spec), `noble has ${spec}`)
      return CURVES[spec].verify(signature, input, publicBytes(key), ECDSA)
    case 'ed25519':
      return ed25519ph.verify(signature, input, publicBytes(key))
    case 'ml-dsa':
      assert(isMlDsa(spec), `noble has ${spec}`)
      return ML_DSA[spec].internal.verify(signature, input, publicBytes(key), EXTERNAL_MU)
    case 'sm2':
    case 'ml-kem':
      return false
    default:
      return unreachable(own)
  }
}

const isCurve = (spec: string): spec is keyof typeof CURVES => Object.hasOwn(CURVES, spec)
const isMlDsa = (spec: string): spec is keyof typeof ML_DSA => Object.hasOwn(ML_DSA, spec)

function rsaHash({ hash }: SigningScheme): RsaHash {
  assert(hash !== undefined && hash !== 'sm3', 'RSA signs a SHA-2 hash')
  return hash
}

type DerElements = ReturnType<typeof readAllDer>

/** A copy of the scalar of a curve, or of the seed: 32 bytes at the end of PKCS#8. The caller owns them. */
function privateBytes(
  key: KeyObject,
  find: ((inner: NonNullable<DerElements>) => Uint8Array | undefined) | undefined,
): Uint8Array {
  using pkcs8 = new Secret(key.export({ type: 'pkcs8', format: 'der' }))
  const bytes = pkcs8.expose()
  if (find === undefined) return Uint8Array.from(bytes.subarray(-SEED_BYTES))
  const [outer] = readAllDer(bytes) ?? []
  const [, , octets] = (outer && readAllDer(outer.content)) ?? []
  const [inner] = (octets && readAllDer(octets.content)) ?? []
  const found = inner && find(readAllDer(inner.content) ?? [])
  assert(found !== undefined, 'OpenSSL writes RFC 5915')
  return Uint8Array.from(found)
}

/** What the bit string of SubjectPublicKeyInfo holds: a point, or a raw public key. */
function publicBytes(key: KeyObject): Uint8Array {
  const [outer] = readAllDer(key.export({ type: 'spki', format: 'der' })) ?? []
  const [, bits] = (outer && readAllDer(outer.content)) ?? []
  assert(bits?.tag === DER.bitString, 'OpenSSL writes RFC 5280')
  return bits.content.slice(1)
}
