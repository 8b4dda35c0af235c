import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  CreateKeyCommand,
  DecryptCommand,
  DeriveSharedSecretCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyPairCommand,
  GenerateRandomCommand,
  GetPublicKeyCommand,
  KMSClient,
  type RecipientInfo,
} from '@aws-sdk/client-kms'
import { parseAttestationRoots } from '../../src/crypto/attestation/attestation-roots.ts'
import {
  createTestEnclave,
  type DocumentChange,
  register,
  type TestEnclave,
} from '../support/attestation-document.ts'
import { openEnvelopedData } from '../support/enveloped-data.ts'
import {
  HeldClock,
  type JsonObject,
  type MemoryNode,
  startMemoryNode,
} from '../support/memory-node.ts'
import { blob, createKey, refused, succeeded, textOf, WireClient } from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const REGION = 'eu-central-1'
const BAD = 'The attestation document is not valid:'
const INCOMPLETE =
  'The Recipient parameter must have AttestationDocument and KeyEncryptionAlgorithm.'

const base64 = (byte: number): string => Buffer.from(register(byte)).toString('base64')

let node: MemoryNode
let sdk: KMSClient
let wire: WireClient
let enclave: TestEnclave
let keyId: string

before(async () => {
  // The clock of every node in memory begins at the same moment, and stands still.
  enclave = await createTestEnclave(new HeldClock().now())
  const attestationRoots = parseAttestationRoots(enclave.rootPem)
  assert.ok(attestationRoots)
  node = await startMemoryNode({ attestationRoots })
  const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'any' }
  sdk = new KMSClient({ endpoint: node.endpoint, region: REGION, credentials, maxAttempts: 1 })
  wire = new WireClient(node.endpoint, ACCOUNT)
  const { KeyMetadata } = await sdk.send(new CreateKeyCommand({}))
  keyId = KeyMetadata?.KeyId ?? ''
})

after(async () => {
  sdk.destroy()
  wire.close()
  await node.close()
})

const recipient = (change: DocumentChange = {}): RecipientInfo => ({
  KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
  AttestationDocument: enclave.document(node.clock.now(), change),
})

/** The same as it stands on the wire. */
const onWire = (change: DocumentChange = {}): JsonObject => ({
  KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
  AttestationDocument: blob(enclave.document(node.clock.now(), change)),
})

/** What only the enclave can read. */
function opened(ciphertext: Uint8Array | undefined): Buffer {
  assert.ok(ciphertext)
  return openEnvelopedData(ciphertext, enclave.privateKey)
}

