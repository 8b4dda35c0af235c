import type { AsymmetricSpec, KeyFamily } from './key-algorithms.ts'
import { KEY_ALGORITHMS } from './key-algorithms.ts'

/** What the caller sent: the message, its hash, or FIPS 204's message representative. */
export type MessageType = 'RAW' | 'DIGEST' | 'EXTERNAL_MU'

/** One signing algorithm. Every message type it takes maps to the exact length in bytes; undefined is any. */
export interface SigningScheme {
  readonly family: KeyFamily
  readonly hash: 'sha256' | 'sha384' | 'sha512' | 'sm3' | undefined
  readonly padding: 'pkcs1' | 'pss' | undefined
  readonly messageBytes: ReadonlyMap<MessageType, number | undefined>
}

/** The 64 bytes of mu. **Source:** FIPS 204, algorithm 7, step 6. */
export const ML_DSA_MU_BYTES = 64

const messageTypes = (
  ...entries: readonly (readonly [MessageType, number | undefined])[]
): SigningScheme['messageBytes'] => new Map(entries)

const rawOrDigest = (bytes: number): SigningScheme['messageBytes'] =>
  messageTypes(['RAW', undefined], ['DIGEST', bytes])

const rsa = (
  padding: 'pkcs1' | 'pss',
  hash: 'sha256' | 'sha384' | 'sha512',
  bytes: number,
): SigningScheme => ({ family: 'rsa', hash, padding, messageBytes: rawOrDigest(bytes) })

const ecdsa = (hash: 'sha256' | 'sha384' | 'sha512', bytes: number): SigningScheme => ({
  family: 'ec',
  hash,
  padding: undefined,
  messageBytes: rawOrDigest(bytes),
})

/**
 * Every signing algorithm of AWS KMS. PSS takes a salt as long as the hash, and MGF1 the same hash.
 * ED25519_PH_SHA_512 signs the 64 bytes sent as its *message*: the prehash is applied to them once more.
 * **Source:** AWS KMS Developer Guide, Key spec reference, and API Reference, Sign.
 */
export const SIGNING_ALGORITHMS = {
  RSASSA_PSS_SHA_256: rsa('pss', 'sha256', 32),
  RSASSA_PSS_SHA_384: rsa('pss', 'sha384', 48),
  RSASSA_PSS_SHA_512: rsa('pss', 'sha512', 64),
  RSASSA_PKCS1_V1_5_SHA_256: rsa('pkcs1', 'sha256', 32),
  RSASSA_PKCS1_V1_5_SHA_384: rsa('pkcs1', 'sha384', 48),
  RSASSA_PKCS1_V1_5_SHA_512: rsa('pkcs1', 'sha512', 64),
  ECDSA_SHA_256: ecdsa('sha256', 32),
  ECDSA_SHA_384: ecdsa('sha384', 48),
  ECDSA_SHA_512: ecdsa('sha512', 64),
  ED25519_SHA_512: {
    family: 'ed25519',
    hash: undefined,
    padding: undefined,
    messageBytes: messageTypes(['RAW', undefined]),
  },
  ED25519_PH_SHA_512: {
    family: 'ed25519',
    hash: undefined,
    padding: undefined,
    messageBytes: messageTypes(['DIGEST', 64]),
  },
  ML_DSA_SHAKE_256: {
    family: 'ml-dsa',
    hash: undefined,
    padding: undefined,
    messageBytes: messageTypes(['RAW', undefined], ['EXTERNAL_MU', ML_DSA_MU_BYTES]),
  },
  SM2DSA: { family: 'sm2', hash: 'sm3', padding: undefined, messageBytes: rawOrDigest(32) },
} as const satisfies Record<string, SigningScheme>

export type SigningAlgorithm = keyof typeof SIGNING_ALGORITHMS

const ALL_ALGORITHMS = Object.keys(SIGNING_ALGORITHMS).filter(
  // Object.keys gives the keys of this constant table as plain strings.
  (name): name is SigningAlgorithm => Object.hasOwn(SIGNING_ALGORITHMS, name),
)

/** The algorithms a key of this spec signs with, in AWS's order. Empty for ML-KEM. */
export const signingAlgorithmsOf = (spec: AsymmetricSpec): readonly SigningAlgorithm[] =>
  ALL_ALGORITHMS.filter((name) => fits(spec, SIGNING_ALGORITHMS[name]))

/** A curve goes with exactly one hash; the other families have no such tie. */
const fits = (spec: AsymmetricSpec, scheme: SigningScheme): boolean => {
  const algorithm = KEY_ALGORITHMS[spec]
  if (algorithm.family !== scheme.family) return false
  return algorithm.family !== 'ec' || algorithm.hash === scheme.hash
}
