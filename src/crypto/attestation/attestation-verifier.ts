import { createPublicKey, type KeyObject } from 'node:crypto'
import type { AttestationFacts } from '../../core/attestation.ts'
import type { Instant } from '../../core/ids.ts'
import type { ThreadPoolGate } from '../asymmetric/thread-pool-gate.ts'
import type { AttestationCertificate } from './attestation-certificate.ts'
import { type AttestationDocument, parseAttestationDocument } from './attestation-document.ts'
import { AttestationRefusal, demand } from './attestation-refusal.ts'
import { CLOCK_SKEW_MAX_MS, isSigned, verifyChain } from './certificate-chain.ts'
import { parseCoseSign1, signedBytes } from './cose-sign1.ts'
import type { RecipientKey } from './enveloped-data.ts'

/** How old a document may be: AWS's client makes a new one for every request. Choice of ours. */
const AGE_MAX_MS = 300_000

/** Larger moduli cost the service time, smaller ones are weak. Unit: bits. */
const MODULUS_BITS_MIN = 2048
const MODULUS_BITS_MAX = 4096
/** **Source:** FIPS 186-5, section 5.1, whose upper bound we lower to what OpenSSL takes of any key. */
const EXPONENT_MIN = 65_537n
const EXPONENT_MAX = 2n ** 64n

/** A document that was verified: what it says, and the key that its machine alone can use. */
export interface VerifiedAttestation {
  readonly ok: true
  readonly facts: AttestationFacts
  readonly recipientKey: RecipientKey
}

/** Why a document was refused, in words that follow "The attestation document is not valid: ". */
export interface RefusedAttestation {
  readonly ok: false
  readonly problem: string
}

/** Verifies attestation documents against the roots that the operator trusts. */
export interface AttestationVerifier {
  /** Nothing is remembered from one document to the next. `now` is the service's time. */
  verify(document: Uint8Array, now: Instant): Promise<VerifiedAttestation | RefusedAttestation>
}

export function createAttestationVerifier(parts: {
  readonly roots: readonly AttestationCertificate[]
  /** P-384 signatures are checked on the thread pool. */
  readonly gate: ThreadPoolGate
}): AttestationVerifier {
  return {
    async verify(bytes, now) {
      try {
        return await verifyDocument(parts, bytes, now)
      } catch (error) {
        if (error instanceof AttestationRefusal) return { ok: false, problem: error.message }
        throw error
      }
    },
  }
}

/** What costs nothing is looked at first; no signature is checked for what would be refused anyway. */
async function verifyDocument(
  { roots, gate }: { roots: readonly AttestationCertificate[]; gate: ThreadPoolGate },
  bytes: Uint8Array,
  now: Instant,
): Promise<VerifiedAttestation> {
  const message = parseCoseSign1(bytes)
  const document = parseAttestationDocument(message.payload)
  demand(now - document.timestamp <= AGE_MAX_MS, 'it is older than five minutes')
  demand(document.timestamp - now <= CLOCK_SKEW_MAX_MS, 'its timestamp is in the future')
  const recipientKey = recipientKeyOf(document)
  const publicKey = await verifyChain(document, roots, now, gate)
  const isOwn = await isSigned(gate, {
    publicKey,
    message: signedBytes(message),
    signature: message.signature,
    encoding: 'ieee-p1363',
  })
  demand(isOwn, 'its signature does not match')
  return { ok: true, facts: factsOf(document), recipientKey }
}

function factsOf({ source, moduleId, pcrs }: AttestationDocument): AttestationFacts {
  const imageSha384 = source === 'NitroEnclave' ? pcrs.get(0) : undefined
  return { source, moduleId, pcrs, imageSha384 }
}

function recipientKeyOf({ publicKey: spki }: AttestationDocument): RecipientKey {
  demand(spki !== undefined, 'it has no public key')
  const publicKey = openPublicKey(spki)
  const details = publicKey?.asymmetricKeyDetails
  demand(
    publicKey?.asymmetricKeyType === 'rsa' && details !== undefined,
    'its public key is no RSA key in DER',
  )
  const { modulusLength = 0, publicExponent = 0n } = details
  demand(
    modulusLength >= MODULUS_BITS_MIN && modulusLength <= MODULUS_BITS_MAX,
    `its public key does not have ${MODULUS_BITS_MIN} to ${MODULUS_BITS_MAX} bits`,
  )
  demand(
    publicExponent >= EXPONENT_MIN && publicExponent < EXPONENT_MAX,
    'the exponent of its public key is too small or too large',
  )
  return { publicKey, spki }
}

/** Undefined also for an encoding that is not the one that the key would be given in. */
function openPublicKey(spki: Uint8Array): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    return key.export({ format: 'der', type: 'spki' }).equals(spki) ? key : undefined
  } catch {
    return undefined
  }
}