describe('an attested machine', () => {
  test('reads what it has decrypted, and nobody else does', async () => {
    const Plaintext = Buffer.from('for the enclave alone')
    const encrypted = await sdk.send(new EncryptCommand({ KeyId: keyId, Plaintext }))
    const { CiphertextBlob } = encrypted
    const reply = await sdk.send(new DecryptCommand({ CiphertextBlob, Recipient: recipient() }))
    assert.deepEqual(opened(reply.CiphertextForRecipient), Plaintext)
    assert.equal(reply.Plaintext, undefined)
    assert.equal(reply.KeyMaterialId, undefined)
    assert.equal(reply.EncryptionAlgorithm, 'SYMMETRIC_DEFAULT')
    assert.equal(reply.KeyId, `arn:aws:kms:${REGION}:${ACCOUNT}:key/${keyId}`)
  })

  test('gets a data key that the ciphertext beside it holds', async () => {
    const request = { KeyId: keyId, KeySpec: 'AES_256', Recipient: recipient() } as const
    const reply = await sdk.send(new GenerateDataKeyCommand(request))
    const { CiphertextBlob } = reply
    const { Plaintext } = await sdk.send(new DecryptCommand({ CiphertextBlob }))
    assert.deepEqual(opened(reply.CiphertextForRecipient), Buffer.from(Plaintext ?? []))
    assert.equal(reply.Plaintext, undefined)
    assert.equal(reply.KeyMaterialId, undefined)
  })

  test('gets the private key of a data key pair', async () => {
    const request = { KeyId: keyId, KeyPairSpec: 'ECC_NIST_P256', Recipient: recipient() } as const
    const reply = await sdk.send(new GenerateDataKeyPairCommand(request))
    const { PrivateKeyCiphertextBlob: CiphertextBlob, PublicKey } = reply
    const der = opened(reply.CiphertextForRecipient)
    const publicKey = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
    const spki = publicKey.export({ format: 'der', type: 'spki' })
    assert.deepEqual(spki, Buffer.from(PublicKey ?? []))
    const { Plaintext } = await sdk.send(new DecryptCommand({ CiphertextBlob }))
    assert.deepEqual(der, Buffer.from(Plaintext ?? []))
    assert.equal(reply.PrivateKeyPlaintext, undefined)
    assert.equal(reply.KeyPairSpec, 'ECC_NIST_P256')
    // More than one block of RSA, more than one kilobyte.
    const large = { KeyId: keyId, KeyPairSpec: 'RSA_3072', Recipient: recipient() } as const
    const { CiphertextForRecipient } = await sdk.send(new GenerateDataKeyPairCommand(large))
    assert.ok(opened(CiphertextForRecipient).length > 1000)
  })

  test('derives the secret that two KMS keys share', async () => {
    const make = { KeySpec: 'ECC_NIST_P384', KeyUsage: 'KEY_AGREEMENT' } as const
    const { KeyMetadata: own } = await sdk.send(new CreateKeyCommand(make))
    const { KeyMetadata: peer } = await sdk.send(new CreateKeyCommand(make))
    const publicKeyOf = async (KeyId: string | undefined): Promise<Uint8Array | undefined> =>
      (await sdk.send(new GetPublicKeyCommand({ KeyId }))).PublicKey
    const request = { KeyAgreementAlgorithm: 'ECDH' } as const
    const PublicKey = await publicKeyOf(peer?.KeyId)
    const reply = await sdk.send(
      new DeriveSharedSecretCommand({
        ...request,
        KeyId: own?.KeyId,
        PublicKey,
        Recipient: recipient(),
      }),
    )
    const other = await sdk.send(
      new DeriveSharedSecretCommand({
        ...request,
        KeyId: peer?.KeyId,
        PublicKey: await publicKeyOf(own?.KeyId),
      }),
    )
    assert.deepEqual(opened(reply.CiphertextForRecipient), Buffer.from(other.SharedSecret ?? []))
    assert.equal(reply.SharedSecret, undefined)
    assert.equal(reply.KeyOrigin, 'AWS_KMS')
  })

  test('gets random bytes, other ones every time', async () => {
    const request = { NumberOfBytes: 1024, Recipient: recipient() }
    const first = await sdk.send(new GenerateRandomCommand(request))
    const second = await sdk.send(new GenerateRandomCommand(request))
    assert.equal(first.Plaintext, undefined)
    assert.equal(opened(first.CiphertextForRecipient).length, 1024)
    const again = opened(second.CiphertextForRecipient)
    assert.notDeepEqual(opened(first.CiphertextForRecipient), again)
  })

  test('may be a whole machine with a NitroTPM', async () => {
    const request = { NumberOfBytes: 32, Recipient: recipient({ isTpm: true }) }
    const { CiphertextForRecipient } = await sdk.send(new GenerateRandomCommand(request))
    assert.equal(opened(CiphertextForRecipient).length, 32)
  })

  test('is told what a dry run would have come to', async () => {
    const request = { KeyId: keyId, KeySpec: 'AES_128', DryRun: true, Recipient: onWire() }
    refused(
      await wire.kms('GenerateDataKey', request),
      'DryRunOperationException',
      'The request would have succeeded, but the DryRun option is set.',
    )
    const bad = onWire({ members: { public_key: null } })
    refused(
      await wire.kms('GenerateDataKey', { ...request, Recipient: bad }),
      'ValidationException',
      `${BAD} it has no public key.`,
    )
  })
})

