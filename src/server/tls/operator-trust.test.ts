import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  makeCertificate,
  makeRevocationList,
  type TestCertificate,
} from '../../../test/support/client-certificates.ts'
import { instant } from '../../core/ids.ts'
import { chooseOperators } from './operator-choice.ts'
import { judgeOperator, readOperatorTrust } from './operator-trust.ts'
import { serialOf } from './revocation-lists.ts'

describe('the operator CA', () => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-operators-'))
  const now = instant(Date.now())
  let ca: TestCertificate
  let other: TestCertificate
  let alice: TestCertificate
  const file = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }

  before(async () => {
    ca = await makeCertificate('operators', { isCa: true })
    other = await makeCertificate('others', { isCa: true })
    alice = await makeCertificate('alice', { issuer: ca })
  })
  after(() => rmSync(folder, { recursive: true }))

  test('several may be named in one file, each with its list', async () => {
    const both = file('both.pem', `a comment\n${ca.cert}${other.cert}`)
    const lists = (await makeRevocationList(ca, [alice])) + (await makeRevocationList(other, []))
    const crlFile = file('both.crl', lists)
    const { authorities, pem } = await readOperatorTrust({ caFile: both, crlFile }, now)
    assert.deepEqual(
      authorities.map(({ revoked }) => revoked?.serials.size),
      [1, 0],
    )
    assert.equal(pem, ca.cert + other.cert)
  })

  test('is refused at the start where it is none, or not now', async () => {
    const late = await makeCertificate('late', { isCa: true, from: -3, to: -2 })
    const early = await makeCertificate('early', { isCa: true, from: 2, to: 3 })
    const damaged = ca.cert.replace(/\n(.{20})/, '\nAAAA')
    const cases = [
      [join(folder, 'nowhere'), /^the operator CA file .*nowhere does not exist$/],
      [file('empty', 'no certificate'), /contains no certificate in PEM$/],
      [file('damaged', damaged), /^a certificate in .* is damaged$/],
      [file('leaf', alice.cert), /^CN=alice in .* is no certificate authority$/],
      [file('late', ca.cert + late.cert), /^the operator CA CN=late in .* expired on 20/],
      [file('early', early.cert), /^the operator CA CN=early in .* is not valid before 20/],
      [file('many', ca.cert.repeat(101)), /has more than 100 certificates$/],
    ] as const
    for (const [caFile, message] of cases) {
      await assert.rejects(readOperatorTrust({ caFile }, now), { name: 'OperatorError', message })
    }
  })

  test('is refused with a revocation list that says nothing of it', async () => {
    const caFile = file('ca.pem', ca.cert)
    const twin = await makeCertificate('operators', { isCa: true })
    const cases = [
      ['none', 'no list', /contains no revocation list$/],
      ['other', await makeRevocationList(other, []), /has no revocation list of CN=operators$/],
      ['twin', await makeRevocationList(twin, []), /is not signed by that CA$/],
      ['old', await makeRevocationList(ca, [], -0.5), /is out of date since 20/],
    ] as const
    for (const [name, text, message] of cases) {
      const crlFile = file(`${name}.crl`, text)
      await assert.rejects(readOperatorTrust({ caFile, crlFile }, now), { message }, name)
    }
  })

  test('what only OpenSSL has found wrong is wrong as well', async () => {
    const trust = await readOperatorTrust({ caFile: file('ca.pem', ca.cert) }, now)
    const certificate = new X509Certificate(alice.cert)
    assert.equal(judgeOperator({ certificate }, trust, now), undefined)
    const found = judgeOperator({ certificate, chainProblem: 'PERMITTED_VIOLATION' }, trust, now)
    assert.equal(found?.code, 'OperatorCertificateUntrusted')
  })

  test('serial numbers are compared however they are written', () => {
    assert.equal(serialOf('00AB'), serialOf('ab'))
    assert.equal(serialOf('00'), '0')
  })

  test('a serial number that no list could name is refused where there is a list', async () => {
    const caFile = file('ca.pem', ca.cert)
    const crlFile = file('none.crl', await makeRevocationList(ca, []))
    const certificate = new X509Certificate(alice.cert)
    // As Node.js has it of a certificate whose number is the one byte F6.
    Object.defineProperty(certificate, 'serialNumber', { value: '-0A' })
    const withList = await readOperatorTrust({ caFile, crlFile }, now)
    assert.equal(
      judgeOperator({ certificate }, withList, now)?.code,
      'OperatorCertificateUntrusted',
    )
    const genuine = new X509Certificate(alice.cert)
    assert.equal(judgeOperator({ certificate: genuine }, withList, now), undefined)
    const withoutList = await readOperatorTrust({ caFile }, now)
    assert.equal(judgeOperator({ certificate }, withoutList, now), undefined)
  })

  test('goes with TLS, and a revocation list with a CA in a file', () => {
    const tls = { kind: 'own' } as const
    assert.equal(chooseOperators({}, tls), undefined)
    assert.deepEqual(chooseOperators({ operatorCa: 'own' }, tls), { kind: 'own' })
    assert.deepEqual(chooseOperators({ operatorCa: './own', operatorCrl: 'c' }, tls), {
      kind: 'files',
      caFile: './own',
      crlFile: 'c',
    })
    const cases = [
      [{ operatorCa: 'ca.pem' }, { kind: 'plain' }, /plain HTTP has none/],
      [{ operatorCrl: 'c' }, tls, /--operator-crl goes with --operator-ca/],
      [{ operatorCa: 'own', operatorCrl: 'c' }, tls, /own operator CA has no revocation list/],
    ] as const
    for (const [options, choice, message] of cases) {
      assert.throws(() => chooseOperators(options, choice), { name: 'OperatorError', message })
    }
  })
})
