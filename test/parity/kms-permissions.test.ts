import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SERVICE_CONTROLS } from '../../src/core/identity-tables.ts'
import { type AccountId, instant, parseAccountId } from '../../src/core/ids.ts'
import { KMS_MODEL } from '../../src/services/kms/model.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { blob, createKey, succeeded, textOf, WireClient } from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const ROOT = `arn:aws:iam::${ACCOUNT}:root`
const GRANT_ID = '0'.repeat(64)

/** What the operations are asked about. */
interface Subjects {
  readonly symmetric: string
  readonly other: string
  readonly signing: string
  readonly mac: string
  readonly agreement: string
  readonly encapsulation: string
  readonly external: string
  readonly family: string
  readonly ciphertext: string
  readonly peer: string
}

type Input = (subjects: Subjects) => object

const ON_KEY: Input = ({ symmetric }) => ({ KeyId: symmetric })
const DIGEST = { Message: blob('m'), SigningAlgorithm: 'ECDSA_SHA_256' }

/** A request of every operation that passes its shape check. The actions are named where they are not the operation's own. */
const OPERATIONS: Readonly<
  Record<string, { readonly input: Input; readonly actions?: readonly string[] }>
> = {
  CancelKeyDeletion: { input: ON_KEY },
  ConnectCustomKeyStore: { input: () => ({ CustomKeyStoreId: 'cks-1234567890abcdef0' }) },
  CreateAlias: {
    input: ({ symmetric }) => ({ AliasName: 'alias/permission', TargetKeyId: symmetric }),
  },
  CreateCustomKeyStore: {
    input: () => ({
      CustomKeyStoreName: 'store',
      CloudHsmClusterId: 'cluster-abcdefghijk',
      TrustAnchorCertificate: 'certificate',
      KeyStorePassword: 'password',
    }),
  },
  CreateGrant: {
    input: ({ symmetric }) => ({
      KeyId: symmetric,
      GranteePrincipal: ROOT,
      Operations: ['Decrypt'],
    }),
  },
  CreateKey: {
    input: () => ({ Tags: [{ TagKey: 'a', TagValue: 'b' }] }),
    actions: ['CreateKey', 'TagResource'],
  },
  Decapsulate: {
    input: ({ encapsulation }) => ({
      KeyId: encapsulation,
      SharedSecretCiphertextBlob: blob('c'.repeat(768)),
      EncapsulationAlgorithm: 'ML_KEM',
    }),
  },
  Decrypt: { input: ({ ciphertext }) => ({ CiphertextBlob: ciphertext }) },
  DeleteAlias: { input: () => ({ AliasName: 'alias/present' }) },
  DeleteCustomKeyStore: { input: () => ({ CustomKeyStoreId: 'cks-1234567890abcdef0' }) },
  DeleteImportedKeyMaterial: { input: ({ external }) => ({ KeyId: external }) },
  DeriveSharedSecret: {
    input: ({ agreement, peer }) => ({
      KeyId: agreement,
      KeyAgreementAlgorithm: 'ECDH',
      PublicKey: peer,
    }),
  },
  DescribeCustomKeyStores: { input: () => ({}) },
  DescribeKey: { input: ON_KEY },
  DisableKey: { input: ON_KEY },
  DisableKeyRotation: { input: ON_KEY },
  DisconnectCustomKeyStore: { input: () => ({ CustomKeyStoreId: 'cks-1234567890abcdef0' }) },
  EnableKey: { input: ON_KEY },
  EnableKeyRotation: { input: ON_KEY },
  Encapsulate: {
    input: ({ encapsulation }) => ({ KeyId: encapsulation, EncapsulationAlgorithm: 'ML_KEM' }),
  },
  Encrypt: { input: ({ symmetric }) => ({ KeyId: symmetric, Plaintext: blob('x') }) },
  GenerateDataKey: { input: ({ symmetric }) => ({ KeyId: symmetric, KeySpec: 'AES_256' }) },
  GenerateDataKeyPair: {
    input: ({ symmetric }) => ({ KeyId: symmetric, KeyPairSpec: 'ECC_NIST_P256' }),
  },
  GenerateDataKeyPairWithoutPlaintext: {
    input: ({ symmetric }) => ({ KeyId: symmetric, KeyPairSpec: 'ECC_NIST_P256' }),
  },
  GenerateDataKeyWithoutPlaintext: {
    input: ({ symmetric }) => ({ KeyId: symmetric, KeySpec: 'AES_256' }),
  },
  GenerateMac: {
    input: ({ mac }) => ({ KeyId: mac, Message: blob('m'), MacAlgorithm: 'HMAC_SHA_256' }),
  },
  GenerateRandom: { input: () => ({ NumberOfBytes: 8 }) },
  GetKeyLastUsage: { input: ON_KEY },
  GetKeyPolicy: { input: ON_KEY },
  GetKeyRotationStatus: { input: ON_KEY },
  GetParametersForImport: {
    input: ({ external }) => ({
      KeyId: external,
      WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
      WrappingKeySpec: 'RSA_2048',
    }),
  },
  GetPublicKey: { input: ({ signing }) => ({ KeyId: signing }) },
  ImportKeyMaterial: {
    input: ({ external }) => ({
      KeyId: external,
      ImportToken: blob('token'),
      EncryptedKeyMaterial: blob('material'),
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
    }),
  },
  ListAliases: { input: () => ({}) },
  ListGrants: { input: ON_KEY },
  ListKeyPolicies: { input: ON_KEY },
  ListKeyRotations: { input: ON_KEY },
  ListKeys: { input: () => ({}) },
  ListResourceTags: { input: ON_KEY },
  ListRetirableGrants: { input: () => ({ RetiringPrincipal: ROOT }) },
  PutKeyPolicy: {
    input: ({ symmetric }) => ({
      KeyId: symmetric,
      Policy: JSON.stringify({
        Statement: { Effect: 'Allow', Principal: { AWS: ROOT }, Action: 'kms:*', Resource: '*' },
      }),
    }),
  },
  ReEncrypt: {
    input: ({ ciphertext, other }) => ({ CiphertextBlob: ciphertext, DestinationKeyId: other }),
    actions: ['ReEncryptFrom', 'ReEncryptTo'],
  },
  ReplicateKey: {
    input: ({ family }) => ({
      KeyId: family,
      ReplicaRegion: 'us-east-1',
      Tags: [{ TagKey: 'a', TagValue: 'b' }],
    }),
    actions: ['ReplicateKey', 'CreateKey', 'TagResource'],
  },
  RetireGrant: { input: ({ symmetric }) => ({ KeyId: symmetric, GrantId: GRANT_ID }) },
  RevokeGrant: { input: ({ symmetric }) => ({ KeyId: symmetric, GrantId: GRANT_ID }) },
  RotateKeyOnDemand: { input: ON_KEY },
  ScheduleKeyDeletion: { input: ({ other }) => ({ KeyId: other }) },
  Sign: { input: ({ signing }) => ({ KeyId: signing, ...DIGEST }) },
  TagResource: {
    input: ({ symmetric }) => ({ KeyId: symmetric, Tags: [{ TagKey: 'a', TagValue: 'b' }] }),
  },
  UntagResource: { input: ({ symmetric }) => ({ KeyId: symmetric, TagKeys: ['a'] }) },
  UpdateAlias: {
    input: ({ other }) => ({ AliasName: 'alias/movable', TargetKeyId: other }),
  },
  UpdateCustomKeyStore: {
    input: () => ({ CustomKeyStoreId: 'cks-1234567890abcdef0', NewCustomKeyStoreName: 'new' }),
  },
  UpdateKeyDescription: { input: ({ symmetric }) => ({ KeyId: symmetric, Description: 'd' }) },
  UpdatePrimaryRegion: {
    input: ({ family }) => ({ KeyId: family, PrimaryRegion: 'eu-west-1' }),
  },
  Verify: {
    input: ({ signing }) => ({ KeyId: signing, Signature: blob('s'), ...DIGEST }),
  },
  VerifyMac: {
    input: ({ mac }) => ({
      KeyId: mac,
      Message: blob('m'),
      Mac: blob('m'.repeat(32)),
      MacAlgorithm: 'HMAC_SHA_256',
    }),
  },
}

