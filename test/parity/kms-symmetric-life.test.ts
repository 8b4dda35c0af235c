import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DeleteAliasCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GenerateRandomCommand,
  GetKeyPolicyCommand,
  type KeyMetadata,
  KMSClient,
  ListAliasesCommand,
  ListKeyPoliciesCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
  PutKeyPolicyCommand,
  ReEncryptCommand,
  ScheduleKeyDeletionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateKeyDescriptionCommand,
} from '@aws-sdk/client-kms'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'

const ACCOUNT = '111122223333'
const REGION = 'eu-central-1'
const HEX_64 = /^[0-9a-f]{64}$/
const KEY_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const OPEN_POLICY =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}'
/** The default policy, byte for byte. Source: AWS KMS Developer Guide, Default key policy. */
const DEFAULT_POLICY = `{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::111122223333:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`

/** What an SDK gave, without what it says about the exchange. */
const membersOf = (output: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(output).filter(([name, value]) => name !== '$metadata' && value !== undefined),
  )

describe('the life of a symmetric key, with the unmodified SDK', () => {
  let node: MemoryNode
  let kms: KMSClient
  let key: KeyMetadata
  let id: string
  let arn: string

  before(async () => {
    node = await startMemoryNode()
    kms = new KMSClient({
      endpoint: node.endpoint,
      region: REGION,
      credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'any' },
      maxAttempts: 1,
    })
    const created = await kms.send(new CreateKeyCommand({}))
    assert.ok(created.KeyMetadata?.KeyId && created.KeyMetadata.Arn)
    key = created.KeyMetadata
    id = created.KeyMetadata.KeyId
    arn = created.KeyMetadata.Arn
  })

  after(async () => {
    kms.destroy()
    await node.close()
  })

  /** The reply's own members, with those that are drawn checked by `check`. */
  const encrypted = async (): Promise<Uint8Array> => {
    const { CiphertextBlob } = await kms.send(
      new EncryptCommand({ KeyId: id, Plaintext: Buffer.from('hello') }),
    )
    assert.ok(CiphertextBlob)
    return CiphertextBlob
  }

  test('CreateKey gives exactly the metadata of a symmetric key', () => {
    assert.match(id, KEY_ID)
    assert.match(String(key.CurrentKeyMaterialId), HEX_64)
    assert.deepEqual(membersOf(key), {
      AWSAccountId: ACCOUNT,
      KeyId: id,
      Arn: `arn:aws:kms:${REGION}:${ACCOUNT}:key/${id}`,
      CreationDate: new Date(node.clock.now()),
      Enabled: true,
      Description: '',
      KeyUsage: 'ENCRYPT_DECRYPT',
      KeyState: 'Enabled',
      Origin: 'AWS_KMS',
      KeyManager: 'CUSTOMER',
      CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
      KeySpec: 'SYMMETRIC_DEFAULT',
      EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
      MultiRegion: false,
      CurrentKeyMaterialId: key.CurrentKeyMaterialId,
    })
  })

  test('DescribeKey gives the same', async () => {
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: id }))
    assert.deepEqual(KeyMetadata, key)
  })

  test('Encrypt gives a blob, the key ARN and the algorithm, and no key material id', async () => {
    const { CiphertextBlob, ...rest } = await kms.send(
      new EncryptCommand({ KeyId: id, Plaintext: Buffer.from('hello') }),
    )
    assert.ok(CiphertextBlob)
    assert.match(Buffer.from(CiphertextBlob).toString('base64'), /^AQIC/)
    assert.deepEqual(membersOf(rest), { KeyId: arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' })
  })

  test('two encryptions of one plaintext differ', async () => {
    assert.notDeepEqual(await encrypted(), await encrypted())
  })

  test('Decrypt finds the key by the blob alone', async () => {
    const output = await kms.send(new DecryptCommand({ CiphertextBlob: await encrypted() }))
    assert.deepEqual(membersOf(output), {
      KeyId: arn,
      Plaintext: new Uint8Array(Buffer.from('hello')),
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      KeyMaterialId: key.CurrentKeyMaterialId,
    })
  })

  test('one byte and 4,096 bytes come back, with an encryption context of many pairs', async () => {
    const EncryptionContext = Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [`näme-${at}`, `välue "${at}" \u0000 😀`]),
    )
    const reversed = Object.fromEntries(Object.entries(EncryptionContext).toReversed())
    for (const size of [1, 4095, 4096]) {
      const Plaintext = new Uint8Array(size).fill(7)
      const { CiphertextBlob } = await kms.send(
        new EncryptCommand({ KeyId: id, Plaintext, EncryptionContext }),
      )
      const output = await kms.send(
        new DecryptCommand({ CiphertextBlob, EncryptionContext: reversed }),
      )
      assert.deepEqual(output.Plaintext, Plaintext)
    }
  })

  test('an empty encryption context equals an absent one', async () => {
    const CiphertextBlob = await encrypted()
    const output = await kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: {} }))
    assert.equal(Buffer.from(output.Plaintext ?? []).toString(), 'hello')
  })

  test('ReEncrypt moves a blob to another key and another context', async () => {
    const other = await kms.send(new CreateKeyCommand({}))
    const moved = await kms.send(
      new ReEncryptCommand({
        CiphertextBlob: await encrypted(),
        DestinationKeyId: String(other.KeyMetadata?.KeyId),
        DestinationEncryptionContext: { a: 'b' },
      }),
    )
    const { CiphertextBlob, ...rest } = moved
    assert.deepEqual(membersOf(rest), {
      SourceKeyId: arn,
      KeyId: other.KeyMetadata?.Arn,
      SourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      DestinationEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      SourceKeyMaterialId: key.CurrentKeyMaterialId,
      DestinationKeyMaterialId: other.KeyMetadata?.CurrentKeyMaterialId,
    })
    const opened = await kms.send(
      new DecryptCommand({ CiphertextBlob, EncryptionContext: { a: 'b' } }),
    )
    assert.equal(Buffer.from(opened.Plaintext ?? []).toString(), 'hello')
    assert.equal(opened.KeyId, other.KeyMetadata?.Arn)
  })

  test('GenerateDataKey gives a data key of the size asked for and its ciphertext', async () => {
    const sizes = [
      [{ KeySpec: 'AES_256' }, 32],
      [{ KeySpec: 'AES_128' }, 16],
      [{ NumberOfBytes: 1 }, 1],
      [{ NumberOfBytes: 1024 }, 1024],
    ] as const
    for (const [size, bytes] of sizes) {
      const output = await kms.send(
        new GenerateDataKeyCommand({ KeyId: id, ...size, EncryptionContext: { a: 'b' } }),
      )
      const { Plaintext, CiphertextBlob, ...rest } = output
      assert.equal(Plaintext?.length, bytes)
      assert.deepEqual(membersOf(rest), { KeyId: arn, KeyMaterialId: key.CurrentKeyMaterialId })
      const opened = await kms.send(
        new DecryptCommand({ CiphertextBlob, EncryptionContext: { a: 'b' } }),
      )
      assert.deepEqual(opened.Plaintext, Plaintext)
    }
  })

  test('GenerateDataKeyWithoutPlaintext gives the ciphertext alone', async () => {
    const output = await kms.send(
      new GenerateDataKeyWithoutPlaintextCommand({ KeyId: id, KeySpec: 'AES_256' }),
    )
    const { CiphertextBlob, ...rest } = output
    assert.deepEqual(membersOf(rest), { KeyId: arn, KeyMaterialId: key.CurrentKeyMaterialId })
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob }))
    assert.equal(opened.Plaintext?.length, 32)
  })

  test('GenerateRandom gives as many bytes as asked for, other ones each time', async () => {
    const draw = async (NumberOfBytes: number): Promise<Record<string, unknown>> =>
      membersOf(await kms.send(new GenerateRandomCommand({ NumberOfBytes })))
    const first = await draw(1024)
    assert.deepEqual(Object.keys(first), ['Plaintext'])
    assert.equal((await draw(1))['Plaintext'] instanceof Uint8Array, true)
    assert.notDeepEqual(await draw(1024), first)
  })

  test('the description can be replaced, by an empty one too', async () => {
    for (const Description of ['a'.repeat(8192), '']) {
      assert.deepEqual(
        membersOf(await kms.send(new UpdateKeyDescriptionCommand({ KeyId: id, Description }))),
        {},
      )
      const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: id }))
      assert.equal(KeyMetadata?.Description, Description)
    }
  })

  test('a disabled key stays disabled until it is enabled; both can be repeated', async () => {
    for (const Command of [DisableKeyCommand, EnableKeyCommand]) {
      assert.deepEqual(membersOf(await kms.send(new Command({ KeyId: arn }))), {})
      assert.deepEqual(membersOf(await kms.send(new Command({ KeyId: id }))), {})
      const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: id }))
      const isEnabled = Command === EnableKeyCommand
      assert.equal(KeyMetadata?.KeyState, isEnabled ? 'Enabled' : 'Disabled')
      assert.equal(KeyMetadata.Enabled, isEnabled)
    }
  })

  test('an alias is made, listed, moved and removed', async () => {
    const other = await kms.send(new CreateKeyCommand({}))
    const AliasName = 'alias/app/main:1_a-b'
    const madeAt = new Date(node.clock.now())
    const made = await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: arn }))
    assert.deepEqual(membersOf(made), {})
    const entry = {
      AliasName,
      AliasArn: `arn:aws:kms:${REGION}:${ACCOUNT}:${AliasName}`,
      TargetKeyId: id,
      CreationDate: madeAt,
      LastUpdatedDate: madeAt,
    }
    assert.deepEqual(membersOf(await kms.send(new ListAliasesCommand({}))), {
      Aliases: [entry],
      Truncated: false,
    })
    node.clock.advance({ ms: 1500 })
    const TargetKeyId = String(other.KeyMetadata?.KeyId)
    const moved = await kms.send(new UpdateAliasCommand({ AliasName, TargetKeyId }))
    assert.deepEqual(membersOf(moved), {})
    const { Aliases } = await kms.send(new ListAliasesCommand({ KeyId: TargetKeyId }))
    const LastUpdatedDate = new Date(node.clock.now())
    assert.deepEqual(Aliases, [{ ...entry, TargetKeyId, LastUpdatedDate }])
    assert.deepEqual((await kms.send(new ListAliasesCommand({ KeyId: id }))).Aliases, [])
    assert.deepEqual(membersOf(await kms.send(new DeleteAliasCommand({ AliasName }))), {})
    assert.deepEqual((await kms.send(new ListAliasesCommand({}))).Aliases, [])
  })

  test('tags are added, replaced and removed', async () => {
    const tags = async (): Promise<unknown> =>
      membersOf(await kms.send(new ListResourceTagsCommand({ KeyId: id })))
    assert.deepEqual(await tags(), { Tags: [], Truncated: false })
    const Tags = [
      { TagKey: 'b', TagValue: '' },
      { TagKey: 'a', TagValue: '1' },
    ]
    assert.deepEqual(membersOf(await kms.send(new TagResourceCommand({ KeyId: id, Tags }))), {})
    const second = { KeyId: arn, Tags: [{ TagKey: 'a', TagValue: '2' }] }
    await kms.send(new TagResourceCommand(second))
    assert.deepEqual(await tags(), {
      Tags: [
        { TagKey: 'a', TagValue: '2' },
        { TagKey: 'b', TagValue: '' },
      ],
      Truncated: false,
    })
    const removal = { KeyId: id, TagKeys: ['a', 'never there'] }
    assert.deepEqual(membersOf(await kms.send(new UntagResourceCommand(removal))), {})
    assert.deepEqual(await tags(), { Tags: [{ TagKey: 'b', TagValue: '' }], Truncated: false })
  })

  test('the policy is the default one until another is put, kept to the byte', async () => {
    const policy = async (): Promise<unknown> =>
      membersOf(await kms.send(new GetKeyPolicyCommand({ KeyId: id })))
    assert.deepEqual(await policy(), { Policy: DEFAULT_POLICY, PolicyName: 'default' })
    const Policy = ` ${OPEN_POLICY}\r\n\t`
    const put = await kms.send(
      new PutKeyPolicyCommand({ KeyId: id, Policy, PolicyName: 'default' }),
    )
    assert.deepEqual(membersOf(put), {})
    assert.deepEqual(await policy(), { Policy, PolicyName: 'default' })
    assert.deepEqual(membersOf(await kms.send(new ListKeyPoliciesCommand({ KeyId: id }))), {
      PolicyNames: ['default'],
      Truncated: false,
    })
  })

  test('CreateKey takes description, tags and policy along', async () => {
    const { KeyMetadata } = await kms.send(
      new CreateKeyCommand({
        Description: 'für alles',
        Tags: [{ TagKey: 'team', TagValue: 'ö' }],
        Policy: OPEN_POLICY,
        KeySpec: 'SYMMETRIC_DEFAULT',
        KeyUsage: 'ENCRYPT_DECRYPT',
        Origin: 'AWS_KMS',
        MultiRegion: false,
        BypassPolicyLockoutSafetyCheck: true,
      }),
    )
    const KeyId = String(KeyMetadata?.KeyId)
    assert.equal(KeyMetadata?.Description, 'für alles')
    const { Tags } = await kms.send(new ListResourceTagsCommand({ KeyId }))
    assert.deepEqual(Tags, [{ TagKey: 'team', TagValue: 'ö' }])
    const { Policy } = await kms.send(new GetKeyPolicyCommand({ KeyId }))
    assert.equal(Policy, OPEN_POLICY)
  })

  test('ListKeys names key ids and ARNs', async () => {
    const { Keys, Truncated } = await kms.send(new ListKeysCommand({}))
    assert.equal(Truncated, false)
    assert.deepEqual(
      Keys?.filter(({ KeyId }) => KeyId === id),
      [{ KeyId: id, KeyArn: arn }],
    )
  })

  test('a deletion is scheduled and cancelled; the key is disabled then and decrypts again', async () => {
    const CiphertextBlob = await encrypted()
    const scheduled = await kms.send(
      new ScheduleKeyDeletionCommand({ KeyId: id, PendingWindowInDays: 7 }),
    )
    const DeletionDate = new Date(node.clock.now() + 7 * 86_400_000)
    assert.deepEqual(membersOf(scheduled), {
      KeyId: arn,
      DeletionDate,
      KeyState: 'PendingDeletion',
      PendingWindowInDays: 7,
    })
    const pending = await kms.send(new DescribeKeyCommand({ KeyId: id }))
    assert.deepEqual(pending.KeyMetadata, {
      ...key,
      Enabled: false,
      KeyState: 'PendingDeletion',
      DeletionDate,
    })
    const cancelled = await kms.send(new CancelKeyDeletionCommand({ KeyId: id }))
    assert.deepEqual(membersOf(cancelled), { KeyId: arn })
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: id }))
    assert.deepEqual(KeyMetadata, { ...key, Enabled: false, KeyState: 'Disabled' })
    await kms.send(new EnableKeyCommand({ KeyId: id }))
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob }))
    assert.equal(Buffer.from(opened.Plaintext ?? []).toString(), 'hello')
  })
})
