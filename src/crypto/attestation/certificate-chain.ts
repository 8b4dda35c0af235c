import { type KeyObject, verify } from 'node:crypto'
import { type Instant, plusMs } from '../../core/ids.ts'
import type { ThreadPoolGate } from '../asymmetric/thread-pool-gate.ts'
import { type AttestationCertificate, parseCertificate } from './attestation-certificate.ts'
import type { AttestationDocument } from './attestation-document.ts'
import { demand } from './attestation-refusal.ts'

/**
 * How far clocks may be apart. The certificate of a fresh enclave is valid from the second in which it
 * was made, so that a service whose clock is a little slow would refuse it.
 */
export const CLOCK_SKEW_MAX_MS = 300_000

/**
 * Verifies the chain from a trusted root to the document's own certificate: roots by identity, then
 * validity, authority and path length, key usage, names, signatures. There is no revocation.
 * **Source:** AWS, Nitro Enclaves attestation process, section 3.2.3; RFC 5280, section 6.1.
 * @returns the public key that signed the document
 * @throws {AttestationRefusal}
 */
export async function verifyChain(
  document: AttestationDocument,
  roots: readonly AttestationCertificate[],
  now: Instant,
  gate: ThreadPoolGate,
): Promise<KeyObject> {
  const [first = new Uint8Array(0), ...below] = document.caBundle
  // Compared as bytes: what the document calls its root is trusted as ours or not at all.
  const root = roots.find(({ x509 }) => x509.raw.equals(first))
  demand(root !== undefined, 'its certificate chain does not begin with a trusted root')
  const leaf = certificateOf(document.certificate)
  const authorities = [root, ...below.map(certificateOf)]
  for (const certificate of [...authorities, leaf]) assertValidAt(certificate, now)
  for (const [index, authority] of authorities.entries()) {
    assertAuthority(authority, authorities.length - 1 - index)
  }
  demand(!leaf.isAuthority && leaf.signsData, 'its certificate is not one that signs documents')
  await Promise.all(
    [...authorities.slice(1), leaf].map((certificate, index) =>
      assertIssued(certificate, authorities[index], gate),
    ),
  )
  return leaf.publicKey
}

function certificateOf(der: Uint8Array): AttestationCertificate {
  const certificate = parseCertificate(der)
  demand(certificate !== undefined, 'a certificate of its chain is malformed')
  return certificate
}

function assertValidAt({ notBefore, notAfter }: AttestationCertificate, now: Instant): void {
  demand(notBefore <= plusMs(now, CLOCK_SKEW_MAX_MS), 'a certificate of its chain is not valid yet')
  demand(now <= notAfter, 'a certificate of its chain has expired')
}

function assertAuthority(certificate: AttestationCertificate, authoritiesBelow: number): void {
  const { isAuthority, signsCertificates, pathLengthMax } = certificate
  demand(isAuthority && signsCertificates, 'a certificate of its chain may not issue certificates')
  demand(
    pathLengthMax === undefined || authoritiesBelow <= pathLengthMax,
    'its certificate chain is longer than one of its certificates allows',
  )
}

async function assertIssued(
  certificate: AttestationCertificate,
  issuer: AttestationCertificate | undefined,
  gate: ThreadPoolGate,
): Promise<void> {
  const { signedPart, signature, x509 } = certificate
  const isIssued =
    issuer !== undefined &&
    x509.checkIssued(issuer.x509) &&
    (await isSigned(gate, {
      publicKey: issuer.publicKey,
      message: signedPart,
      signature,
      encoding: 'der',
    }))
  demand(isIssued, 'its certificates do not form a chain')
}

/** A signature by ECDSA with SHA-384, and what it may be of. */
interface SignedMessage {
  readonly publicKey: KeyObject
  readonly message: Uint8Array
  readonly signature: Uint8Array
  readonly encoding: 'der' | 'ieee-p1363'
}

/** Whether a signature is right; checked off the main thread, which P-384 would hold for a millisecond. */
export function isSigned(gate: ThreadPoolGate, signed: SignedMessage): Promise<boolean> {
  const { publicKey, message, signature, encoding } = signed
  return gate.run(() => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const key = { key: publicKey, dsaEncoding: encoding }
    // OpenSSL calls a signature that it cannot read an error; for us it is a wrong one.
    verify('sha384', message, key, signature, (error, isValid) => resolve(!error && isValid))
    return promise
  })
}
