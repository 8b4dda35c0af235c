import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  createTestEnclave,
  type DocumentChange,
  encodeCbor,
  type Item,
  MapItem,
  register,
  type TestEnclave,
} from '../../../test/support/attestation-document.ts'
import {
  accepted,
  gate,
  NOW,
  refused,
  trusting,
} from '../../../test/support/attestation-outcome.ts'
import { parseAttestationDocument } from './attestation-document.ts'
import type { AttestationVerifier } from './attestation-verifier.ts'
import { parseCoseSign1 } from './cose-sign1.ts'

const MINUTE_MS = 60_000

let enclave: TestEnclave
let verifier: AttestationVerifier

before(async () => {
  enclave = await createTestEnclave(NOW)
  verifier = trusting(enclave.rootPem)
})

after(() => assert.equal(gate.running, 0))

const refusedChange = (change: DocumentChange, problem: string): Promise<void> =>
  refused(verifier, enclave.document(NOW, change), problem)

const withMembers = (
  members: Readonly<Record<string, Item | undefined>>,
  problem: string,
): Promise<void> => refusedChange({ members }, problem)

describe('a valid attestation document', () => {
  test('tells the machine, its registers and its key', async () => {
    const { facts, recipientKey } = await accepted(verifier, enclave.document(NOW))
    assert.equal(facts.source, 'NitroEnclave')
    assert.equal(facts.moduleId, 'i-0123456789abcdef0-enc0123456789abcdef')
    assert.equal(facts.imageSha384, '01'.repeat(48))
    assert.deepEqual([...facts.pcrs.keys()], [0, 1, 2, 3, 4, 8])
    assert.equal(facts.pcrs.get(8), '09'.repeat(48))
    assert.deepEqual(recipientKey.spki, enclave.publicKey)
    assert.ok(recipientKey.publicKey.asymmetricKeyType === 'rsa')
  })

  test('may be tagged, begin with a map of indefinite length, and hold data of its own', async () => {
    await accepted(verifier, enclave.document(NOW, { isTagged: true }))
    await accepted(verifier, enclave.document(NOW, { isIndefinite: true }))
    const own = new Uint8Array(1024)
    await accepted(verifier, enclave.document(NOW, { members: { user_data: own, nonce: own } }))
    await accepted(
      verifier,
      enclave.document(NOW, { members: { user_data: undefined, nonce: new Uint8Array(0) } }),
    )
  })

  test('of a NitroTPM tells registers, and no enclave image', async () => {
    const { facts } = await accepted(verifier, enclave.document(NOW, { isTpm: true }))
    assert.equal(facts.source, 'NitroTPM')
    assert.equal(facts.imageSha384, undefined)
    assert.equal(facts.pcrs.get(4), '05'.repeat(48))
  })

  test('is valid for five minutes, and as much before its time for clocks that differ', async () => {
    await accepted(verifier, enclave.document(NOW - 5 * MINUTE_MS))
    await accepted(verifier, enclave.document(NOW + 5 * MINUTE_MS))
    await refused(
      verifier,
      enclave.document(NOW - 5 * MINUTE_MS - 1),
      'it is older than five minutes',
    )
    await refused(
      verifier,
      enclave.document(NOW + 5 * MINUTE_MS + 1),
      'its timestamp is in the future',
    )
  })

  test('may come from any of several roots', async () => {
    const other = await createTestEnclave(NOW)
    const both = trusting(`first\n${other.rootPem}\nsecond\n${enclave.rootPem}`)
    await accepted(both, enclave.document(NOW))
    await accepted(both, other.document(NOW))
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
      await refused(verifier, document.subarray(0, length), none)
    }
    await refused(verifier, Buffer.concat([document, Buffer.of(0)]), none)
    await refused(verifier, Buffer.from('document'), none)
    await refused(verifier, encodeCbor([1, 2, 3, 4]), none)
    await refused(verifier, encodeCbor(new MapItem([])), none)
    await refused(verifier, new Uint8Array(262_144).fill(0x84), none)
    // Two tags, or another one.
    await refused(verifier, Buffer.concat([Buffer.of(0xd2, 0xd2), document]), none)
    await refused(verifier, Buffer.concat([Buffer.of(0xd1), document]), none)
  })

  test('has lengths in their shortest form', async () => {
    const document = Buffer.from(enclave.document(NOW))
    // The unprotected header, an empty map, with its length in a byte of its own.
    const long = Buffer.concat([document.subarray(0, 6), Buffer.of(0xb8, 0), document.subarray(7)])
    assert.equal(document[6], 0xa0)
    await refused(verifier, long, 'it is no COSE_Sign1 message')
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
