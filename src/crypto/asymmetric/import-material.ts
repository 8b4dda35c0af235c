import type { KeyObject } from 'node:crypto'
import { createECDH, createPrivateKey, createPublicKey } from 'node:crypto'
import { unreachable } from '../../core/assert.ts'
import { Secret } from '../../core/secret.ts'
import { isMacSpec, MAC_KEYS, MAC_MATERIAL_BYTES_MAX } from '../mac.ts'
import { DER, der, isOneBerElement, readAllDer } from './der.ts'
import type { AsymmetricEngine } from './engine.ts'
import type { AsymmetricSpec, CurveAlgorithm } from './key-algorithms.ts'
import { isAsymmetricSpec, KEY_ALGORITHMS } from './key-algorithms.ts'
import type { OpenKeyPair } from './key-pair.ts'
import { asBuffer, isKeyOf, isNamedCurve, openKeyPair, publicKeyDer } from './key-pair.ts'
import { sign, verify } from './signing.ts'

/** Material from outside in the one form in which it is stored. The caller owns the secret. */
export interface AcceptedMaterial {
  readonly material: Secret
  /** SubjectPublicKeyInfo DER, derived from the private key; undefined for symmetric and HMAC keys. */
  readonly publicKey: Uint8Array | undefined
}

const SYMMETRIC_BYTES = 32
/** **Source:** FIPS 186-5, section 5.4, item e: 2^16 < e < 2^256. */
const PUBLIC_EXPONENT_MIN = 65_537n
const PUBLIC_EXPONENT_LIMIT = 2n ** 256n

/** Whether AWS takes material for this key spec from outside. */
export const isImportable = (keySpec: string): boolean =>
  keySpec === 'SYMMETRIC_DEFAULT' ||
  isMacSpec(keySpec) ||
  (isAsymmetricSpec(keySpec) && KEY_ALGORITHMS[keySpec].importable)

/**
 * Checks material that was unwrapped and gives it the form of docs/formats/key-material.md, so that the
 * same key is the same bytes however it was encoded. `unwrapped` is borrowed. Undefined for what is no
 * material of this key spec: wrong length, type, size or curve; explicit curve parameters; a public key
 * or a CRT part that does not belong to the private key; more than two primes.
 * **Source:** AWS KMS Developer Guide, Importing key material, requirements.
 */
export async function acceptMaterial(
  engine: AsymmetricEngine,
  keySpec: string,
  unwrapped: Secret,
): Promise<AcceptedMaterial | undefined> {
  if (keySpec === 'SYMMETRIC_DEFAULT' || isMacSpec(keySpec)) {
    const hasLength = isMacSpec(keySpec)
      ? unwrapped.sizeBytes >= MAC_KEYS[keySpec].macBytes &&
        unwrapped.sizeBytes <= MAC_MATERIAL_BYTES_MAX
      : unwrapped.sizeBytes === SYMMETRIC_BYTES
    if (!hasLength) return undefined
    return { material: new Secret(Uint8Array.from(unwrapped.expose())), publicKey: undefined }
  }
  if (!isAsymmetricSpec(keySpec)) return undefined
  const privateKey = parsePkcs8(keySpec, unwrapped)
  if (privateKey === undefined) return undefined
  const material = normalise(keySpec, privateKey)
  if (material === undefined) return undefined
  const key = openKeyPair(keySpec, material)
  if (!(await fitTogether(engine, key))) {
    material[Symbol.dispose]()
    return undefined
  }
  return { material, publicKey: publicKeyDer(key) }
}

function parsePkcs8(spec: AsymmetricSpec, unwrapped: Secret): KeyObject | undefined {
  const bytes = unwrapped.expose()
  // OpenSSL ignores what follows the structure.
  if (!isOneBerElement(bytes)) return undefined
  try {
    const key = createPrivateKey({ key: asBuffer(bytes), format: 'der', type: 'pkcs8' })
    return isKeyOf(spec, key) ? key : undefined
  } catch {
    return undefined
  }
}

/** The stored form, or undefined where the key is none that may be imported. */
function normalise(spec: AsymmetricSpec, privateKey: KeyObject): Secret | undefined {
  const algorithm = KEY_ALGORITHMS[spec]
  switch (algorithm.family) {
    case 'rsa':
      return normaliseRsa(privateKey)
    case 'ec':
    case 'sm2':
      return normaliseCurve(algorithm, privateKey)
    case 'ed25519':
    case 'ml-dsa':
    case 'ml-kem':
      return undefined
    default:
      return unreachable(algorithm)
  }
}

