import { type KeyObject, X509Certificate } from 'node:crypto'
import { type Instant, instant } from '../../core/ids.ts'
import { DER, type DerElement, readAllDer, readDer } from '../asymmetric/der.ts'

/** A certificate of the profile that attestation chains have, taken apart; nothing of it is verified. */
export interface AttestationCertificate {
  readonly x509: X509Certificate
  /** What its issuer signed, and the signature: ECDSA with SHA-384. */
  readonly signedPart: Uint8Array
  readonly signature: Uint8Array
  /** On P-384. */
  readonly publicKey: KeyObject
  readonly notBefore: Instant
  readonly notAfter: Instant
  readonly isAuthority: boolean
  /** How many authorities may stand below this one; no limit where absent. */
  readonly pathLengthMax: number | undefined
  readonly signsCertificates: boolean
  readonly signsData: boolean
}

/** ASN.1 tags that only certificates use. **Source:** RFC 5280, appendix A.1. */
const BOOLEAN = 0x01
const VERSION = DER.context0
const EXTENSIONS = 0xa3

/** `algorithm` of ECDSA with SHA-384, without parameters. **Source:** RFC 5758, section 3.2. */
const ECDSA_WITH_SHA384 = '06082a8648ce3d040303'
const VERSION_3 = '020102'
const BASIC_CONSTRAINTS = '551d13'
const KEY_USAGE = '551d0f'
const DIGITAL_SIGNATURE = 0x80
const KEY_CERT_SIGN = 0x04

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/**
 * Reads a certificate in DER, or gives undefined for what cannot stand in an attestation chain: other
 * versions, keys, signature algorithms, and critical extensions that nobody here understands. Node.js
 * tells neither path lengths nor key usages, so that extensions are read here.
 * **Source:** RFC 5280, section 4.
 */
export function parseCertificate(der: Uint8Array): AttestationCertificate | undefined {
  const x509 = openX509(der)
  const outer = readDer(der)
  const parts = outer?.tag === DER.sequence ? readAllDer(outer.content) : undefined
  if (x509 === undefined || outer?.end !== der.length || parts?.length !== 3) return undefined
  const [signedPart, algorithm, signature] = parts
  const fields = signedPart?.tag === DER.sequence ? readAllDer(signedPart.content) : undefined
  if (fields === undefined || signedPart === undefined || signature === undefined) return undefined
  const extensions = extensionsOf(fields, algorithm)
  const publicKey = publicKeyOf(x509)
  if (extensions === undefined || publicKey === undefined) return undefined
  if (signature.tag !== DER.bitString || signature.content[0] !== 0) return undefined
  return {
    x509,
    signedPart: outer.content.subarray(0, signedPart.end),
    signature: signature.content.subarray(1),
    publicKey,
    notBefore: instant(x509.validFromDate.getTime()),
    notAfter: instant(x509.validToDate.getTime()),
    ...extensions,
  }
}

function openX509(der: Uint8Array): X509Certificate | undefined {
  // Node.js takes PEM from bytes as well.
  if (der[0] !== DER.sequence) return undefined
  try {
    return new X509Certificate(der)
  } catch {
    return undefined
  }
}

function publicKeyOf(x509: X509Certificate): KeyObject | undefined {
  try {
    const { publicKey } = x509
    return publicKey.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? publicKey : undefined
  } catch {
    return undefined
  }
}

type Extensions = Pick<
  AttestationCertificate,
  'isAuthority' | 'pathLengthMax' | 'signsCertificates' | 'signsData'
>

/** Looks at what stands before and behind the names of the signed part. */
function extensionsOf(
  fields: readonly DerElement[],
  algorithm: DerElement | undefined,
): Extensions | undefined {
  const [version, , innerAlgorithm] = fields
  const list = fields.at(-1)
  if (version?.tag !== VERSION || hex(version.content) !== VERSION_3) return undefined
  if (!isEcdsaWithSha384(algorithm) || !isEcdsaWithSha384(innerAlgorithm)) return undefined
  const sequence = list?.tag === EXTENSIONS ? readDer(list.content) : undefined
  const extensions = sequence?.tag === DER.sequence ? readAllDer(sequence.content) : undefined
  return extensions && readExtensions(extensions)
}

const isEcdsaWithSha384 = (algorithm: DerElement | undefined): boolean =>
  algorithm?.tag === DER.sequence && hex(algorithm.content) === ECDSA_WITH_SHA384

function readExtensions(extensions: readonly DerElement[]): Extensions | undefined {
  const values = new Map<string, Uint8Array>()
  for (const extension of extensions) {
    const parts = extension.tag === DER.sequence ? readAllDer(extension.content) : undefined
    const id = parts?.[0]
    const value = parts?.at(-1)
    if (id?.tag !== DER.oid || value?.tag !== DER.octetString) return undefined
    const isCritical = parts?.length === 3
    if (isCritical && parts[1]?.tag !== BOOLEAN) return undefined
    const name = hex(id.content)
    const isKnown = name === BASIC_CONSTRAINTS || name === KEY_USAGE
    if ((isCritical && !isKnown) || values.has(name)) return undefined
    values.set(name, value.content)
  }
  const constraints = basicConstraints(values.get(BASIC_CONSTRAINTS))
  const usage = keyUsage(values.get(KEY_USAGE))
  if (constraints === undefined || usage === undefined) return undefined
  return {
    ...constraints,
    signsCertificates: (usage & KEY_CERT_SIGN) !== 0,
    signsData: (usage & DIGITAL_SIGNATURE) !== 0,
  }
}

/** Absent, they say that the certificate is no authority's. */
function basicConstraints(
  value: Uint8Array | undefined,
): Pick<Extensions, 'isAuthority' | 'pathLengthMax'> | undefined {
  if (value === undefined) return { isAuthority: false, pathLengthMax: undefined }
  const sequence = readDer(value)
  if (sequence?.tag !== DER.sequence || sequence.end !== value.length) return undefined
  const [first, second, ...more] = readAllDer(sequence.content) ?? []
  if (first === undefined) {
    return sequence.content.length === 0
      ? { isAuthority: false, pathLengthMax: undefined }
      : undefined
  }
  if (first.tag !== BOOLEAN || hex(first.content) !== 'ff' || more.length > 0) return undefined
  if (second === undefined) return { isAuthority: true, pathLengthMax: undefined }
  const [length, ...rest] = second.content
  // No chain is long enough for a second byte.
  if (second.tag !== DER.integer || length === undefined || length > 127 || rest.length > 0) {
    return undefined
  }
  return { isAuthority: true, pathLengthMax: length }
}

/** The first byte of the usage bits. A certificate without key usage does not say what it is for: refused. */
function keyUsage(value: Uint8Array | undefined): number | undefined {
  const bits = value && readDer(value)
  if (bits?.tag !== DER.bitString || bits.end !== value?.length) return undefined
  return bits.content[1]
}