describe('the record of an attested call', () => {
  const recipientOf = (record: JsonObject): unknown =>
    (record['additionalEventData'] as JsonObject | undefined)?.['recipient']

  test('has the module and the registers of the enclave, and no document', async () => {
    const Recipient = onWire()
    const { requestId } = await wire.kms('GenerateRandom', { NumberOfBytes: 8, Recipient })
    const record = node.sink.record(requestId)
    assert.deepEqual(record['additionalEventData'], {
      recipient: {
        attestationDocumentModuleId: 'i-0123456789abcdef0-enc0123456789abcdef',
        attestationDocumentEnclaveImageDigest: base64(1),
        attestationDocumentEnclavePCR1: base64(2),
        attestationDocumentEnclavePCR2: base64(3),
        attestationDocumentEnclavePCR3: base64(4),
        attestationDocumentEnclavePCR4: base64(5),
        attestationDocumentEnclavePCR8: base64(9),
      },
    })
    assert.equal(record['requestParameters'], null)
    assert.equal(record['resources'], undefined)
    assert.equal(JSON.stringify(record).includes(textOf(Recipient, 'AttestationDocument')), false)
  })

  test('has the key material beside it, though the reply has not', async () => {
    const input = { KeyId: keyId, KeySpec: 'AES_256', EncryptionContext: { a: 'b' } }
    const Recipient = onWire({ isTpm: true })
    const made = await wire.kms('GenerateDataKey', { ...input, Recipient })
    const { CiphertextBlob } = succeeded(made)
    const request = { CiphertextBlob, EncryptionContext: { a: 'b' } }
    const decrypted = await wire.kms('Decrypt', { ...request, Recipient: onWire() })
    const plain = await wire.kms('Decrypt', request)
    const KeyMaterialId = textOf(succeeded(plain), 'KeyMaterialId')
    for (const { requestId, json } of [made, decrypted]) {
      assert.equal(json['KeyMaterialId'], undefined)
      const { additionalEventData } = node.sink.record(requestId) as {
        additionalEventData: JsonObject
      }
      assert.equal(additionalEventData['keyMaterialId'], KeyMaterialId)
    }
    assert.deepEqual(recipientOf(node.sink.record(made.requestId)), {
      attestationDocumentModuleId: 'i-0123456789abcdef0-tpm0000000000000000',
      attestationDocumentNitroTPMPCR4: base64(5),
      attestationDocumentNitroTPMPCR8: base64(9),
    })
    assert.equal(recipientOf(node.sink.record(plain.requestId)), undefined)
  })

  test('of a refused document has nothing of the request', async () => {
    const Recipient = onWire({ members: { public_key: null } })
    const { requestId } = await wire.kms('GenerateRandom', { NumberOfBytes: 8, Recipient })
    const record = node.sink.record(requestId)
    assert.equal(record['errorCode'], 'ValidationException')
    assert.equal(record['requestParameters'], null)
    assert.equal(record['additionalEventData'], undefined)
  })
})

