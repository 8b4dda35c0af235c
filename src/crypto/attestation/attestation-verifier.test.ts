import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  type ChainChange,
  createTestEnclave,
  type DocumentChange,
  encodeCbor,
  type Item,
  MapItem,
  register,
  type TestEnclave,
} from '../../../test/support/attestation-document.ts'
import { hex, vectorFile } from '../../../test/support/vector-file.ts'
import { assert as invariant } from '../../core/assert.ts'
import { instant } from '../../core/ids.ts'
import { ThreadPoolGate } from '../asymmetric/thread-pool-gate.ts'
import { parseAttestationDocument } from './attestation-document.ts'
import { awsAttestationRoots, parseAttestationRoots } from './attestation-roots.ts'
import {
  type AttestationVerifier,
  createAttestationVerifier,
  type VerifiedAttestation,
} from './attestation-verifier.ts'
import { isSigned, verifyChain } from './certificate-chain.ts'
import { parseCoseSign1, signedBytes } from './cose-sign1.ts'

const NOW = instant(Date.UTC(2026, 0, 15, 10))
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const gate = new ThreadPoolGate({ concurrent: 2, waiting: 10_000 })

let enclave: TestEnclave
let verifier: AttestationVerifier

function trusting(rootPem: string): AttestationVerifier {
  const roots = parseAttestationRoots(rootPem)
  invariant(roots !== undefined, 'the root of a test is one')
  return createAttestationVerifier({ roots, gate })
}

before(async () => {
  enclave = await createTestEnclave(NOW)
  verifier = trusting(enclave.rootPem)
})

after(() => assert.equal(gate.running, 0))

async function accepted(document: Uint8Array, by = verifier): Promise<VerifiedAttestation> {
  const outcome = await by.verify(document, NOW)
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.problem)
  return outcome
}

async function refused(document: Uint8Array, problem: string, by = verifier): Promise<void> {
  const outcome = await by.verify(document, NOW)
  assert.ok(!outcome.ok, `accepted although: ${problem}`)
  assert.equal(outcome.problem, problem)
}

const refusedChange = (change: DocumentChange, problem: string): Promise<void> =>
  refused(enclave.document(NOW, change), problem)

const withMembers = (
  members: Readonly<Record<string, Item | undefined>>,
  problem: string,
): Promise<void> => refusedChange({ members }, problem)

describe('a valid attestation document', () => {
  test('tells the machine, its registers and its key', async () => {
    const { facts, recipientKey } = await accepted(enclave.document(NOW))
    assert.equal(facts.source, 'NitroEnclave')
    assert.equal(facts.moduleId, 'i-0123456789abcdef0-enc0123456789abcdef')
    assert.equal(facts.imageSha384, '01'.repeat(48))
    assert.deepEqual([...facts.pcrs.keys()], [0, 1, 2, 3, 4, 8])
    assert.equal(facts.pcrs.get(8), '09'.repeat(48))
    assert.deepEqual(recipientKey.spki, enclave.publicKey)
    assert.ok(recipientKey.publicKey.asymmetricKeyType === 'rsa')
  })

  test('may be tagged, begin with a map of indefinite length, and hold data of its own', async () => {
    await accepted(enclave.document(NOW, { isTagged: true }))
    await accepted(enclave.document(NOW, { isIndefinite: true }))
    const own = new Uint8Array(1024)
    await accepted(enclave.document(NOW, { members: { user_data: own, nonce: own } }))
    await accepted(
      enclave.document(NOW, { members: { user_data: undefined, nonce: new Uint8Array(0) } }),
    )
  })

  test('of a NitroTPM tells registers, and no enclave image', async () => {
    const { facts } = await accepted(enclave.document(NOW, { isTpm: true }))
    assert.equal(facts.source, 'NitroTPM')
    assert.equal(facts.imageSha384, undefined)
    assert.equal(facts.pcrs.get(4), '05'.repeat(48))
  })

  test('is valid for five minutes, and as much before its time for clocks that differ', async () => {
    await accepted(enclave.document(NOW - 5 * MINUTE_MS))
    await accepted(enclave.document(NOW + 5 * MINUTE_MS))
    await refused(enclave.document(NOW - 5 * MINUTE_MS - 1), 'it is older than five minutes')
    await refused(enclave.document(NOW + 5 * MINUTE_MS + 1), 'its timestamp is in the future')
  })

  test('may come from any of several roots', async () => {
    const other = await createTestEnclave(NOW)
    const both = trusting(`first\n${other.rootPem}\nsecond\n${enclave.rootPem}`)
    await accepted(enclave.document(NOW), both)
    await accepted(other.document(NOW), both)
  })
})

