import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { KEY_USAGE_NOTES } from '../../src/core/tables.ts'
import { type JsonObject, type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  blob,
  createKey,
  membersOf,
  refused,
  succeeded,
  textOf,
  type WireAnswer,
  WireClient,
} from '../support/wire-client.ts'

const OWNER = '111111111111'
const REGION = 'eu-central-1'
const Message = blob('used')
const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const PublicKey = publicKey.export({ format: 'der', type: 'spki' }).toString('base64')

/** By the key that they use: each tracked operation, with what it takes of the reply before it. */
const TRACKED = [
  {
    made: {},
    calls: [
      ['Encrypt', () => ({ Plaintext: Message })],
      ['Decrypt', ({ CiphertextBlob }: JsonObject) => ({ CiphertextBlob })],
      ['GenerateDataKey', () => ({ KeySpec: 'AES_256' })],
      ['GenerateDataKeyWithoutPlaintext', () => ({ NumberOfBytes: 16 })],
      ['GenerateDataKeyPair', () => ({ KeyPairSpec: 'ECC_NIST_P256' })],
      ['GenerateDataKeyPairWithoutPlaintext', () => ({ KeyPairSpec: 'ECC_NIST_P256' })],
    ],
  },
  {
    made: { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' },
    calls: [
      ['Sign', () => ({ Message, SigningAlgorithm: 'ECDSA_SHA_256' })],
      [
        'Verify',
        ({ Signature }: JsonObject) => ({ Message, Signature, SigningAlgorithm: 'ECDSA_SHA_256' }),
      ],
    ],
  },
  {
    made: { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' },
    calls: [
      ['GenerateMac', () => ({ Message, MacAlgorithm: 'HMAC_SHA_256' })],
      ['VerifyMac', ({ Mac }: JsonObject) => ({ Message, Mac, MacAlgorithm: 'HMAC_SHA_256' })],
    ],
  },
  {
    made: { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' },
    calls: [['DeriveSharedSecret', () => ({ PublicKey, KeyAgreementAlgorithm: 'ECDH' })]],
  },
  {
    made: { KeySpec: 'ML_KEM_768', KeyUsage: 'ENCAPSULATE_DECAPSULATE' },
    calls: [
      ['Encapsulate', () => ({ EncapsulationAlgorithm: 'ML_KEM' })],
      [
        'Decapsulate',
        ({ SharedSecretCiphertextBlob }: JsonObject) => ({
          SharedSecretCiphertextBlob,
          EncapsulationAlgorithm: 'ML_KEM',
        }),
      ],
    ],
  },
] as const

describe('GetKeyLastUsage', () => {
  let node: MemoryNode
  let kms: WireClient

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, OWNER)
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  const lastUse = async (keyId: string): Promise<JsonObject> =>
    membersOf(succeeded(await kms.kms('GetKeyLastUsage', { KeyId: keyId })), 'KeyLastUsage')

  /** What must be said of the last use after this call: its own record tells the event. */
  const useOf = (operation: string, { requestId }: WireAnswer): JsonObject => ({
    Operation: operation,
    Timestamp: node.clock.now() / 1000,
    CloudTrailEventId: textOf(node.sink.record(requestId), 'eventID'),
    KmsRequestId: requestId,
  })

  for (const { made, calls } of TRACKED) {
    for (const [at, [operation, input]] of calls.entries()) {
      test(`knows ${operation}, at once`, async () => {
        const key = await createKey(kms, made)
        let reply: JsonObject = {}
        for (const [name, make] of calls.slice(0, at)) {
          reply = succeeded(await kms.kms(name, { KeyId: key.id, ...make(reply) }))
        }
        node.clock.advance({ ms: 12_345 })
        const answer = await kms.kms(operation, { KeyId: key.id, ...input(reply) })
        succeeded(answer)
        assert.deepEqual(await lastUse(key.id), useOf(operation, answer))
      })
    }
  }

  test('knows both keys of a ReEncrypt', async () => {
    const source = await createKey(kms)
    const destination = await createKey(kms)
    const encrypted = await kms.kms('Encrypt', { KeyId: source.id, Plaintext: Message })
    const CiphertextBlob = textOf(succeeded(encrypted), 'CiphertextBlob')
    node.clock.advance({ ms: 1000 })
    const answer = await kms.kms('ReEncrypt', { CiphertextBlob, DestinationKeyId: destination.id })
    succeeded(answer)
    assert.deepEqual(await lastUse(source.id), useOf('ReEncrypt', answer))
    assert.deepEqual(await lastUse(destination.id), useOf('ReEncrypt', answer))
  })

  test('has an empty use for a key that was never used, and names key and creation', async () => {
    const key = await createKey(kms)
    const createdAt = node.clock.now() / 1000
    node.clock.advance({ days: 1 })
    assert.deepEqual(succeeded(await kms.kms('GetKeyLastUsage', { KeyId: key.arn })), {
      KeyId: key.arn,
      KeyLastUsage: {},
      TrackingStartDate: createdAt,
      KeyCreationDate: createdAt,
    })
  })

  test('counts no failure, no dry run and no use that is none', async () => {
    const key = await createKey(kms)
    const signing = await createKey(kms, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })
    const encryption = { KeyId: key.id, Plaintext: Message }
    refused(
      await kms.kms('Encrypt', { ...encryption, DryRun: true }),
      'DryRunOperationException',
      /./,
    )
    refused(
      await kms.kms('Encrypt', { ...encryption, GrantTokens: ['x'] }),
      'InvalidGrantTokenException',
    )
    refused(
      await kms.kms('Decrypt', { KeyId: key.id, CiphertextBlob: Message }),
      'InvalidCiphertextException',
    )
    succeeded(await kms.kms('DescribeKey', { KeyId: key.id }))
    succeeded(await kms.kms('GetPublicKey', { KeyId: signing.id }))
    assert.deepEqual(await lastUse(key.id), {})
    assert.deepEqual(await lastUse(signing.id), {})
  })

  test('counts no call whose record could not be written', async () => {
    const key = await createKey(kms)
    node.sink.isFailing = true
    const answer = await kms.kms('Encrypt', { KeyId: key.id, Plaintext: Message })
    node.sink.isFailing = false
    refused(answer, 'KMSInternalException', /./, 500)
    assert.deepEqual(await lastUse(key.id), {})
  })

  test('is asked for one Region, and works in every state', async () => {
    const key = await createKey(kms, { MultiRegion: true })
    const there = { region: 'us-east-1' }
    succeeded(await kms.kms('ReplicateKey', { KeyId: key.id, ReplicaRegion: there.region }))
    const answer = await kms.kms('Encrypt', { KeyId: key.id, Plaintext: Message }, there)
    succeeded(answer)
    const inReplica = await kms.kms('GetKeyLastUsage', { KeyId: key.id }, there)
    const use = membersOf(succeeded(inReplica), 'KeyLastUsage')
    assert.equal(use['KmsRequestId'], answer.requestId)
    assert.deepEqual(await lastUse(key.id), {})
    succeeded(await kms.kms('DisableKey', { KeyId: key.id }))
    succeeded(await kms.kms('ScheduleKeyDeletion', { KeyId: key.id }))
    assert.deepEqual(await lastUse(key.id), {})
  })

  test('takes no alias, no key of another account and none that is not there', async () => {
    const key = await createKey(kms)
    const stranger = new WireClient(node.endpoint, '222222222222')
    refused(
      await kms.kms('GetKeyLastUsage', { KeyId: 'alias/some' }),
      'NotFoundException',
      "Invalid keyId 'alias/some'",
    )
    refused(
      await kms.kms('GetKeyLastUsage', { KeyId: 'arn:aws:s3:::bucket' }),
      'InvalidArnException',
      /Invalid arn/,
    )
    refused(
      await stranger.kms('GetKeyLastUsage', { KeyId: key.arn }),
      'AccessDeniedException',
      /on this resource/,
    )
    const answer = await kms.kms('GetKeyLastUsage', { KeyId: key.id })
    assert.deepEqual(node.sink.record(answer.requestId)['requestParameters'], { keyId: key.id })
    stranger.close()
  })

  test('of a deleted key leaves nothing', async () => {
    const key = await createKey(kms)
    succeeded(await kms.kms('Encrypt', { KeyId: key.id, Plaintext: Message }))
    succeeded(await kms.kms('ScheduleKeyDeletion', { KeyId: key.id, PendingWindowInDays: 7 }))
    node.clock.advance({ days: 7 })
    await node.runTimedWork()
    const note = await node.records.find(KEY_USAGE_NOTES, [REGION, key.id])
    assert.equal(note, undefined)
  })
})
