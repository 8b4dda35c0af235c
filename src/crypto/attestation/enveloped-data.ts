import {
  constants,
  createCipheriv,
  createSecretKey,
  hash,
  type KeyObject,
  publicEncrypt,
} from 'node:crypto'
import type { Random } from '../../core/ports.ts'
import type { Secret } from '../../core/secret.ts'
import { DER, der } from '../asymmetric/der.ts'

/** The RSA key of an attested machine. */
export interface RecipientKey {
  readonly publicKey: KeyObject
  /** The same key as DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
}

const CONTENT_KEY_BYTES = 32
const IV_BYTES = 16

const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const oid = (text: string): Uint8Array => der(DER.oid, fromHex(text))

const SET = 0x31
/** `[0]`, implicit and primitive: the subject key identifier. */
const SUBJECT_KEY_ID = 0x80
const ENVELOPED_DATA = oid('2a864886f70d010703')
const DATA = oid('2a864886f70d010701')
const AES_256_CBC = oid('60864801650304012a')
/** KeyTransRecipientInfo by subject key identifier, and EnvelopedData with one of those: both version 2. */
const VERSION_2 = der(DER.integer, Uint8Array.of(2))

const SHA_256 = der(DER.sequence, oid('608648016503040201'), fromHex('0500'))
/** RSAES-OAEP with SHA-256 as both hashes and an empty label. **Source:** RFC 4055, section 4.1. */
const RSAES_OAEP_SHA_256 = der(
  DER.sequence,
  oid('2a864886f70d010107'),
  der(
    DER.sequence,
    der(DER.context0, SHA_256),
    der(DER.context1, der(DER.sequence, oid('2a864886f70d010108'), SHA_256)),
  ),
)

/**
 * An element of indefinite length. AWS's own answers have them around everything that holds the
 * encrypted content, and the parser of the AWS Nitro Enclaves SDK takes nothing else there.
 */
function indefinite(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Uint8Array.of(tag, 0x80), ...parts, Uint8Array.of(0, 0)])
}

/**
 * Encrypts a secret to a recipient as CMS EnvelopedData: AES-256-CBC under a fresh key, which RSAES-OAEP
 * with SHA-256 brings to the recipient. `plaintext` is borrowed.
 *
 * CBC does not authenticate; it is what AWS sends and its SDK opens. Whoever can alter the reply on its
 * way can alter what the enclave reads, as with AWS: the transport has to prevent it.
 *
 * **Source:** RFC 5652, section 6; the form in BER is that of a recorded answer of AWS KMS (the test
 * `tests/cms_test.c` of the AWS Nitro Enclaves SDK for C). The subject key identifier is the SHA-256
 * hash of the SubjectPublicKeyInfo (RFC 7093, section 2, method 4).
 */
export function encryptToRecipient(
  { publicKey, spki }: RecipientKey,
  plaintext: Secret,
  random: Random,
): Uint8Array {
  using contentKey = random.secret(CONTENT_KEY_BYTES)
  const iv = random.bytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-cbc', createSecretKey(contentKey.expose()), iv)
  const content = Buffer.concat([cipher.update(plaintext.expose()), cipher.final()])
  const encryptedKey = publicEncrypt(
    { key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
    contentKey.expose(),
  )
  const recipientInfo = der(
    DER.sequence,
    VERSION_2,
    der(SUBJECT_KEY_ID, hash('sha256', spki, 'buffer')),
    RSAES_OAEP_SHA_256,
    der(DER.octetString, encryptedKey),
  )
  const encryptedContentInfo = indefinite(
    DER.sequence,
    DATA,
    der(DER.sequence, AES_256_CBC, der(DER.octetString, iv)),
    indefinite(DER.context0, der(DER.octetString, content)),
  )
  return indefinite(
    DER.sequence,
    ENVELOPED_DATA,
    indefinite(
      DER.context0,
      indefinite(DER.sequence, VERSION_2, der(SET, recipientInfo), encryptedContentInfo),
    ),
  )
}
