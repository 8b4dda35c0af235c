import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  type ChainChange,
  createTestEnclave,
  type Item,
  type TestEnclave,
} from '../../../test/support/attestation-document.ts'
import {
  accepted,
  gate,
  NOW,
  refused,
  trusting,
} from '../../../test/support/attestation-outcome.ts'
import { hex, vectorFile } from '../../../test/support/vector-file.ts'
import { instant } from '../../core/ids.ts'
import { parseAttestationDocument } from './attestation-document.ts'
import { awsAttestationRoots, parseAttestationRoots } from './attestation-roots.ts'
import { type AttestationVerifier, createAttestationVerifier } from './attestation-verifier.ts'
import { isSigned, verifyChain } from './certificate-chain.ts'
import { parseCoseSign1, signedBytes } from './cose-sign1.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

let enclave: TestEnclave
let verifier: AttestationVerifier

before(async () => {
  enclave = await createTestEnclave(NOW)
  verifier = trusting(enclave.rootPem)
})

after(() => assert.equal(gate.running, 0))

const withMembers = (
  members: Readonly<Record<string, Item | undefined>>,
  problem: string,
): Promise<void> => refused(verifier, enclave.document(NOW, { members }), problem)

describe('the certificate chain of an attestation document', () => {
  const chain = async (change: ChainChange, problem: string): Promise<void> => {
    const changed = await createTestEnclave(NOW, change)
    await refused(trusting(changed.rootPem), changed.document(NOW), problem)
  }
  const EXPIRED = 'a certificate of its chain has expired'
  const EARLY = 'a certificate of its chain is not valid yet'
  const BROKEN = 'its certificates do not form a chain'
  const MALFORMED = 'a certificate of its chain is malformed'

  test('begins with a trusted root', async () => {
    const untrusted = 'its certificate chain does not begin with a trusted root'
    const other = await createTestEnclave(NOW)
    await refused(verifier, other.document(NOW), untrusted)
    const aws = createAttestationVerifier({ roots: awsAttestationRoots(), gate })
    await refused(aws, enclave.document(NOW), untrusted)
    await withMembers({ cabundle: enclave.caBundle.slice(1) }, untrusted)
    await withMembers({ cabundle: enclave.caBundle.toReversed() }, untrusted)
    await withMembers({ cabundle: [Buffer.from(enclave.rootPem)] }, untrusted)
    const none = createAttestationVerifier({ roots: [], gate })
    await refused(none, enclave.document(NOW), untrusted)
  })

  test('leads from there to the certificate, without a gap', async () => {
    const [root, regional, zonal, instance] = enclave.caBundle
    const other = await createTestEnclave(NOW)
    assert.ok(root && regional && zonal && instance)
    await withMembers({ cabundle: [root] }, BROKEN)
    await withMembers({ cabundle: [root, regional, instance] }, BROKEN)
    await withMembers({ cabundle: [root, ...other.caBundle.slice(1)] }, BROKEN)
    await withMembers({ certificate: other.certificate }, BROKEN)
    // The same names and another key: only the signature tells.
    await withMembers({ cabundle: [root, regional, zonal, other.caBundle[3] ?? null] }, BROKEN)
  })

  test('is valid now, the root included', async () => {
    const past = { notBefore: NOW - 2 * HOUR_MS, notAfter: NOW - 1000 }
    const future = { notBefore: NOW + 5 * MINUTE_MS + 1000, notAfter: NOW + HOUR_MS }
    for (const place of ['root', 'regional', 'instance', 'leaf'] as const) {
      await chain({ [place]: past }, EXPIRED)
      await chain({ [place]: future }, EARLY)
    }
    const fresh = await createTestEnclave(NOW, { leaf: { notBefore: NOW + MINUTE_MS } })
    await accepted(trusting(fresh.rootPem), fresh.document(NOW))
  })

  test('is not longer than its certificates allow', async () => {
    const longer = 'its certificate chain is longer than one of its certificates allows'
    await chain({ regional: { pathLength: 1 } }, longer)
    await chain({ root: { pathLength: 2 } }, longer)
    const exact = await createTestEnclave(NOW, { root: { pathLength: 3 } })
    await accepted(trusting(exact.rootPem), exact.document(NOW))
  })

  test('has authorities that may issue, and a leaf that may sign', async () => {
    const mayNot = 'a certificate of its chain may not issue certificates'
    await chain({ regional: { isAuthority: false, pathLength: undefined } }, mayNot)
    await chain({ instance: { usage: 'digitalSignature' } }, mayNot)
    const notSigning = 'its certificate is not one that signs documents'
    await chain({ leaf: { usage: 'keyEncipherment' } }, notSigning)
    await chain({ leaf: { isAuthority: true } }, notSigning)
  })

  test('has P-384, SHA-384 and no critical extension that nobody here knows', async () => {
    await chain({ instance: { curve: 'P-256' } }, MALFORMED)
    const short = await createTestEnclave(NOW, { leaf: { curve: 'P-256' } })
    const { privateKey: signer } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    await refused(trusting(short.rootPem), short.document(NOW, { signer }), MALFORMED)
    await chain({ leaf: { hash: 'SHA-256' } }, MALFORMED)
    const id = '1.3.6.1.4.1.99999.1'
    await chain({ leaf: { extension: { id, isCritical: true } } }, MALFORMED)
    await chain({ regional: { extension: { id, isCritical: true } } }, MALFORMED)
    const known = await createTestEnclave(NOW, { leaf: { extension: { id, isCritical: false } } })
    await accepted(trusting(known.rootPem), known.document(NOW))
  })

  test('consists of certificates', async () => {
    const [root] = enclave.caBundle
    assert.ok(root)
    const behind = Buffer.concat([enclave.certificate, Buffer.of(0)])
    for (const certificate of [behind, enclave.certificate.subarray(1), Buffer.from('x')]) {
      await withMembers({ certificate }, MALFORMED)
      await withMembers({ cabundle: [root, certificate] }, MALFORMED)
    }
    const altered = Uint8Array.from(enclave.certificate)
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1
    await withMembers({ certificate: altered }, BROKEN)
  })
})

