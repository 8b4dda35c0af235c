import { demand } from './attestation-refusal.ts'
import { parseCbor } from './cbor.ts'

/** A COSE_Sign1 message whose one algorithm is ES384. All members are borrowed. */
export interface CoseSign1 {
  /** As it stands in the message, because the signature covers its bytes. */
  readonly protectedHeader: Uint8Array
  readonly payload: Uint8Array
  /** r and s, 48 bytes each. */
  readonly signature: Uint8Array
}

/** The tag that a COSE_Sign1 message may have in front. */
const TAG_18 = 0xd2
/** The header parameter `alg`. */
const ALGORITHM = 1
/** ECDSA with SHA-384. **Source:** RFC 9053, table 1. */
const ES384 = -35
const SIGNATURE_BYTES = 96
/** **Source:** AWS, Nitro Enclaves attestation process, section 3.1. */
const PAYLOAD_BYTES_MAX = 16_384

/**
 * Takes a COSE_Sign1 message apart, tagged or not.
 * **Source:** RFC 9052, section 4.2, with the headers that AWS's attestation process names.
 * @throws {AttestationRefusal}
 */
export function parseCoseSign1(bytes: Uint8Array): CoseSign1 {
  const message = parseCbor(bytes[0] === TAG_18 ? bytes.subarray(1) : bytes)
  demand(Array.isArray(message) && message.length === 4, 'it is no COSE_Sign1 message')
  const [protectedHeader, unprotectedHeader, payload, signature]: readonly unknown[] = message
  demand(
    protectedHeader instanceof Uint8Array &&
      payload instanceof Uint8Array &&
      signature instanceof Uint8Array,
    'it is no COSE_Sign1 message',
  )
  const header = parseCbor(protectedHeader)
  demand(header instanceof Map && header.get(ALGORITHM) === ES384, 'its algorithm is not ES384')
  // A parameter that we do not know may change what the signature means.
  demand(
    header.size === 1 && unprotectedHeader instanceof Map && unprotectedHeader.size === 0,
    'it has unknown headers',
  )
  demand(
    payload.length >= 1 && payload.length <= PAYLOAD_BYTES_MAX,
    `its payload has more than ${PAYLOAD_BYTES_MAX} bytes, or none`,
  )
  demand(
    signature.length === SIGNATURE_BYTES,
    `its signature does not have ${SIGNATURE_BYTES} bytes`,
  )
  return { protectedHeader, payload, signature }
}

const CONTEXT = Buffer.from('Signature1', 'latin1')

/**
 * What the signature covers: the structure of context, protected header, no external data, payload.
 * **Source:** RFC 9052, section 4.4.
 */
export const signedBytes = ({ protectedHeader, payload }: CoseSign1): Uint8Array =>
  Buffer.concat([
    Buffer.of(0x84, 0x60 | CONTEXT.length),
    CONTEXT,
    bytesHead(protectedHeader.length),
    protectedHeader,
    bytesHead(0),
    bytesHead(payload.length),
    payload,
  ])

/** The head of a byte string of at most 65,535 bytes. */
function bytesHead(length: number): Uint8Array {
  if (length < 24) return Buffer.of(0x40 | length)
  if (length < 0x1_00) return Buffer.of(0x58, length)
  return Buffer.of(0x59, length >> 8, length & 0xff)
}
