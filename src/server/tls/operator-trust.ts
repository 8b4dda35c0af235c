import { X509Certificate } from 'node:crypto'
import { OperatorError } from '../../core/errors.ts'
import type { Instant } from '../../core/ids.ts'
import type { ClientCertificate } from '../../core/transport.ts'
import { type RevocationList, readRevocationLists, serialOf } from './revocation-lists.ts'
import { readTlsFile } from './tls-files.ts'

/** The files that say whose certificates are those of operators. */
export interface OperatorFiles {
  /** Authorities in PEM, one or more. */
  readonly caFile: string
  /** Revocation lists in PEM or DER, one of each authority. */
  readonly crlFile?: string
}

interface OperatorAuthority {
  readonly certificate: X509Certificate
  /** Absent where none are looked at. */
  readonly revoked?: RevocationList
}

/** Whose certificates are those of operators. */
export interface OperatorTrust {
  /** The authorities in PEM: the handshake names them to clients. */
  readonly pem: string
  readonly authorities: readonly OperatorAuthority[]
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g
/** Far more than anybody has. */
const AUTHORITIES_MAX = 100
/**
 * The authority has been signed by another one, which was not named: it is trusted without it. Node.js asks OpenSSL for
 * whole chains whenever a context is renewed, whatever the option `allowPartialTrustChain` says.
 */
const ENDS_BELOW_ROOT = 'UNABLE_TO_GET_ISSUER_CERT'
/** Extended key usage: the certificate authenticates a client. Source: RFC 5280, 4.2.1.12. */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

/**
 * Reads the authorities of operators, and their revocation lists where they are named.
 * @throws OperatorError that names the file and what is wrong with it
 */
export async function readOperatorTrust(
  { caFile, crlFile }: OperatorFiles,
  now: Instant,
): Promise<OperatorTrust> {
  const text = (await readTlsFile(caFile, 'operator CA')).toString('latin1')
  const certificates = parseAuthorities(caFile, text)
  for (const certificate of certificates) assertAuthority(caFile, certificate, now)
  const pem = certificates.map((certificate) => certificate.toString()).join('')
  if (crlFile === undefined) {
    return { pem, authorities: certificates.map((certificate) => ({ certificate })) }
  }
  const lists = await readRevocationLists(crlFile, certificates, now)
  const authorities = certificates.map((certificate, index) => {
    const revoked = lists[index]
    if (revoked !== undefined) return { certificate, revoked }
    throw new OperatorError(
      `${crlFile} has no revocation list of ${nameOf(certificate)}`,
      'Each authority in the --operator-ca file needs one that it has signed itself.',
    )
  })
  return { pem, authorities }
}

/** The authority of the installation itself. @param pem its certificate */
export const ownOperatorTrust = (pem: string): OperatorTrust => ({
  pem,
  authorities: [{ certificate: new X509Certificate(pem) }],
})

function parseAuthorities(file: string, text: string): readonly X509Certificate[] {
  const parts = text.match(CERTIFICATE) ?? []
  if (parts.length === 0) {
    throw new OperatorError(
      `${file} contains no certificate in PEM`,
      '--operator-ca takes the certificate of the CA that issues those of operators.',
    )
  }
  if (parts.length > AUTHORITIES_MAX) {
    throw new OperatorError(
      `${file} has more than ${AUTHORITIES_MAX} certificates`,
      'Name the CA of your operators, not every CA of the system.',
    )
  }
  try {
    return parts.map((part) => new X509Certificate(part))
  } catch (cause) {
    throw new OperatorError(`a certificate in ${file} is damaged`, undefined, { cause })
  }
}

function assertAuthority(file: string, certificate: X509Certificate, now: Instant): void {
  const name = nameOf(certificate)
  if (!certificate.ca) {
    throw new OperatorError(
      `${name} in ${file} is no certificate authority`,
      'Name the CA, not a certificate that it has issued.',
    )
  }
  if (certificate.validToDate.getTime() <= now) {
    throw new OperatorError(
      `the operator CA ${name} in ${file} expired on ${certificate.validToDate.toISOString()}`,
      'Have it renewed, and start again.',
    )
  }
  if (certificate.validFromDate.getTime() > now) {
    throw new OperatorError(
      `the operator CA ${name} in ${file} is not valid before ${certificate.validFromDate.toISOString()}`,
      "Check this machine's clock.",
    )
  }
}

/** The subject of a certificate on one line. */
export const nameOf = ({ subject }: X509Certificate): string =>
  subject === undefined ? 'without a name' : subject.replaceAll('\n', ', ')

/** Why a certificate is not an operator's, for a client to read. */
export interface OperatorRefusal {
  readonly code: string
  readonly error: string
}

const REFUSALS = {
  OperatorCertificateMissing: 'show the client certificate of an operator',
  OperatorCertificateExpired: 'the client certificate has expired',
  OperatorCertificateNotYetValid: 'the client certificate is not valid yet',
  OperatorCertificateUntrusted: 'no operator CA of this node has issued the client certificate',
  OperatorCertificateNotForClients:
    'the client certificate is not for clients: it lacks the extended key usage clientAuth',
  OperatorCertificateRevoked: 'the client certificate has been revoked',
  OperatorAuthorityExpired: 'the CA that has issued the client certificate has expired',
  OperatorRevocationsExpired: 'the revocation list of the operator CA is out of date',
} as const satisfies Record<string, string>
export type OperatorRefusalCode = keyof typeof REFUSALS

/**
 * Why a client is no operator; undefined for one who is. Asked at each request: on a connection that stays open, and in
 * a session that is resumed, a certificate may have expired or been revoked since the handshake, or its CA replaced.
 */
export function judgeOperator(
  client: ClientCertificate | undefined,
  trust: OperatorTrust,
  now: Instant,
): OperatorRefusal | undefined {
  const code = refusalCodeOf(client, trust, now)
  return code && { code, error: REFUSALS[code] }
}

function refusalCodeOf(
  client: ClientCertificate | undefined,
  { authorities }: OperatorTrust,
  now: Instant,
): OperatorRefusalCode | undefined {
  if (client === undefined) return 'OperatorCertificateMissing'
  const { certificate, chainProblem } = client
  if (certificate.validToDate.getTime() <= now) return 'OperatorCertificateExpired'
  if (certificate.validFromDate.getTime() > now) return 'OperatorCertificateNotYetValid'
  // One signed right by an authority that was named: no other chain is built, so that none can be missing later.
  const issuer = authorities.find(
    (authority) =>
      certificate.checkIssued(authority.certificate) &&
      certificate.verify(authority.certificate.publicKey),
  )
  if (issuer === undefined || certificate.ca) return 'OperatorCertificateUntrusted'
  if (issuer.certificate.validToDate.getTime() <= now) return 'OperatorAuthorityExpired'
  // Node.js calls it keyUsage, and has none where the extension is absent: refused, though RFC 5280 would let it do all.
  if (!new Set(certificate.keyUsage).has(CLIENT_AUTH)) {
    return 'OperatorCertificateNotForClients'
  }
  const { revoked } = issuer
  if (revoked !== undefined) {
    // No serial number is negative (RFC 5280, 4.1.2.2). Such a one is written in two ways, and would be missed in the list.
    if (certificate.serialNumber.startsWith('-')) return 'OperatorCertificateUntrusted'
    if (revoked.nextUpdate <= now) return 'OperatorRevocationsExpired'
    if (revoked.serials.has(serialOf(certificate.serialNumber))) return 'OperatorCertificateRevoked'
  }
  // Last: what is left is what only OpenSSL looks at, such as the constraints of the authority.
  return chainProblem === undefined || chainProblem === ENDS_BELOW_ROOT
    ? undefined
    : 'OperatorCertificateUntrusted'
}
