import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { HeldClock } from '../../../test/support/memory-node.ts'
import { DAY_MS } from '../../core/ids.ts'
import { TABLES } from '../../core/tables.ts'
import { createCustody } from '../../crypto/custody.ts'
import { createRandom } from '../../crypto/random.ts'
import { memorySeal } from '../../crypto/seal-memory.ts'
import { openMemoryStore } from '../../storage/memory/memory-store.ts'
import { createRecordStore } from '../../storage/record-store.ts'
import type { SecretParts } from '../node/service-secrets.ts'
import {
  ensureOperatorAuthority,
  issueOperatorCertificate,
  replaceOperatorAuthority,
} from './operator-authority.ts'
import { judgeOperator, ownOperatorTrust } from './operator-trust.ts'

const clock = new HeldClock()

async function emptyParts(): Promise<SecretParts> {
  const random = createRandom()
  const custody = await createCustody({ seal: memorySeal(random), random, clock })
  const rows = openMemoryStore(TABLES.map(({ schema }) => schema))
  return { records: createRecordStore({ rows, guard: custody, cacheRecords: 10 }), clock, random }
}

describe("the installation's own operator CA", () => {
  test('issues what makes an operator, for 90 days or as many as are wished', async () => {
    const parts = await emptyParts()
    const { record } = await ensureOperatorAuthority(parts)
    const authority = new X509Certificate(record.publicPart)
    assert.match(authority.subject ?? '', /^CN=Strongroom operator CA [0-9a-f]{8}$/)
    // OpenSSL takes an extended key usage of an authority for a limit of what it issues.
    assert.deepEqual(authority.keyUsage, ['1.3.6.1.5.5.7.3.2'])
    const trust = ownOperatorTrust(record.publicPart)
    for (const [days, expected] of [
      [undefined, 90],
      [1, 1],
      [397, 397],
    ] as const) {
      const issued = await issueOperatorCertificate(parts, { name: 'ops@example.com', days })
      const certificate = new X509Certificate(issued.certificatePem)
      assert.equal(certificate.subject, 'CN=ops@example.com')
      assert.equal(certificate.serialNumber, issued.serialNumber)
      const days_ = certificate.validToDate.getTime() - certificate.validFromDate.getTime()
      assert.equal(days_, expected * DAY_MS)
      assert.equal(judgeOperator({ certificate }, trust, clock.now()), undefined)
      assert.match(issued.privateKeyPem, /^-----BEGIN PRIVATE KEY-----\n/)
    }
  })

  test('issues nothing under a name that is none, nor for longer', async () => {
    const parts = await emptyParts()
    for (const name of ['', '../a', '.a', 'a/b', 'a b', 'x'.repeat(65), 7, undefined]) {
      await assert.rejects(issueOperatorCertificate(parts, { name }), {
        name: 'OperatorError',
        message: 'that cannot be the name of an operator',
      })
    }
    for (const days of [0, -1, 1.5, 398, '7']) {
      await assert.rejects(issueOperatorCertificate(parts, { name: 'a', days }), {
        message: 'a certificate is valid for 1 to 397 days',
      })
    }
  })

  test('is replaced as a whole', async () => {
    const parts = await emptyParts()
    const issued = await issueOperatorCertificate(parts, { name: 'alice' })
    const certificate = new X509Certificate(issued.certificatePem)
    const { authority } = await replaceOperatorAuthority(parts)
    const { record } = await ensureOperatorAuthority(parts)
    assert.equal(new X509Certificate(record.publicPart).subject, authority)
    const trust = ownOperatorTrust(record.publicPart)
    const refusal = judgeOperator({ certificate }, trust, clock.now())
    assert.equal(refusal?.code, 'OperatorCertificateUntrusted')
    const next = await issueOperatorCertificate(parts, { name: 'alice' })
    const renewed = new X509Certificate(next.certificatePem)
    assert.equal(judgeOperator({ certificate: renewed }, trust, clock.now()), undefined)
  })
})
