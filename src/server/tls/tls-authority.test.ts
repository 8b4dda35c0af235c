import assert from 'node:assert/strict'
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { DAY_MS, instant, plusMs } from '../../core/ids.ts'
import { Secret } from '../../core/secret.ts'
import {
  type CertifiedKey,
  createAuthority,
  issueServerCertificate,
  needsRenewal,
} from './tls-authority.ts'

const now = instant(Date.UTC(2026, 10, 22))
const random = {
  bytes: (size: number) => randomBytes(size),
  secret: (size: number) => new Secret(randomBytes(size)),
  uuid: () => '',
}
const hosts = ['kms.example.org', '10.1.2.3', 'fd00::0:1', '0.0.0.0']

describe('the certificate authority of an installation', () => {
  let authority: CertifiedKey
  let server: CertifiedKey

  before(async () => {
    authority = await createAuthority({ now, random })
    server = await issueServerCertificate(authority, { now, random, hosts })
  })

  test('is a P-256 authority of ten years that signs itself', () => {
    const certificate = new X509Certificate(authority.certificatePem)
    assert.ok(certificate.ca)
    assert.match(certificate.subject, /^CN=Strongroom CA [0-9a-f]{8}$/)
    assert.ok(certificate.verify(certificate.publicKey))
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
    assert.equal(certificate.validToDate.getTime(), plusMs(now, 3650 * DAY_MS))
    assert.ok(certificate.validFromDate.getTime() < now)
    const key = createPrivateKey(Buffer.from(authority.privateKeyPem.expose()))
    assert.ok(certificate.checkPrivateKey(key))
  })

  test('issues certificates for the loopback and the given hosts, for 397 days', () => {
    const certificate = new X509Certificate(server.certificatePem)
    const issuer = new X509Certificate(authority.certificatePem)
    assert.ok(certificate.checkIssued(issuer))
    assert.ok(certificate.verify(issuer.publicKey))
    assert.equal(certificate.ca, false)
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'])
    for (const name of ['localhost', 'kms.example.org']) {
      assert.equal(certificate.checkHost(name, { subject: 'never' }), name)
    }
    for (const address of ['127.0.0.1', '::1', '10.1.2.3', 'fd00::1']) {
      assert.equal(certificate.checkIP(address), address)
    }
    assert.equal(certificate.checkHost('example.org'), undefined)
    assert.equal(certificate.checkIP('0.0.0.0'), undefined)
    const lifetime = certificate.validToDate.getTime() - certificate.validFromDate.getTime()
    assert.equal(lifetime, 397 * DAY_MS)
    assert.notEqual(certificate.serialNumber, issuer.serialNumber)
    assert.match(certificate.serialNumber, /^[4-7][0-9A-F]{31}$/)
  })

  test('issues nothing that outlives it', async () => {
    const late = plusMs(now, 3600 * DAY_MS)
    const last = await issueServerCertificate(authority, { now: late, random, hosts })
    assert.equal(
      new X509Certificate(last.certificatePem).validToDate.getTime(),
      new X509Certificate(authority.certificatePem).validToDate.getTime(),
    )
  })

  test('refuses to name what is no host', async () => {
    for (const host of ['a b', '', '-a', 'a..b', 'müller', 'x'.repeat(64)]) {
      await assert.rejects(
        issueServerCertificate(authority, { now, random, hosts: [host] }),
        { name: 'OperatorError', message: /a certificate cannot name the host/ },
        host,
      )
    }
  })

  test('a certificate is renewed a month before its end, or for another name', () => {
    const needs = (at: number, names: readonly string[]) =>
      needsRenewal(server.certificatePem, plusMs(now, at), names)
    assert.equal(needs(0, hosts), false)
    assert.equal(needs(0, ['KMS.example.org.', '[fd00::1]']), false)
    assert.equal(needs(366 * DAY_MS, hosts), false)
    assert.equal(needs(367 * DAY_MS, hosts), true)
    assert.equal(needs(400 * DAY_MS, hosts), true)
    assert.equal(needs(-2 * DAY_MS, hosts), true)
    assert.equal(needs(0, [...hosts, 'other.example.org']), true)
    assert.equal(needs(0, ['10.1.2.4']), true)
  })
})