describe('a request with a recipient', () => {
  const inputs = async (): Promise<readonly (readonly [string, object])[]> => {
    const encrypted = await wire.kms('Encrypt', { KeyId: keyId, Plaintext: blob('x') })
    const CiphertextBlob = textOf(succeeded(encrypted), 'CiphertextBlob')
    return [
      ['Decrypt', { CiphertextBlob }],
      ['DeriveSharedSecret', { KeyId: keyId, KeyAgreementAlgorithm: 'ECDH', PublicKey: blob('x') }],
      ['GenerateDataKey', { KeyId: keyId, KeySpec: 'AES_256' }],
      ['GenerateDataKeyPair', { KeyId: keyId, KeyPairSpec: 'ECC_NIST_P256' }],
      ['GenerateRandom', { NumberOfBytes: 8 }],
    ]
  }

  test('that is not attested is refused by every operation that knows recipients', async () => {
    const stranger = await createTestEnclave(node.clock.now())
    const foreign = blob(stranger.document(node.clock.now()))
    const KeyEncryptionAlgorithm = 'RSAES_OAEP_SHA_256'
    for (const [operation, input] of await inputs()) {
      for (const [Recipient, message] of [
        [{}, INCOMPLETE],
        [{ KeyEncryptionAlgorithm }, INCOMPLETE],
        [{ AttestationDocument: foreign }, INCOMPLETE],
        [
          { KeyEncryptionAlgorithm, AttestationDocument: blob('document') },
          `${BAD} it is no COSE_Sign1 message.`,
        ],
        [
          { KeyEncryptionAlgorithm, AttestationDocument: foreign },
          `${BAD} its certificate chain does not begin with a trusted root.`,
        ],
        [onWire({ members: { public_key: null } }), `${BAD} it has no public key.`],
        [onWire({ members: { timestamp: 1 } }), `${BAD} it is older than five minutes.`],
      ] as const) {
        const answer = await wire.kms(operation, { ...input, Recipient })
        refused(answer, 'ValidationException', message)
      }
    }
  })

  test('is refused by its shape where that is wrong', async () => {
    const { AttestationDocument } = onWire()
    for (const [Recipient, message] of [
      [
        { AttestationDocument, KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_1' },
        /at 'recipient.keyEncryptionAlgorithm' failed to satisfy constraint/,
      ],
      [
        { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256', AttestationDocument: '' },
        /at 'recipient.attestationDocument' failed to satisfy constraint/,
      ],
      [
        {
          KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
          AttestationDocument: blob(new Uint8Array(262_145)),
        },
        /at 'recipient.attestationDocument' failed to satisfy constraint/,
      ],
    ] as const) {
      const answer = await wire.kms('GenerateRandom', { NumberOfBytes: 8, Recipient })
      refused(answer, 'ValidationException', message)
    }
  })

  test('is told of its document before its key, and of its other members before both', async () => {
    const Recipient = onWire({ members: { public_key: null } })
    const unknown = { KeyId: 'alias/none', KeySpec: 'AES_256' }
    refused(await wire.kms('GenerateDataKey', unknown), 'NotFoundException', /is not found/)
    const document = await wire.kms('GenerateDataKey', { ...unknown, Recipient })
    refused(document, 'ValidationException', `${BAD} it has no public key.`)
    refused(
      await wire.kms('GenerateDataKey', { KeyId: 'alias/none', Recipient }),
      'ValidationException',
      'Please specify either number of bytes or key spec.',
    )
    refused(
      await wire.kms('GenerateDataKey', { ...unknown, Recipient: onWire() }),
      'NotFoundException',
      /is not found/,
    )
  })

  test('is told of a ciphertext that does not open, as everybody is', async () => {
    const { id } = await createKey(wire)
    const encrypted = await wire.kms('Encrypt', { KeyId: id, Plaintext: blob('x') })
    const CiphertextBlob = textOf(succeeded(encrypted), 'CiphertextBlob')
    refused(
      await wire.kms('Decrypt', {
        CiphertextBlob,
        EncryptionContext: { wrong: 'context' },
        Recipient: onWire(),
      }),
      'InvalidCiphertextException',
    )
  })

  test('is refused by a service that trusts AWS’s root alone, unless it is AWS’s', async () => {
    const other = await startMemoryNode()
    const client = new WireClient(other.endpoint, ACCOUNT)
    try {
      refused(
        await client.kms('GenerateRandom', { NumberOfBytes: 8, Recipient: onWire() }),
        'ValidationException',
        `${BAD} its certificate chain does not begin with a trusted root.`,
      )
    } finally {
      client.close()
      await other.close()
    }
  })
})
