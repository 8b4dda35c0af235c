import type { KeyObject } from 'node:crypto'
import { createPrivateKey, createPublicKey, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { assert, unreachable } from '../../core/assert.ts'
import { Secret } from '../../core/secret.ts'
import type { DerElement } from './der.ts'
import { DER, isOneDerElement, readAllDer } from './der.ts'
import type { AsymmetricSpec, CurveAlgorithm, KeyAlgorithm } from './key-algorithms.ts'
import { KEY_ALGORITHMS } from './key-algorithms.ts'
import type { ThreadPoolGate } from './thread-pool-gate.ts'

/** New key material and the public key that belongs to it. */
export interface NewKeyPair {
  /** PKCS#8 DER as docs/formats/key-material.md says; the caller owns it. */
  readonly material: Secret
  /** SubjectPublicKeyInfo DER. */
  readonly publicKey: Uint8Array
}

/** A public key that was opened for use. */
export interface OpenPublicKey {
  readonly spec: AsymmetricSpec
  readonly publicKey: KeyObject
}

/** Key material that was opened for use. Keep it with the record it came from: opening costs about 50 µs. */
export interface OpenKeyPair extends OpenPublicKey {
  readonly privateKey: KeyObject
}

const PUBLIC_EXPONENT = 65_537
const ENCODINGS = {
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'der' },
} as const
const generate = promisify(generateKeyPair)

/**
 * A new key pair of `spec`, always made on the thread pool. Data key pairs are made the same way.
 * **Source:** FIPS 186-5, appendix A; FIPS 203, algorithm 19; FIPS 204, algorithm 1. OpenSSL does it.
 */
export async function generateKeyPairOf(
  spec: AsymmetricSpec,
  gate: ThreadPoolGate,
): Promise<NewKeyPair> {
  const { privateKey, publicKey } = await gate.run(() => generateEncoded(KEY_ALGORITHMS[spec]))
  return { material: new Secret(privateKey), publicKey }
}

function generateEncoded(
  algorithm: KeyAlgorithm,
): Promise<{ readonly privateKey: Uint8Array; readonly publicKey: Uint8Array }> {
  switch (algorithm.family) {
    case 'rsa':
      return generate('rsa', {
        modulusLength: algorithm.modulusBits,
        publicExponent: PUBLIC_EXPONENT,
        ...ENCODINGS,
      })
    case 'ec':
    case 'sm2':
      return generate('ec', {
        namedCurve: algorithm.curve,
        paramEncoding: 'named',
        ...ENCODINGS,
      })
    case 'ed25519':
      return generate('ed25519', ENCODINGS)
    case 'ml-dsa':
      return generate(algorithm.type, ENCODINGS)
    case 'ml-kem':
      return generate(algorithm.type, ENCODINGS)
    default:
      return unreachable(algorithm)
  }
}

/**
 * Opens key material that this service made or has checked on import. `material` is borrowed.
 * @throws {AssertionFailure} when it is no key of `spec`: the store has authenticated it, so this is a bug.
 */
export function openKeyPair(spec: AsymmetricSpec, material: Secret): OpenKeyPair {
  const privateKey = createPrivateKey({
    // The same memory as a Buffer: a copy would have to be wiped.
    key: asBuffer(material.expose()),
    format: 'der',
    type: 'pkcs8',
  })
  const publicKey = createPublicKey(privateKey)
  assert(
    isKeyOf(spec, privateKey) && hasNamedCurve(spec, publicKey),
    `the key material is one of ${spec}`,
  )
  return { spec, privateKey, publicKey }
}

/**
 * Parses a public key from outside: one SubjectPublicKeyInfo of `spec` and nothing behind it, with its
 * curve by name, its point on the curve. Undefined for everything else.
 * **Source:** RFC 5280, section 4.1; RFC 5480, section 2 (explicit parameters are forbidden).
 */
export function parsePublicKey(spec: AsymmetricSpec, spki: Uint8Array): OpenPublicKey | undefined {
  // OpenSSL ignores what follows the structure.
  if (!isOneDerElement(spki)) return undefined
  try {
    const publicKey = createPublicKey({ key: asBuffer(spki), format: 'der', type: 'spki' })
    if (!isKeyOf(spec, publicKey)) return undefined
    // OpenSSL reads the point at infinity, and only then cannot write it.
    return hasNamedCurve(spec, publicKey) ? { spec, publicKey } : undefined
  } catch {
    return undefined
  }
}

/** The public key as GetPublicKey returns it: SubjectPublicKeyInfo, DER. */
export const publicKeyDer = (key: OpenPublicKey): Uint8Array =>
  key.publicKey.export({ type: 'spki', format: 'der' })

/** Whether OpenSSL's key is of the type, size or curve that the spec names. */
export function isKeyOf(spec: AsymmetricSpec, key: KeyObject): boolean {
  const algorithm = KEY_ALGORITHMS[spec]
  const details = key.asymmetricKeyDetails
  switch (algorithm.family) {
    case 'rsa':
      return key.asymmetricKeyType === 'rsa' && details?.modulusLength === algorithm.modulusBits
    case 'ec':
      return key.asymmetricKeyType === 'ec' && details?.namedCurve === algorithm.curve
    case 'sm2':
      // Node.js has no name for what OpenSSL makes of an SM2 key that it reads, so the caller looks at
      // the object identifier of the curve.
      return key.asymmetricKeyType === undefined
    case 'ed25519':
      return key.asymmetricKeyType === 'ed25519'
    case 'ml-dsa':
    case 'ml-kem':
      return key.asymmetricKeyType === algorithm.type
    default:
      return unreachable(algorithm)
  }
}

/** OpenSSL calls explicit parameters by the name of the curve they describe, and exports them as they came. */
function hasNamedCurve(spec: AsymmetricSpec, publicKey: KeyObject): boolean {
  const algorithm = KEY_ALGORITHMS[spec]
  if (!('curve' in algorithm)) return true
  const [spki] = readAllDer(publicKey.export({ type: 'spki', format: 'der' })) ?? []
  const [identifier] = (spki && readAllDer(spki.content)) ?? []
  const [, parameters] = (identifier && readAllDer(identifier.content)) ?? []
  return isNamedCurve(algorithm, parameters)
}

/** Whether the parameters of an AlgorithmIdentifier are the curve's own object identifier. */
export const isNamedCurve = (
  algorithm: CurveAlgorithm,
  parameters: DerElement | undefined,
): boolean =>
  parameters?.tag === DER.oid && asBuffer(parameters.content).toString('hex') === algorithm.curveOid

/** Node's types ask for a Buffer where any bytes would do; this one shares the memory of `bytes`. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