describe('the signature of an attestation document', () => {
  test('must be there and be right', async () => {
    const flip = (bytes: Buffer): Buffer => {
      const altered = Buffer.from(bytes)
      altered[40] = (altered[40] ?? 0) ^ 1
      return altered
    }
    await refusedChange({ alterSignature: flip }, 'its signature does not match')
    const none = 'its signature does not have 96 bytes'
    await refusedChange({ alterSignature: () => Buffer.alloc(0) }, none)
    await refusedChange({ alterSignature: (bytes) => bytes.subarray(1) }, none)
    await refusedChange({ alterSignature: () => Buffer.alloc(96) }, 'its signature does not match')
  })

  test('covers the registers', async () => {
    const alterPayload = (payload: Buffer): Buffer => {
      const altered = Buffer.from(payload)
      const at = altered.indexOf(register(1))
      assert.ok(at > 0)
      altered[at] = 0xff
      return altered
    }
    await refusedChange({ alterPayload }, 'its signature does not match')
  })

  test('must be of the certificate in the document', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    await refusedChange({ signer: privateKey }, 'its signature does not match')
  })

  test('is ES384 and nothing else, by the protected header alone', async () => {
    const wrong = 'its algorithm is not ES384'
    for (const algorithm of [-7, -36, -37, -257, 35]) {
      await refusedChange({ protectedHeader: new MapItem([[1, algorithm]]) }, wrong)
    }
    await refusedChange({ protectedHeader: new MapItem([]) }, wrong)
    await refusedChange({ protectedHeader: new Uint8Array(0) }, wrong)
    await refusedChange({ protectedHeader: Buffer.from('a2013822013822', 'hex') }, wrong)
    const unknown = 'it has unknown headers'
    const critical = new MapItem([
      [1, -35],
      [2, [1]],
    ])
    await refusedChange({ protectedHeader: critical }, unknown)
    await refusedChange({ unprotectedHeader: new MapItem([[4, Buffer.from('kid')]]) }, unknown)
    await refusedChange({ unprotectedHeader: [] }, unknown)
  })

  test('stays what it was when any byte of the document changes', async () => {
    const document = enclave.document(NOW)
    for (let at = 0; at < document.length; at += 37) {
      const altered = Uint8Array.from(document)
      altered[at] = (altered[at] ?? 0) ^ 0x01
      const { ok } = await verifier.verify(altered, NOW)
      assert.equal(ok, false, `byte ${at}`)
    }
  })
})

describe('the form of an attestation document', () => {
  test('is a COSE_Sign1 message and nothing behind it', async () => {
    const none = 'it is no COSE_Sign1 message'
    const document = enclave.document(NOW)
    for (const length of [0, 1, 5, 100, document.length - 97, document.length - 1]) {
      await refused(document.subarray(0, length), none)
    }
    await refused(Buffer.concat([document, Buffer.of(0)]), none)
    await refused(Buffer.from('document'), none)
    await refused(encodeCbor([1, 2, 3, 4]), none)
    await refused(encodeCbor(new MapItem([])), none)
    await refused(new Uint8Array(262_144).fill(0x84), none)
    // Two tags, or another one.
    await refused(Buffer.concat([Buffer.of(0xd2, 0xd2), document]), none)
    await refused(Buffer.concat([Buffer.of(0xd1), document]), none)
  })

  test('has lengths in their shortest form', async () => {
    const document = Buffer.from(enclave.document(NOW))
    // The unprotected header, an empty map, with its length in a byte of its own.
    const long = Buffer.concat([document.subarray(0, 6), Buffer.of(0xb8, 0), document.subarray(7)])
    assert.equal(document[6], 0xa0)
    await refused(long, 'it is no COSE_Sign1 message')
    const malformed = 'its payload is not well-formed CBOR'
    await refusedChange({ alterPayload: (bytes) => bytes.subarray(1) }, malformed)
    await refusedChange({ alterPayload: (bytes) => Buffer.concat([bytes, bytes]) }, malformed)
  })

  test('has every member once, and no other', async () => {
    await withMembers({ more: 1 }, 'it has an unknown member')
    const document = enclave.document(NOW)
    const { payload } = parseCoseSign1(document)
    assert.equal(parseAttestationDocument(payload).timestamp, NOW)
    const twice = encodeCbor(
      new MapItem([
        ['digest', 'SHA384'],
        ['digest', 'SHA384'],
      ]),
    )
    await refusedChange({ alterPayload: () => twice }, 'its payload is not well-formed CBOR')
    const registers = new MapItem([[0, register(1)]])
    await withMembers({ nitrotpm_pcrs: registers }, 'it is of an enclave and of a TPM')
  })

  test('has members of the right type and length', async () => {
    await withMembers({ digest: 'SHA256' }, 'its digest is not SHA384')
    await withMembers({ digest: undefined }, 'its digest is not SHA384')
    for (const module_id of [undefined, null, '', 5, 'x'.repeat(257)]) {
      await withMembers({ module_id }, 'its module_id is missing or malformed')
    }
    for (const timestamp of [undefined, null, 0, -1, 'now']) {
      await withMembers({ timestamp }, 'its timestamp is missing or malformed')
    }
    for (const cabundle of [
      undefined,
      null,
      [],
      5,
      Array.from({ length: 11 }, () => register(1)),
    ]) {
      await withMembers({ cabundle }, 'its cabundle is missing or malformed')
    }
    for (const certificate of [undefined, null, new Uint8Array(0), new Uint8Array(1025)]) {
      await withMembers({ certificate }, 'a certificate is missing or malformed')
      await withMembers(
        { cabundle: [certificate ?? null] },
        'a certificate is missing or malformed',
      )
    }
    const long = new Uint8Array(1025)
    await withMembers({ user_data: long }, 'its user_data is malformed')
    await withMembers({ nonce: long }, 'its nonce is malformed')
    await withMembers({ nonce: 'text' }, 'its nonce is malformed')
    await withMembers(
      { user_data: new Uint8Array(16_384) },
      'its payload has more than 16384 bytes, or none',
    )
  })

  test('has registers that are registers', async () => {
    const missing = 'its platform configuration registers are missing or malformed'
    for (const pcrs of [undefined, null, 5, new MapItem([])]) await withMembers({ pcrs }, missing)
    for (const index of [-1, 32, 'zero']) {
      const pcrs = new MapItem([[index, register(1)]])
      await withMembers({ pcrs }, 'a platform configuration register has a wrong index')
    }
    for (const value of [null, 'x', new Uint8Array(0), new Uint8Array(47), new Uint8Array(65)]) {
      const pcrs = new MapItem([[0, value]])
      await withMembers({ pcrs }, 'a platform configuration register has a wrong length')
    }
    const repeated = new MapItem([
      [0, register(1)],
      [0, register(2)],
    ])
    await withMembers({ pcrs: repeated }, 'its payload is not well-formed CBOR')
  })
})

