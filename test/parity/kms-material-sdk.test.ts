import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  CreateKeyCommand,
  DecryptCommand,
  DeleteImportedKeyMaterialCommand,
  DescribeKeyCommand,
  DisableKeyRotationCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  ExpiredImportTokenException,
  GetKeyRotationStatusCommand,
  GetParametersForImportCommand,
  ImportKeyMaterialCommand,
  IncorrectKeyMaterialException,
  InvalidCiphertextException,
  InvalidImportTokenException,
  KMSClient,
  LimitExceededException,
  paginateListKeyRotations,
  RotateKeyOnDemandCommand,
  UnsupportedOperationException,
} from '@aws-sdk/client-kms'
import { Secret } from '../../src/core/secret.ts'
import { encrypt } from '../../src/crypto/asymmetric/encryption.ts'
import { parsePublicKey } from '../../src/crypto/asymmetric/key-pair.ts'
import { testEngine } from '../support/asymmetric-engine.ts'
import { decryptWith, materialIdOf, wrapMaterial } from '../support/key-import.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'

const ACCOUNT = '111122223333'
const DAY_MS = 86_400_000
const OAEP = 'RSAES_OAEP_SHA_256'

describe('rotation and import through the unmodified SDK', () => {
  let node: MemoryNode
  let kms: KMSClient

  const clientIn = (region: string): KMSClient =>
    new KMSClient({
      endpoint: node.endpoint,
      region,
      credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'any' },
      maxAttempts: 1,
    })

  before(async () => {
    node = await startMemoryNode()
    kms = clientIn('eu-central-1')
  })

  after(async () => {
    kms.destroy()
    await node.close()
  })

  /** A new key's id. */
  const create = async (client: KMSClient, Origin: 'AWS_KMS' | 'EXTERNAL'): Promise<string> => {
    const { KeyMetadata } = await client.send(new CreateKeyCommand({ Origin }))
    assert.ok(KeyMetadata?.KeyId)
    return KeyMetadata.KeyId
  }
  const encryptText = async (KeyId: string): Promise<string> => {
    const input = { KeyId, Plaintext: Buffer.from('kept') }
    const { CiphertextBlob } = await kms.send(new EncryptCommand(input))
    assert.ok(CiphertextBlob)
    return Buffer.from(CiphertextBlob).toString('base64')
  }
  const parameters = async (KeyId: string) => {
    const input = { KeyId, WrappingAlgorithm: OAEP, WrappingKeySpec: 'RSA_2048' } as const
    const { PublicKey, ImportToken } = await kms.send(new GetParametersForImportCommand(input))
    assert.ok(PublicKey && ImportToken)
    return { PublicKey: Buffer.from(PublicKey), ImportToken }
  }

  test('a key is rotated by itself and on demand', async () => {
    const KeyId = await create(kms, 'AWS_KMS')
    await kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 180 }))
    const status = await kms.send(new GetKeyRotationStatusCommand({ KeyId }))
    assert.equal(status.KeyRotationEnabled, true)
    assert.equal(status.RotationPeriodInDays, 180)
    assert.equal(status.NextRotationDate?.getTime(), node.clock.now() + 180 * DAY_MS)
    const old = await encryptText(KeyId)
    node.clock.advance({ days: 180 })
    await node.runTimedWork()
    await kms.send(new DisableKeyRotationCommand({ KeyId }))
    await kms.send(new RotateKeyOnDemandCommand({ KeyId }))
    const pages = paginateListKeyRotations(
      { client: kms, pageSize: 1 },
      { KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' },
    )
    const types: (string | undefined)[] = []
    for await (const { Rotations } of pages) {
      for (const entry of Rotations ?? []) types.push(entry.RotationType)
    }
    assert.deepEqual(types, [undefined, 'AUTOMATIC', 'ON_DEMAND'])
    const opened = await kms.send(
      new DecryptCommand({ CiphertextBlob: Buffer.from(old, 'base64') }),
    )
    assert.equal(Buffer.from(opened.Plaintext ?? []).toString(), 'kept')
  })

  test('material is imported, described and deleted', async () => {
    const KeyId = await create(kms, 'EXTERNAL')
    const { PublicKey, ImportToken } = await parameters(KeyId)
    const material = randomBytes(32)
    const ValidTo = new Date(node.clock.now() + DAY_MS)
    const reply = await kms.send(
      new ImportKeyMaterialCommand({
        KeyId,
        ImportToken,
        EncryptedKeyMaterial: wrapMaterial(PublicKey, OAEP, material),
        ValidTo,
      }),
    )
    assert.equal(reply.KeyMaterialId, materialIdOf(KeyId, material))
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }))
    assert.equal(KeyMetadata?.ExpirationModel, 'KEY_MATERIAL_EXPIRES')
    assert.deepEqual(KeyMetadata.ValidTo, ValidTo)
    assert.equal(decryptWith(material, await encryptText(KeyId)), 'kept')
    await kms.send(new DeleteImportedKeyMaterialCommand({ KeyId }))
    const after1 = await kms.send(new DescribeKeyCommand({ KeyId }))
    assert.equal(after1.KeyMetadata?.KeyState, 'PendingImport')
  })

  test('each refusal of theirs is an exception of its own', async () => {
    const KeyId = await create(kms, 'EXTERNAL')
    const { PublicKey, ImportToken } = await parameters(KeyId)
    const send = (token: Uint8Array, material: Uint8Array) =>
      kms.send(
        new ImportKeyMaterialCommand({
          KeyId,
          ImportToken: token,
          EncryptedKeyMaterial: material,
          ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
        }),
      )
    const wrapped = wrapMaterial(PublicKey, OAEP, randomBytes(32))
    await assert.rejects(send(randomBytes(100), wrapped), InvalidImportTokenException)
    await assert.rejects(send(ImportToken, randomBytes(256)), InvalidCiphertextException)
    await assert.rejects(
      send(ImportToken, wrapMaterial(PublicKey, OAEP, randomBytes(31))),
      IncorrectKeyMaterialException,
    )
    await assert.rejects(
      kms.send(new EnableKeyRotationCommand({ KeyId })),
      UnsupportedOperationException,
    )
    node.clock.advance({ days: 1 })
    await assert.rejects(send(ImportToken, wrapped), ExpiredImportTokenException)
    const other = await create(kms, 'AWS_KMS')
    const rotate = () => kms.send(new RotateKeyOnDemandCommand({ KeyId: other }))
    for (let at = 0; at < 25; at++) await rotate()
    await assert.rejects(rotate(), LimitExceededException)
  })

  test('in China material comes wrapped under SM2', async () => {
    const china = clientIn('cn-north-1')
    const engine = testEngine()
    try {
      const KeyId = await create(china, 'EXTERNAL')
      const input = { KeyId, WrappingAlgorithm: 'SM2PKE', WrappingKeySpec: 'SM2' } as const
      const { PublicKey, ImportToken } = await china.send(new GetParametersForImportCommand(input))
      assert.ok(PublicKey)
      const publicKey = parsePublicKey('SM2', PublicKey)
      assert.ok(publicKey)
      const material = randomBytes(32)
      const plaintext = new Secret(Uint8Array.from(material))
      const EncryptedKeyMaterial = await encrypt(engine, publicKey, 'SM2PKE', plaintext)
      const { KeyMaterialId } = await china.send(
        new ImportKeyMaterialCommand({
          KeyId,
          ImportToken,
          EncryptedKeyMaterial,
          ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
        }),
      )
      assert.equal(KeyMaterialId, materialIdOf(KeyId, material))
      const WrappingAlgorithm = 'RSA_AES_KEY_WRAP_SHA_256'
      const hybrid = { KeyId, WrappingAlgorithm, WrappingKeySpec: 'RSA_2048' } as const
      await assert.rejects(
        china.send(new GetParametersForImportCommand(hybrid)),
        UnsupportedOperationException,
      )
    } finally {
      china.destroy()
      await engine.readyMade.close()
    }
  })
})
