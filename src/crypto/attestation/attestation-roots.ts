import { assert } from '../../core/assert.ts'
import { type AttestationCertificate, parseCertificate } from './attestation-certificate.ts'

/**
 * AWS's root for Nitro Enclaves, first generation, of the commercial Regions; valid until 2049-10-28.
 * Its SHA-256 fingerprint, which a test checks, is published in the AWS Nitro Enclaves User Guide:
 * 641A0321A3E244EFE456463195D606317ED7CDCC3C1756E09893F3C68F79BB5B.
 * **Source:** AWS, Nitro Enclaves User Guide, Verifying the root of trust.
 */
export const AWS_NITRO_ROOT_G1 = `-----BEGIN CERTIFICATE-----
MIICETCCAZagAwIBAgIRAPkxdWgbkK/hHUbMtOTn+FYwCgYIKoZIzj0EAwMwSTEL
MAkGA1UEBhMCVVMxDzANBgNVBAoMBkFtYXpvbjEMMAoGA1UECwwDQVdTMRswGQYD
VQQDDBJhd3Mubml0cm8tZW5jbGF2ZXMwHhcNMTkxMDI4MTMyODA1WhcNNDkxMDI4
MTQyODA1WjBJMQswCQYDVQQGEwJVUzEPMA0GA1UECgwGQW1hem9uMQwwCgYDVQQL
DANBV1MxGzAZBgNVBAMMEmF3cy5uaXRyby1lbmNsYXZlczB2MBAGByqGSM49AgEG
BSuBBAAiA2IABPwCVOumCMHzaHDimtqQvkY4MpJzbolL//Zy2YlES1BR5TSksfbb
48C8WBoyt7F2Bw7eEtaaP+ohG2bnUs990d0JX28TcPQXCEPZ3BABIeTPYwEoCWZE
h8l5YoQwTcU/9KNCMEAwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQUkCW1DdkF
R+eWw5b6cp3PmanfS5YwDgYDVR0PAQH/BAQDAgGGMAoGCCqGSM49BAMDA2kAMGYC
MQCjfy+Rocm9Xue4YnwWmNJVA44fA0P5W2OpYow9OYCVRaEevL8uO1XYru5xtMPW
rfMCMQCi85sWBbJwKKXdS6BptQFuZbT73o/gBh1qUxl/nNr12UO8Yfwr6wPLb+6N
IwLz3/Y=
-----END CERTIFICATE-----
`

/** Far more than anybody trusts. */
const ROOTS_MAX = 16
const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g

/**
 * The certificates of a PEM text: each of them an authority on P-384 that may issue certificates.
 * Undefined where there is none, one too many, or one that could not begin an attestation chain.
 */
export function parseAttestationRoots(pem: string): readonly AttestationCertificate[] | undefined {
  const roots: AttestationCertificate[] = []
  for (const [, body = ''] of pem.matchAll(PEM)) {
    const root = parseCertificate(new Uint8Array(Buffer.from(body, 'base64')))
    if (root === undefined || !root.isAuthority || !root.signsCertificates) return undefined
    roots.push(root)
  }
  return roots.length >= 1 && roots.length <= ROOTS_MAX ? roots : undefined
}

/** What is trusted unless the operator says otherwise. */
export function awsAttestationRoots(): readonly AttestationCertificate[] {
  const roots = parseAttestationRoots(AWS_NITRO_ROOT_G1)
  assert(roots !== undefined, "AWS's root is a certificate")
  return roots
}
