import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto'
import type { Extension } from '@peculiar/x509'
import { DAY_MS, type Instant, plusMs } from '../../core/ids.ts'
import type { Random } from '../../core/ports.ts'
import { Secret } from '../../core/secret.ts'
import { serverNames } from './tls-names.ts'
import { loadX509 } from './tls-x509.ts'

const AUTHORITY_DAYS = 3650
/** The longest that browsers accept. Source: CA/Browser Forum, Ballot SC31. */
const SERVER_DAYS = 397
/** A certificate is renewed when it has less than this left. */
const RENEWAL_DAYS = 30
/** Certificates begin in the past, for clients whose clocks are slow. */
const BACKDATED_MS = 3_600_000
/** Positive and unpredictable. Source: RFC 5280, 4.1.2.2. */
const SERIAL_BYTES = 16

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A certificate and its private key. */
export interface CertifiedKey {
  /** Ends with a line feed. */
  readonly certificatePem: string
  /** PKCS #8 in PEM; the caller owns it. */
  readonly privateKeyPem: Secret
}

export interface Issuing {
  readonly now: Instant
  readonly random: Random
}

/** Whom the certificates of an authority are for. */
export type AuthorityKind = 'servers' | 'operators'

const AUTHORITY_NAMES = { servers: 'Strongroom CA', operators: 'Strongroom operator CA' } as const

/**
 * Makes a certificate authority for one installation: ECDSA P-256, ten years, for certificates right below it and
 * nothing else; that of operators for those of clients alone.
 * Source: RFC 5280, 4.2.1.3, 4.2.1.9 and 4.2.1.12.
 */
export async function createAuthority(
  issuing: Issuing,
  kind: AuthorityKind = 'servers',
): Promise<CertifiedKey> {
  const x509 = await loadX509()
  const { now, random } = issuing
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const nameSuffix = Buffer.from(random.bytes(4)).toString('hex')
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(random),
    name: [{ CN: [`${AUTHORITY_NAMES[kind]} ${nameSuffix}`] }],
    notBefore: new Date(plusMs(now, -BACKDATED_MS)),
    notAfter: new Date(plusMs(now, AUTHORITY_DAYS * DAY_MS)),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      ...(kind === 'operators'
        ? [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])]
        : []),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return {
    certificatePem: pemOf(certificate),
    privateKeyPem: await exportKey(keys.privateKey),
  }
}

/**
 * Issues a server certificate for the loopback names and `hosts`, with a new P-256 key.
 * It never outlives the authority.
 * @throws {OperatorError} for a host that cannot be named in a certificate.
 */
export async function issueServerCertificate(
  authority: CertifiedKey,
  issuing: Issuing & { readonly hosts: readonly string[] },
): Promise<CertifiedKey> {
  const names = serverNames(issuing.hosts)
  const x509 = await loadX509()
  return issue(authority, issuing, {
    name: 'Strongroom',
    days: SERVER_DAYS,
    usage: x509.ExtendedKeyUsage.serverAuth,
    extensions: [new x509.SubjectAlternativeNameExtension(names.map((name) => ({ ...name })))],
  })
}

/**
 * Issues the certificate of an operator, with a new P-256 key: a client's and nothing else.
 * It never outlives the authority.
 * @param about.name of the operator; 64 characters at most
 */
export async function issueClientCertificate(
  authority: CertifiedKey,
  issuing: Issuing,
  about: { readonly name: string; readonly days: number },
): Promise<CertifiedKey> {
  const x509 = await loadX509()
  const usage = x509.ExtendedKeyUsage.clientAuth
  return issue(authority, issuing, { ...about, usage, extensions: [] })
}

interface Issued {
  /** The common name. */
  readonly name: string
  readonly days: number
  readonly usage: string
  readonly extensions: readonly Extension[]
}

async function issue(
  authority: CertifiedKey,
  { now, random }: Issuing,
  { name, days, usage, extensions }: Issued,
): Promise<CertifiedKey> {
  const x509 = await loadX509()
  const issuer = new x509.X509Certificate(authority.certificatePem)
  const signingKey = await importKey(authority.privateKeyPem)
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const notAfterMs = plusMs(now, days * DAY_MS - BACKDATED_MS)
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(random),
    subject: [{ CN: [name] }],
    issuer: issuer.subjectName,
    notBefore: new Date(plusMs(now, -BACKDATED_MS)),
    notAfter: new Date(Math.min(notAfterMs, issuer.notAfter.getTime())),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      ...extensions,
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  })
  return {
    certificatePem: pemOf(certificate),
    privateKeyPem: await exportKey(keys.privateKey),
  }
}

/** Whether a server certificate is near its end, not valid yet, or lacks one of the names. */
export function needsRenewal(
  certificatePem: string,
  now: Instant,
  hosts: readonly string[],
): boolean {
  const certificate = new X509Certificate(certificatePem)
  if (certificate.validFromDate.getTime() > now) return true
  if (certificate.validToDate.getTime() < plusMs(now, RENEWAL_DAYS * DAY_MS)) return true
  return serverNames(hosts).some(({ type, value }) =>
    type === 'ip'
      ? certificate.checkIP(value) === undefined
      : certificate.checkHost(value, { subject: 'never' }) === undefined,
  )
}

/** Ends with a line feed, so that chains can be made by putting texts together. */
const pemOf = (certificate: { toString(format: 'pem'): string }): string =>
  `${certificate.toString('pem').trimEnd()}\n`

function serialNumber(random: Random): string {
  const bytes = Buffer.from(random.bytes(SERIAL_BYTES))
  // The first bit is the sign; the second keeps the number from being shorter than it says.
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}

async function exportKey(key: webcrypto.CryptoKey): Promise<Secret> {
  using pkcs8 = new Secret(new Uint8Array(await webcrypto.subtle.exportKey('pkcs8', key)))
  const keyObject = createPrivateKey({
    key: Buffer.from(pkcs8.expose().buffer),
    format: 'der',
    type: 'pkcs8',
  })
  return new Secret(Buffer.from(keyObject.export({ type: 'pkcs8', format: 'pem' }), 'latin1'))
}

async function importKey(pem: Secret): Promise<webcrypto.CryptoKey> {
  const key = createPrivateKey(Buffer.from(pem.expose()))
  using pkcs8 = new Secret(key.export({ type: 'pkcs8', format: 'der' }))
  return webcrypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8.expose()), ALGORITHM, false, [
    'sign',
  ])
}