describe('every operation', () => {
  let node: MemoryNode
  let kms: WireClient
  let subjects: Subjects
  let account: AccountId

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, ACCOUNT)
    const parsed = parseAccountId(ACCOUNT)
    assert.ok(parsed)
    account = parsed
    const make = async (input: object): Promise<string> => (await createKey(kms, input)).id
    const symmetric = await make({})
    const encrypted = await kms.kms('Encrypt', { KeyId: symmetric, Plaintext: blob('x') })
    const agreeing = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' }
    const peer = await make(agreeing)
    const publicKey = succeeded(await kms.kms('GetPublicKey', { KeyId: peer }))
    subjects = {
      symmetric,
      other: await make({}),
      signing: await make({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }),
      mac: await make({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }),
      agreement: await make(agreeing),
      encapsulation: await make({ KeySpec: 'ML_KEM_512', KeyUsage: 'ENCAPSULATE_DECAPSULATE' }),
      external: await make({ Origin: 'EXTERNAL' }),
      family: await make({ MultiRegion: true }),
      ciphertext: textOf(succeeded(encrypted), 'CiphertextBlob'),
      peer: textOf(publicKey, 'PublicKey'),
    }
    for (const AliasName of ['alias/present', 'alias/movable']) {
      succeeded(await kms.kms('CreateAlias', { AliasName, TargetKeyId: symmetric }))
    }
  })
  after(async () => {
    kms.close()
    await node.close()
  })

  /** Nobody in the account may do more from now on; its root included. */
  const control = (...statements: readonly object[]): Promise<void> =>
    node.records.transaction(async (tx) => {
      const text = JSON.stringify({ Version: '2012-10-17', Statement: statements })
      const record = { accountId: account, text, updatedAt: instant(0) }
      const present = await tx.find(SERVICE_CONTROLS, [account])
      if (present === undefined) await tx.insert(SERVICE_CONTROLS, record)
      else await tx.update(SERVICE_CONTROLS, present, record)
    })
  const statement = (Effect: string, actions: readonly string[]) => ({
    Effect,
    Action: actions.map((action) => `kms:${action}`),
    Resource: '*',
  })

  test('is in the table', () => {
    assert.deepEqual(Object.keys(OPERATIONS), [...KMS_MODEL.operations.keys()].sort())
  })

  for (const [operation, { input, actions = [operation] }] of Object.entries(OPERATIONS)) {
    test(`${operation} asks for ${actions.join(', ')}, each of them, and for nothing else`, async () => {
      for (const denied of actions) {
        await control(statement('Allow', ['*']), statement('Deny', [denied]))
        const answer = await kms.kms(operation, input(subjects))
        assert.equal(answer.json['__type'], 'AccessDeniedException', answer.text)
        const told = `is not authorized to perform: kms:${denied} on `
        assert.ok(textOf(answer.json, 'Message').includes(told), answer.text)
        assert.match(answer.text, /with an explicit deny in a service control policy/)
      }
      const others = [...KMS_MODEL.operations.keys(), 'ReEncryptFrom', 'ReEncryptTo']
      await control(
        statement('Allow', actions),
        statement(
          'Deny',
          others.filter((other) => !actions.includes(other)),
        ),
      )
      const answer = await kms.kms(operation, input(subjects))
      assert.notEqual(answer.json['__type'], 'AccessDeniedException', answer.text)
    })
  }
})
