import type { SignKeyObjectInput } from 'node:crypto'
import {
  constants,
  hash as cryptoHash,
  sign as cryptoSign,
  verify as cryptoVerify,
} from 'node:crypto'
import { assert } from '../../core/assert.ts'
import type { AsymmetricEngine } from './engine.ts'
import { KEY_ALGORITHMS } from './key-algorithms.ts'
import type { OpenKeyPair, OpenPublicKey } from './key-pair.ts'
import type { ReadyMadeInput } from './ready-made-input.ts'
import type { MessageType, SigningAlgorithm, SigningScheme } from './signing-algorithms.ts'
import { SIGNING_ALGORITHMS } from './signing-algorithms.ts'
import { sm2Digest } from './sm2-digest.ts'

/** What to sign. The caller has checked the algorithm against the key spec and the lengths of digests. */
export interface SigningInput {
  readonly algorithm: SigningAlgorithm
  readonly messageType: MessageType
  readonly message: Uint8Array
}

/**
 * Signs. ECDSA and SM2DSA give DER, RSA as many bytes as the modulus, Ed25519 and ML-DSA raw bytes.
 * `message` is borrowed until the promise settles.
 * **Source:** AWS KMS API Reference, Sign; RFC 8017, FIPS 186-5, RFC 8032, FIPS 204, GB/T 32918.2.
 */
export async function sign(
  engine: AsymmetricEngine,
  key: OpenKeyPair,
  input: SigningInput,
): Promise<Uint8Array> {
  const readyMade = readyMadeInput(key, input) ?? hashedInput(engine, key, input, !isFast(key))
  if (readyMade !== undefined) return engine.readyMade.sign(key.privateKey, readyMade)
  const { hash, options } = rawScheme(input.algorithm)
  const keyInput: SignKeyObjectInput = { key: key.privateKey, ...options }
  if (isFast(key)) return cryptoSign(hash, input.message, keyInput)
  return engine.gate.run(() => {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    cryptoSign(hash, input.message, keyInput, (error, signature) => {
      if (error === null) resolve(signature)
      else reject(error)
    })
    return promise
  })
}

/**
 * Whether `signature` is one of this key over this input. False for every kind of malformed signature.
 * **Source:** AWS KMS API Reference, Verify.
 */
export async function verify(
  engine: AsymmetricEngine,
  key: OpenPublicKey,
  input: SigningInput,
  signature: Uint8Array,
): Promise<boolean> {
  if (!hasLength(key, signature)) return false
  const readyMade =
    readyMadeInput(key, input) ?? hashedInput(engine, key, input, isSlowToVerify(key))
  if (readyMade !== undefined) return engine.readyMade.verify(key.publicKey, readyMade, signature)
  const { hash, options } = rawScheme(input.algorithm)
  const keyInput = { key: key.publicKey, ...options }
  if (!isSlowToVerify(key)) return cryptoVerify(hash, input.message, keyInput, signature)
  return engine.gate.run(() => {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    cryptoVerify(hash, input.message, keyInput, signature, (error, isValid) => {
      if (error === null) resolve(isValid)
      else reject(error)
    })
    return promise
  })
}

/**
 * OpenSSL verifies a PSS signature whose leading zero byte was left out: two encodings of one signature.
 * **Source:** RFC 8017, sections 8.1.2 and 8.2.2, step 1.
 */
function hasLength({ spec }: OpenPublicKey, { length }: Uint8Array): boolean {
  const algorithm = KEY_ALGORITHMS[spec]
  return algorithm.family !== 'rsa' || length === algorithm.modulusBits / 8
}

/**
 * What goes to the route for ready-made inputs; undefined where `node:crypto` hashes itself. SM2 always
 * goes there: Node.js has no way to set the distinguishing id that the hash begins with.
 */
function readyMadeInput(key: OpenPublicKey, input: SigningInput): ReadyMadeInput | undefined {
  const { algorithm, messageType, message } = input
  const scheme: SigningScheme = SIGNING_ALGORITHMS[algorithm]
  const own = KEY_ALGORITHMS[key.spec]
  const isOwn = own.family === scheme.family && (own.family !== 'ec' || own.hash === scheme.hash)
  assert(isOwn, `${key.spec} signs with ${algorithm}`)
  const bytes = scheme.messageBytes.get(messageType)
  assert(
    scheme.messageBytes.has(messageType) && (bytes === undefined || bytes === message.length),
    `a ${messageType} message of ${algorithm} has the right length`,
  )
  if (messageType !== 'RAW') return { spec: key.spec, algorithm, input: message }
  if (scheme.family !== 'sm2') return undefined
  return { spec: key.spec, algorithm, input: sm2Digest(key.publicKey, message) }
}

/**
 * What is slow is hashed here and goes to the threads of the native route, where there are some: unlike
 * the thread pool's, which the audit log's syncs share, they can give way to the event loop.
 */
function hashedInput(
  { readyMade }: AsymmetricEngine,
  { spec }: OpenPublicKey,
  { algorithm, message }: SigningInput,
  isSlow: boolean,
): ReadyMadeInput | undefined {
  const { hash }: SigningScheme = SIGNING_ALGORITHMS[algorithm]
  if (!isSlow || hash === undefined || readyMade.name !== 'openssl') return undefined
  return { spec, algorithm, input: cryptoHash(hash, message, 'buffer') }
}

interface RawScheme {
  /** Null where the algorithm has its hash built in. */
  readonly hash: string | null
  readonly options: {
    readonly padding?: number
    readonly saltLength?: number
    readonly dsaEncoding?: 'der'
  }
}

function rawScheme(algorithm: SigningAlgorithm): RawScheme {
  const { hash, padding, family }: SigningScheme = SIGNING_ALGORITHMS[algorithm]
  if (hash !== undefined && family === 'ec') return { hash, options: { dsaEncoding: 'der' } }
  if (family !== 'rsa') return { hash: null, options: {} }
  assert(hash !== undefined, 'RSA signs a hash')
  if (padding === 'pkcs1') return { hash, options: { padding: constants.RSA_PKCS1_PADDING } }
  return {
    hash,
    options: {
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    },
  }
}

/** P-256 and Ed25519 sign faster than a task reaches the thread pool and comes back. */
const isFast = ({ spec }: OpenPublicKey): boolean =>
  spec === 'ECC_NIST_P256' || spec === 'ECC_NIST_EDWARDS25519'

/** RSA verifies in some 50 µs, ML-DSA in 170 to 250, the slower curves in 500 to 1,500. */
const isSlowToVerify = (key: OpenPublicKey): boolean =>
  !isFast(key) && KEY_ALGORITHMS[key.spec].family !== 'rsa'
