import assert from 'node:assert/strict'
import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  publicEncrypt,
  verify,
} from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-kms'
import { KMS_MODEL } from '../../src/services/kms/model.ts'
import { KMS_OPERATIONS } from '../../src/services/kms/operations.ts'
import { ACCOUNT, kmsClient, newKey, publicKeyOf, REGION } from '../support/kms-client.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'

const OTHER_REGION = 'us-east-1'
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()
const spki = (der: Uint8Array | undefined) =>
  createPublicKey({ key: Buffer.from(der ?? []), format: 'der', type: 'spki' })

/**
 * All 56 operations succeed through the unmodified SDK, each checked by something other than its own
 * answer: another operation, `node:crypto`, or the state it leaves.
 */
describe('every operation of the service model', () => {
  let node: MemoryNode
  let kms: sdk.KMSClient
  const called = new Set<string>()

  before(async () => {
    node = await startMemoryNode()
    kms = kmsClient(node.endpoint)
    kms.middlewareStack.add(
      (next, context) => async (args) => {
        const result = await next(args)
        // Reached only by calls that succeeded.
        called.add(String(context['commandName']).replace(/Command$/, ''))
        return result
      },
      { step: 'initialize' },
    )
  })

  after(async () => {
    kms.destroy()
    await node.close()
  })

  const symmetric = async (): Promise<string> => {
    const { KeyMetadata } = await kms.send(new sdk.CreateKeyCommand({}))
    assert.ok(KeyMetadata?.Arn)
    return KeyMetadata.Arn
  }
  const stateOf = async (KeyId: string) =>
    (await kms.send(new sdk.DescribeKeyCommand({ KeyId }))).KeyMetadata?.KeyState

  test('symmetric keys encrypt, decrypt, re-encrypt and make data keys', async () => {
    const KeyId = await symmetric()
    const EncryptionContext = { purpose: 'all' }
    const sealed = await kms.send(
      new sdk.EncryptCommand({ KeyId, Plaintext: Buffer.from('hello'), EncryptionContext }),
    )
    const moved = await kms.send(
      new sdk.ReEncryptCommand({
        CiphertextBlob: sealed.CiphertextBlob,
        SourceEncryptionContext: EncryptionContext,
        DestinationKeyId: await symmetric(),
      }),
    )
    const opened = await kms.send(new sdk.DecryptCommand({ CiphertextBlob: moved.CiphertextBlob }))
    assert.equal(text(opened.Plaintext), 'hello')
    const dataKey = await kms.send(new sdk.GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' }))
    const again = await kms.send(new sdk.DecryptCommand({ CiphertextBlob: dataKey.CiphertextBlob }))
    assert.deepEqual(again.Plaintext, dataKey.Plaintext)
    const hidden = await kms.send(
      new sdk.GenerateDataKeyWithoutPlaintextCommand({ KeyId, NumberOfBytes: 24 }),
    )
    const shown = await kms.send(new sdk.DecryptCommand({ CiphertextBlob: hidden.CiphertextBlob }))
    assert.equal(shown.Plaintext?.length, 24)
    const random = await kms.send(new sdk.GenerateRandomCommand({ NumberOfBytes: 32 }))
    assert.equal(new Set(random.Plaintext).size > 8, true)
  })

  test('data key pairs are pairs', async () => {
    const KeyId = await symmetric()
    const pair = await kms.send(
      new sdk.GenerateDataKeyPairCommand({ KeyId, KeyPairSpec: 'ECC_NIST_P256' }),
    )
    const privateKey = {
      key: Buffer.from(pair.PrivateKeyPlaintext ?? []),
      format: 'der',
      type: 'pkcs8',
    } as const
    assert.ok(createPublicKey(createPrivateKey(privateKey)).equals(spki(pair.PublicKey)))
    const hidden = await kms.send(
      new sdk.GenerateDataKeyPairWithoutPlaintextCommand({ KeyId, KeyPairSpec: 'RSA_2048' }),
    )
    const { Plaintext } = await kms.send(
      new sdk.DecryptCommand({ CiphertextBlob: hidden.PrivateKeyCiphertextBlob }),
    )
    const opened = { key: Buffer.from(Plaintext ?? []), format: 'der', type: 'pkcs8' } as const
    assert.ok(createPublicKey(createPrivateKey(opened)).equals(spki(hidden.PublicKey)))
  })

  test('asymmetric and HMAC keys sign, agree, encapsulate and authenticate', async () => {
    const Message = Buffer.from('a message')
    const signing = await newKey(kms, 'ECC_NIST_P384', 'SIGN_VERIFY')
    const SigningAlgorithm = 'ECDSA_SHA_384'
    const { Signature } = await kms.send(
      new sdk.SignCommand({ KeyId: signing, Message, SigningAlgorithm }),
    )
    assert.ok(
      verify(
        'sha384',
        Message,
        spki(await publicKeyOf(kms, signing)),
        Signature ?? Buffer.alloc(0),
      ),
    )
    await kms.send(new sdk.VerifyCommand({ KeyId: signing, Message, Signature, SigningAlgorithm }))

    const mac = await newKey(kms, 'HMAC_256', 'GENERATE_VERIFY_MAC')
    const MacAlgorithm = 'HMAC_SHA_256'
    const { Mac } = await kms.send(
      new sdk.GenerateMacCommand({ KeyId: mac, Message, MacAlgorithm }),
    )
    await kms.send(new sdk.VerifyMacCommand({ KeyId: mac, Message, Mac, MacAlgorithm }))
    assert.equal(Mac?.length, createHmac('sha256', 'x').digest().length)

    const agreeing = await newKey(kms, 'ECC_NIST_P256', 'KEY_AGREEMENT')
    const mine = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { SharedSecret } = await kms.send(
      new sdk.DeriveSharedSecretCommand({
        KeyId: agreeing,
        KeyAgreementAlgorithm: 'ECDH',
        PublicKey: mine.publicKey.export({ format: 'der', type: 'spki' }),
      }),
    )
    const theirs = spki(await publicKeyOf(kms, agreeing))
    assert.deepEqual(
      Buffer.from(SharedSecret ?? []),
      diffieHellman({ privateKey: mine.privateKey, publicKey: theirs }),
    )

    const kem = await newKey(kms, 'ML_KEM_768', 'ENCAPSULATE_DECAPSULATE')
    const EncapsulationAlgorithm = 'ML_KEM'
    const sent = await kms.send(new sdk.EncapsulateCommand({ KeyId: kem, EncapsulationAlgorithm }))
    const received = await kms.send(
      new sdk.DecapsulateCommand({
        KeyId: kem,
        EncapsulationAlgorithm,
        SharedSecretCiphertextBlob: sent.SharedSecretCiphertextBlob,
      }),
    )
    assert.deepEqual(received.SharedSecret, sent.SharedSecret)
  })

  test('keys are described, listed, named, tagged, disabled and deleted', async () => {
    const KeyId = await symmetric()
    const AliasName = 'alias/all-operations'
    await kms.send(new sdk.UpdateKeyDescriptionCommand({ KeyId, Description: 'new' }))
    await kms.send(new sdk.CreateAliasCommand({ AliasName, TargetKeyId: KeyId }))
    const target = await symmetric()
    await kms.send(new sdk.UpdateAliasCommand({ AliasName, TargetKeyId: target }))
    const { Aliases } = await kms.send(new sdk.ListAliasesCommand({ KeyId: target }))
    assert.deepEqual(
      Aliases?.map((alias) => alias.AliasName),
      [AliasName],
    )
    await kms.send(new sdk.DeleteAliasCommand({ AliasName }))
    await kms.send(
      new sdk.TagResourceCommand({
        KeyId,
        Tags: [
          { TagKey: 'a', TagValue: '1' },
          { TagKey: 'b', TagValue: '2' },
        ],
      }),
    )
    await kms.send(new sdk.UntagResourceCommand({ KeyId, TagKeys: ['a'] }))
    const { Tags } = await kms.send(new sdk.ListResourceTagsCommand({ KeyId }))
    assert.deepEqual(Tags, [{ TagKey: 'b', TagValue: '2' }])
    await kms.send(new sdk.DisableKeyCommand({ KeyId }))
    assert.equal(await stateOf(KeyId), 'Disabled')
    await kms.send(new sdk.EnableKeyCommand({ KeyId }))
    assert.equal(await stateOf(KeyId), 'Enabled')
    await kms.send(new sdk.ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }))
    assert.equal(await stateOf(KeyId), 'PendingDeletion')
    await kms.send(new sdk.CancelKeyDeletionCommand({ KeyId }))
    assert.equal(await stateOf(KeyId), 'Disabled')
    const { Keys } = await kms.send(new sdk.ListKeysCommand({}))
    assert.ok(Keys?.some((key) => key.KeyArn === KeyId))
  })

  test('policies are put, got and listed', async () => {
    const KeyId = await symmetric()
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'all',
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
          Action: 'kms:*',
          Resource: '*',
        },
      ],
    })
    await kms.send(new sdk.PutKeyPolicyCommand({ KeyId, Policy }))
    const got = await kms.send(new sdk.GetKeyPolicyCommand({ KeyId }))
    assert.deepEqual(JSON.parse(got.Policy ?? ''), JSON.parse(Policy))
    const { PolicyNames } = await kms.send(new sdk.ListKeyPoliciesCommand({ KeyId }))
    assert.deepEqual(PolicyNames, ['default'])
  })

  test('rotation is switched, asked for and listed; use is remembered', async () => {
    const KeyId = await symmetric()
    const sealed = await kms.send(new sdk.EncryptCommand({ KeyId, Plaintext: Buffer.from('old') }))
    await kms.send(new sdk.EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 90 }))
    const status = await kms.send(new sdk.GetKeyRotationStatusCommand({ KeyId }))
    assert.equal(status.RotationPeriodInDays, 90)
    await kms.send(new sdk.RotateKeyOnDemandCommand({ KeyId }))
    await node.runTimedWork()
    await kms.send(new sdk.DisableKeyRotationCommand({ KeyId }))
    const { Rotations } = await kms.send(new sdk.ListKeyRotationsCommand({ KeyId }))
    assert.deepEqual(
      Rotations?.map(({ RotationType }) => RotationType),
      ['ON_DEMAND'],
    )
    const opened = await kms.send(new sdk.DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob }))
    assert.equal(text(opened.Plaintext), 'old')
    const usage = await kms.send(new sdk.GetKeyLastUsageCommand({ KeyId }))
    assert.equal(usage.KeyLastUsage?.Operation, 'Decrypt')
  })

  test('material is imported, used and deleted', async () => {
    const { KeyMetadata } = await kms.send(new sdk.CreateKeyCommand({ Origin: 'EXTERNAL' }))
    const KeyId = KeyMetadata?.Arn ?? ''
    const parameters = await kms.send(
      new sdk.GetParametersForImportCommand({
        KeyId,
        WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
        WrappingKeySpec: 'RSA_2048',
      }),
    )
    const EncryptedKeyMaterial = publicEncrypt(
      {
        key: spki(parameters.PublicKey),
        oaepHash: 'sha256',
        padding: constants.RSA_PKCS1_OAEP_PADDING,
      },
      Buffer.alloc(32, 7),
    )
    await kms.send(
      new sdk.ImportKeyMaterialCommand({
        KeyId,
        ImportToken: parameters.ImportToken,
        EncryptedKeyMaterial,
        ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      }),
    )
    assert.equal(await stateOf(KeyId), 'Enabled')
    await kms.send(new sdk.DeleteImportedKeyMaterialCommand({ KeyId }))
    assert.equal(await stateOf(KeyId), 'PendingImport')
  })

  test('multi-Region keys are replicated and change their primary', async () => {
    const { KeyMetadata } = await kms.send(new sdk.CreateKeyCommand({ MultiRegion: true }))
    const KeyId = KeyMetadata?.KeyId ?? ''
    await kms.send(new sdk.ReplicateKeyCommand({ KeyId, ReplicaRegion: OTHER_REGION }))
    const sealed = await kms.send(new sdk.EncryptCommand({ KeyId, Plaintext: Buffer.from('mr') }))
    const there = kmsClient(node.endpoint, OTHER_REGION)
    const opened = await there.send(
      new sdk.DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob }),
    )
    assert.equal(text(opened.Plaintext), 'mr')
    await kms.send(new sdk.UpdatePrimaryRegionCommand({ KeyId, PrimaryRegion: OTHER_REGION }))
    const described = await there.send(new sdk.DescribeKeyCommand({ KeyId }))
    there.destroy()
    assert.equal(described.KeyMetadata?.MultiRegionConfiguration?.MultiRegionKeyType, 'PRIMARY')
  })

  test('grants are created, listed, retired and revoked', async () => {
    const KeyId = await symmetric()
    const principal = `arn:aws:iam::${ACCOUNT}:root`
    const create = () =>
      kms.send(
        new sdk.CreateGrantCommand({
          KeyId,
          GranteePrincipal: principal,
          RetiringPrincipal: principal,
          Operations: ['Decrypt'],
        }),
      )
    const first = await create()
    const second = await create()
    const listed = async () => (await kms.send(new sdk.ListGrantsCommand({ KeyId }))).Grants ?? []
    assert.equal((await listed()).length, 2)
    const retirable = await kms.send(
      new sdk.ListRetirableGrantsCommand({ RetiringPrincipal: principal }),
    )
    assert.equal(retirable.Grants?.length, 2)
    await kms.send(new sdk.RetireGrantCommand({ GrantToken: first.GrantToken }))
    await kms.send(new sdk.RevokeGrantCommand({ KeyId, GrantId: second.GrantId }))
    assert.deepEqual(await listed(), [])
  })

  test('custom key stores are made, changed, connected as far as they can be, and deleted', async () => {
    const { CustomKeyStoreId } = await kms.send(
      new sdk.CreateCustomKeyStoreCommand({
        CustomKeyStoreName: 'all-operations',
        CustomKeyStoreType: 'EXTERNAL_KEY_STORE',
        XksProxyConnectivity: 'VPC_ENDPOINT_SERVICE',
        XksProxyUriEndpoint: 'https://xks.example.test',
        XksProxyUriPath: '/kms/xks/v1',
        XksProxyVpcEndpointServiceName: `com.amazonaws.vpce.${REGION}.vpce-svc-0123456789abcdef0`,
        XksProxyAuthenticationCredential: {
          AccessKeyId: 'ABCDEFGHIJKLMNOPQRST',
          RawSecretAccessKey: 'x'.repeat(43),
        },
      }),
    )
    const described = async () =>
      (await kms.send(new sdk.DescribeCustomKeyStoresCommand({ CustomKeyStoreId })))
        .CustomKeyStores?.[0]
    await kms.send(
      new sdk.UpdateCustomKeyStoreCommand({ CustomKeyStoreId, NewCustomKeyStoreName: 'renamed' }),
    )
    assert.equal((await described())?.CustomKeyStoreName, 'renamed')
    await kms.send(new sdk.ConnectCustomKeyStoreCommand({ CustomKeyStoreId }))
    await node.runTimedWork()
    assert.equal((await described())?.ConnectionState, 'FAILED')
    await kms.send(new sdk.DisconnectCustomKeyStoreCommand({ CustomKeyStoreId }))
    await node.runTimedWork()
    assert.equal((await described())?.ConnectionState, 'DISCONNECTED')
    await kms.send(new sdk.DeleteCustomKeyStoreCommand({ CustomKeyStoreId }))
    const { CustomKeyStores } = await kms.send(new sdk.DescribeCustomKeyStoresCommand({}))
    assert.deepEqual(CustomKeyStores, [])
  })

  test('56 of 56 were called and succeeded', () => {
    const all = [...KMS_MODEL.operations.keys()].sort()
    assert.equal(all.length, 56)
    assert.deepEqual(Object.keys(KMS_OPERATIONS).sort(), all)
    assert.deepEqual([...called].sort(), all)
  })
})