describe('trusted roots', () => {
  test('AWS’s is the one whose fingerprint AWS publishes', () => {
    const [root, ...others] = awsAttestationRoots()
    assert.equal(others.length, 0)
    assert.equal(
      root?.x509.fingerprint256,
      '64:1A:03:21:A3:E2:44:EF:E4:56:46:31:95:D6:06:31:7E:D7:CD:CC:3C:17:56:E0:98:93:F3:C6:8F:79:BB:5B',
    )
  })

  test('a document that AWS’s machines made leads to it', async () => {
    const group = vectorFile('published/nitro').groups.find(
      ({ name }) => name === 'attestation-document',
    )
    assert.ok(group)
    const bytes = hex(group, 'document')
    const at = instant(Number(group['verifiedAtMs']))
    const message = parseCoseSign1(bytes)
    const document = parseAttestationDocument(message.payload)
    assert.equal(document.moduleId, 'i-0f73a4b4cb74cc9f2-enc0192e4188fef781d')
    const publicKey = await verifyChain(document, awsAttestationRoots(), at, gate)
    const { signature } = message
    const signed = { publicKey, message: signedBytes(message), signature }
    assert.ok(await isSigned(gate, { ...signed, encoding: 'ieee-p1363' }))
    const aws = createAttestationVerifier({ roots: awsAttestationRoots(), gate })
    // It was made for another service, without a key to answer to.
    const outcome = await aws.verify(bytes, at)
    assert.deepEqual(outcome, { ok: false, problem: 'it has no public key' })
  })

  test('are authorities in PEM', async () => {
    const leaf = Buffer.from(enclave.certificate).toString('base64')
    const pem = `-----BEGIN CERTIFICATE-----\n${leaf}\n-----END CERTIFICATE-----\n`
    assert.equal(parseAttestationRoots(pem), undefined)
    assert.equal(parseAttestationRoots(enclave.rootPem + pem), undefined)
    assert.equal(parseAttestationRoots(''), undefined)
    assert.equal(parseAttestationRoots(enclave.rootPem.repeat(17)), undefined)
    assert.equal(parseAttestationRoots(enclave.rootPem.slice(0, 200)), undefined)
    const weak = await createTestEnclave(NOW, { root: { curve: 'P-256', hash: 'SHA-256' } })
    assert.equal(parseAttestationRoots(weak.rootPem), undefined)
  })
})
