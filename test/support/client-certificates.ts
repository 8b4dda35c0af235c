import { randomBytes, webcrypto } from 'node:crypto'
import type { X509Certificate } from '@peculiar/x509'
import { loadX509 } from '../../src/server/tls/tls-x509.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const HOUR_MS = 3_600_000
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

/** A certificate with its key, as good or as bad as a test wants it. */
export interface TestCertificate {
  readonly name: string
  readonly cert: string
  /** PKCS #8 in PEM. */
  readonly key: string
  readonly certificate: X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

/** @param wish.issuer itself by default. @param wish.usages the extended key usages: a client's by default */
export async function makeCertificate(
  name: string,
  wish: {
    readonly issuer?: TestCertificate
    readonly isCa?: boolean
    readonly usages?: readonly string[]
    /** Hours from now. */
    readonly from?: number
    readonly to?: number
  } = {},
): Promise<TestCertificate> {
  const x509 = await loadX509()
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const { issuer, isCa = false, usages = isCa ? [] : [CLIENT_AUTH], from = -1, to = 24 } = wish
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `4${randomBytes(8).toString('hex').slice(1)}`,
    subject: [{ CN: [name] }],
    issuer: issuer?.certificate.subjectName ?? [{ CN: [name] }],
    notBefore: new Date(Date.now() + from * HOUR_MS),
    notAfter: new Date(Date.now() + to * HOUR_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: issuer?.keys.privateKey ?? keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(isCa, undefined, true),
      ...(usages.length > 0 ? [new x509.ExtendedKeyUsageExtension([...usages])] : []),
    ],
  })
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64')}\n-----END PRIVATE KEY-----\n`
  return { name, cert: `${certificate.toString('pem')}\n`, key, certificate, keys }
}

/** A revocation list in PEM. @param to hours from now, when the next one comes */
export async function makeRevocationList(
  issuer: TestCertificate,
  revoked: readonly TestCertificate[],
  to = 24,
): Promise<string> {
  const x509 = await loadX509()
  const list = await x509.X509CrlGenerator.create({
    issuer: issuer.certificate.subjectName,
    thisUpdate: new Date(Date.now() - HOUR_MS),
    nextUpdate: new Date(Date.now() + to * HOUR_MS),
    signingAlgorithm: ALGORITHM,
    signingKey: issuer.keys.privateKey,
    entries: revoked.map(({ certificate: { serialNumber } }) => ({
      serialNumber,
      revocationDate: new Date(),
    })),
  })
  return `${list.toString('pem').replaceAll(' CRL', ' X509 CRL')}\n`
}