function normaliseRsa(privateKey: KeyObject): Secret | undefined {
  const exponent = privateKey.asymmetricKeyDetails?.publicExponent ?? 0n
  if (exponent < PUBLIC_EXPONENT_MIN || exponent >= PUBLIC_EXPONENT_LIMIT || exponent % 2n === 0n) {
    return undefined
  }
  const material = new Secret(privateKey.export({ type: 'pkcs8', format: 'der' }))
  const [version, , , prime1, prime2] = readPrivateKey(material)?.inner ?? []
  // Version 1 is the one with more than two primes. Without primes there is no CRT. RFC 8017, appendix A.1.2.
  if (version?.content[0] === 0 && prime1 !== undefined && prime2 !== undefined) return material
  material[Symbol.dispose]()
  return undefined
}

/**
 * Takes nothing from outside but the scalar: the public key is made from it, and one that came along must
 * be the same, which OpenSSL does not look at.
 */
function normaliseCurve(algorithm: CurveAlgorithm, privateKey: KeyObject): Secret | undefined {
  using exported = new Secret(privateKey.export({ type: 'pkcs8', format: 'der' }))
  const parsed = readPrivateKey(exported)
  const scalar = parsed?.inner[1]
  if (parsed === undefined || scalar?.tag !== DER.octetString) return undefined
  if (!isNamedCurve(algorithm, parsed.parameters)) return undefined
  if (scalar.content.length !== algorithm.scalarBytes) return undefined
  const point = pointOf(algorithm, scalar.content)
  const spki: Buffer = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  if (point === undefined || !endsWithPoint(spki, point)) return undefined
  const inner = der(
    DER.sequence,
    der(DER.integer, Uint8Array.of(1)),
    der(DER.octetString, scalar.content),
    der(DER.context1, der(DER.bitString, Uint8Array.of(0), point)),
  )
  const material = der(
    DER.sequence,
    der(DER.integer, Uint8Array.of(0)),
    der(
      DER.sequence,
      der(DER.oid, EC_PUBLIC_KEY),
      der(DER.oid, Buffer.from(algorithm.curveOid, 'hex')),
    ),
    der(DER.octetString, inner),
  )
  inner.fill(0)
  return new Secret(material)
}

/** 1.2.840.10045.2.1. **Source:** RFC 5480, section 2.1.1. */
const EC_PUBLIC_KEY = Buffer.from('2a8648ce3d0201', 'hex')
const COMPRESSED_EVEN = 0x02
const COMPRESSED_ODD = 0x03

/** The public point, uncompressed; undefined for a scalar that is not between 1 and the order less one. */
function pointOf(algorithm: CurveAlgorithm, scalar: Uint8Array): Uint8Array | undefined {
  const curve = createECDH(algorithm.curve)
  try {
    curve.setPrivateKey(scalar)
    return curve.getPublicKey()
  } catch {
    return undefined
  }
}

/** The point may have come compressed: then its x and the parity of y stand for it. */
function endsWithPoint(spki: Buffer, point: Uint8Array): boolean {
  if (spki.subarray(-point.length).equals(point)) return true
  const x = point.subarray(1, (point.length + 1) / 2)
  const isOdd = ((point.at(-1) ?? 0) & 1) === 1
  const head = spki.at(-x.length - 1)
  return head === (isOdd ? COMPRESSED_ODD : COMPRESSED_EVEN) && spki.subarray(-x.length).equals(x)
}

/** What PKCS#8 in DER holds: the parameters of its algorithm and the elements of the key inside. */
function readPrivateKey(pkcs8: Secret) {
  const [outer] = readAllDer(pkcs8.expose()) ?? []
  const [, algorithm, octets] = (outer && readAllDer(outer.content)) ?? []
  const [, parameters] = (algorithm && readAllDer(algorithm.content)) ?? []
  const [key] = (octets && readAllDer(octets.content)) ?? []
  const inner = key && readAllDer(key.content)
  return inner && { parameters, inner }
}

const PROBE = Uint8Array.of(0x73, 0x74, 0x72, 0x6f, 0x6e, 0x67)
/** A private key whose numbers do not fit together signs what its public key does not verify. */
async function fitTogether(engine: AsymmetricEngine, key: OpenKeyPair): Promise<boolean> {
  const own = KEY_ALGORITHMS[key.spec]
  // The public key of a curve was made from the scalar: there is nothing that could differ.
  if (own.family !== 'rsa') return true
  const input = {
    algorithm: 'RSASSA_PKCS1_V1_5_SHA_256',
    messageType: 'RAW',
    message: PROBE,
  } as const
  try {
    return await verify(engine, key, input, await sign(engine, key, input))
  } catch {
    // OpenSSL refuses to sign with numbers that cannot be a key.
    return false
  }
}