describe('the public key of an attestation document', () => {
  const spki = (key: KeyObject): Uint8Array =>
    new Uint8Array(key.export({ format: 'der', type: 'spki' }))

  test('must be there', async () => {
    for (const public_key of [undefined, null]) {
      await withMembers({ public_key }, 'it has no public key')
    }
    await withMembers({ public_key: new Uint8Array(0) }, 'its public_key is malformed')
    await withMembers({ public_key: new Uint8Array(1025) }, 'its public_key is malformed')
  })

  test('is RSA in DER, and has a size that protects', async () => {
    const notRsa = 'its public key is no RSA key in DER'
    await withMembers({ public_key: Buffer.from('dummy') }, notRsa)
    const { publicKey: curve } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    await withMembers({ public_key: spki(curve) }, notRsa)
    const { publicKey: pss } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
    await withMembers({ public_key: spki(pss) }, notRsa)
    const behind = Buffer.concat([enclave.publicKey, Buffer.of(0)])
    await withMembers({ public_key: behind }, notRsa)
    const pem = Buffer.from('-----BEGIN PUBLIC KEY-----')
    await withMembers({ public_key: pem }, notRsa)
    const { publicKey: small } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    await withMembers({ public_key: spki(small) }, 'its public key does not have 2048 to 4096 bits')
    const { publicKey: three } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicExponent: 3,
    })
    await withMembers(
      { public_key: spki(three) },
      'the exponent of its public key is too small or too large',
    )
  })
})

describe('the certificate chain of an attestation document', () => {
  const chain = async (change: ChainChange, problem: string): Promise<void> => {
    const changed = await createTestEnclave(NOW, change)
    await refused(changed.document(NOW), problem, trusting(changed.rootPem))
  }
  const EXPIRED = 'a certificate of its chain has expired'
  const EARLY = 'a certificate of its chain is not valid yet'
  const BROKEN = 'its certificates do not form a chain'
  const MALFORMED = 'a certificate of its chain is malformed'

  test('begins with a trusted root', async () => {
    const untrusted = 'its certificate chain does not begin with a trusted root'
    const other = await createTestEnclave(NOW)
    await refused(other.document(NOW), untrusted)
    const aws = createAttestationVerifier({ roots: awsAttestationRoots(), gate })
    await refused(enclave.document(NOW), untrusted, aws)
    await withMembers({ cabundle: enclave.caBundle.slice(1) }, untrusted)
    await withMembers({ cabundle: enclave.caBundle.toReversed() }, untrusted)
    await withMembers({ cabundle: [Buffer.from(enclave.rootPem)] }, untrusted)
    const none = createAttestationVerifier({ roots: [], gate })
    await refused(enclave.document(NOW), untrusted, none)
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
    await accepted(fresh.document(NOW), trusting(fresh.rootPem))
  })

  test('is not longer than its certificates allow', async () => {
    const longer = 'its certificate chain is longer than one of its certificates allows'
    await chain({ regional: { pathLength: 1 } }, longer)
    await chain({ root: { pathLength: 2 } }, longer)
    const exact = await createTestEnclave(NOW, { root: { pathLength: 3 } })
    await accepted(exact.document(NOW), trusting(exact.rootPem))
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
    await refused(short.document(NOW, { signer }), MALFORMED, trusting(short.rootPem))
    await chain({ leaf: { hash: 'SHA-256' } }, MALFORMED)
    const id = '1.3.6.1.4.1.99999.1'
    await chain({ leaf: { extension: { id, isCritical: true } } }, MALFORMED)
    await chain({ regional: { extension: { id, isCritical: true } } }, MALFORMED)
    const known = await createTestEnclave(NOW, { leaf: { extension: { id, isCritical: false } } })
    await accepted(known.document(NOW), trusting(known.rootPem))
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
