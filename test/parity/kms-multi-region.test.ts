import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { BACKING_KEYS, KEYS } from '../../src/core/tables.ts'
import { type JsonObject, type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  blob,
  createKey,
  listOf,
  membersOf,
  refused,
  succeeded,
  textOf,
  WireClient,
} from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const HOME = 'eu-central-1'
const AWAY = 'eu-west-1'
const THIRD = 'us-east-1'
const MRK = /^mrk-[0-9a-f]{32}$/
const POLICY = '{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}'

let node: MemoryNode
let home: WireClient
let away: WireClient
let third: WireClient
let key: { readonly id: string; readonly arn: string }

before(async () => {
  node = await startMemoryNode()
  home = new WireClient(node.endpoint, ACCOUNT, HOME)
  away = new WireClient(node.endpoint, ACCOUNT, AWAY)
  third = new WireClient(node.endpoint, ACCOUNT, THIRD)
})

after(async () => {
  for (const client of [home, away, third]) client.close()
  await node.close()
})

beforeEach(async () => {
  key = await createKey(home, { MultiRegion: true, Description: 'first', Tags: [] })
})

const arnIn = (region: string): string => key.arn.replace(HOME, region)
const member = (region: string): JsonObject => ({ Arn: arnIn(region), Region: region })

const metadataOf = async (client: WireClient): Promise<JsonObject> =>
  membersOf(succeeded(await client.kms('DescribeKey', { KeyId: key.id })), 'KeyMetadata')

const replicate = (ReplicaRegion: string, more: object = {}) =>
  home.kms('ReplicateKey', { KeyId: key.id, ReplicaRegion, ...more })

const ciphertextOf = async (client: WireClient, text: string): Promise<string> => {
  const answer = await client.kms('Encrypt', { KeyId: key.id, Plaintext: blob(text) })
  return textOf(succeeded(answer), 'CiphertextBlob')
}

const decrypted = async (client: WireClient, CiphertextBlob: string): Promise<string> => {
  const answer = succeeded(await client.kms('Decrypt', { CiphertextBlob }))
  assert.equal(answer['KeyId'], (await metadataOf(client))['Arn'])
  return Buffer.from(textOf(answer, 'Plaintext'), 'base64').toString()
}

describe('a multi-Region key', () => {
  test('is made as the primary of a family of one', async () => {
    assert.match(key.id, MRK)
    const metadata = await metadataOf(home)
    assert.equal(metadata['MultiRegion'], true)
    assert.deepEqual(metadata['MultiRegionConfiguration'], {
      MultiRegionKeyType: 'PRIMARY',
      PrimaryKey: member(HOME),
      ReplicaKeys: [],
    })
    refused(
      await away.kms('DescribeKey', { KeyId: key.id }),
      'NotFoundException',
      `Key '${arnIn(AWAY)}' does not exist`,
    )
  })

  test('is replicated: the reply shows it being made, then it is there', async () => {
    node.clock.advance({ ms: 5000 })
    const reply = succeeded(await replicate(AWAY))
    const { CreationDate, ...made } = membersOf(reply, 'ReplicaKeyMetadata')
    assert.equal(CreationDate, node.clock.now() / 1000)
    const shared = {
      AWSAccountId: ACCOUNT,
      KeyId: key.id,
      Arn: arnIn(AWAY),
      Description: '',
      KeyUsage: 'ENCRYPT_DECRYPT',
      Origin: 'AWS_KMS',
      KeyManager: 'CUSTOMER',
      CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
      KeySpec: 'SYMMETRIC_DEFAULT',
      EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
      MultiRegion: true,
      MultiRegionConfiguration: {
        MultiRegionKeyType: 'REPLICA',
        PrimaryKey: member(HOME),
        ReplicaKeys: [member(AWAY)],
      },
    }
    assert.deepEqual(made, { ...shared, Enabled: false, KeyState: 'Creating' })
    assert.deepEqual(JSON.parse(textOf(reply, 'ReplicaPolicy')).Statement[0].Principal, {
      AWS: `arn:aws:iam::${ACCOUNT}:root`,
    })
    assert.equal(reply['ReplicaTags'], undefined)
    const primary = await metadataOf(home)
    assert.deepEqual(await metadataOf(away), {
      ...shared,
      CreationDate,
      Enabled: true,
      KeyState: 'Enabled',
      CurrentKeyMaterialId: primary['CurrentKeyMaterialId'],
    })
    assert.deepEqual(membersOf(primary, 'MultiRegionConfiguration')['ReplicaKeys'], [member(AWAY)])
    assert.ok((await away.kms('ListKeys', { Limit: 1000 })).text.includes(arnIn(AWAY)))
  })

  test('and its replicas decrypt what any of them encrypted, each under its own ARN', async () => {
    const earlier = await ciphertextOf(home, 'before')
    succeeded(await replicate(AWAY))
    succeeded(await replicate(THIRD))
    const family = [home, away, third]
    for (const from of family) {
      const ciphertext = await ciphertextOf(from, 'told')
      for (const to of family) assert.equal(await decrypted(to, ciphertext), 'told')
    }
    for (const to of family) assert.equal(await decrypted(to, earlier), 'before')
    const moved = await third.kms('ReEncrypt', {
      CiphertextBlob: earlier,
      DestinationKeyId: key.id,
    })
    assert.equal(textOf(succeeded(moved), 'SourceKeyId'), arnIn(THIRD))
    assert.equal(await decrypted(away, textOf(moved.json, 'CiphertextBlob')), 'before')
    const single = await createKey(home)
    const other = await home.kms('Encrypt', { KeyId: single.id, Plaintext: blob('x') })
    refused(
      await away.kms('Decrypt', { CiphertextBlob: textOf(succeeded(other), 'CiphertextBlob') }),
      'AccessDeniedException',
      /on the resource associated with this ciphertext/,
    )
  })

  test('keeps its material wrapped for each Region on its own', async () => {
    succeeded(await replicate(AWAY))
    const materialId = textOf(await metadataOf(home), 'CurrentKeyMaterialId')
    const here = await node.records.find(BACKING_KEYS, [HOME, key.id, materialId])
    const there = await node.records.find(BACKING_KEYS, [AWAY, key.id, materialId])
    assert.ok(here?.secret && there?.secret)
    assert.notDeepEqual(here.secret, there.secret)
    using material = node.records.unwrap(BACKING_KEYS, here)
    using copy = node.records.unwrap(BACKING_KEYS, there)
    assert.deepEqual(material.expose(), copy.expose())
  })

  test('of every kind has related keys of its kind', async () => {
    for (const [input, operation, more] of [
      [
        { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' },
        'Sign',
        { Message: blob('m'), SigningAlgorithm: 'ECDSA_SHA_256' },
      ],
      [
        { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' },
        'GenerateMac',
        { Message: blob('m'), MacAlgorithm: 'HMAC_SHA_256' },
      ],
    ] as const) {
      const { id: KeyId } = await createKey(home, { ...input, MultiRegion: true })
      succeeded(await home.kms('ReplicateKey', { KeyId, ReplicaRegion: AWAY }))
      const made = succeeded(await home.kms(operation, { KeyId, ...more }))
      const proof = { ...more, Signature: made['Signature'], Mac: made['Mac'], KeyId }
      const verify = operation === 'Sign' ? 'Verify' : 'VerifyMac'
      assert.match((await away.kms(verify, proof)).text, /"(Signature|Mac)Valid":true/)
    }
  })

  test('and its replicas have policy, description, tags, aliases and state of their own', async () => {
    const tags = [{ TagKey: 'of', TagValue: 'replica' }]
    const more = { Description: 'second', Policy: POLICY, Tags: tags }
    const reply = succeeded(await replicate(AWAY, more))
    assert.deepEqual([reply['ReplicaPolicy'], reply['ReplicaTags']], [POLICY, tags])
    const KeyId = key.id
    succeeded(await home.kms('TagResource', { KeyId, Tags: [{ TagKey: 'a', TagValue: 'b' }] }))
    succeeded(await home.kms('UpdateKeyDescription', { KeyId, Description: 'third' }))
    succeeded(await away.kms('CreateAlias', { AliasName: 'alias/away', TargetKeyId: KeyId }))
    succeeded(await home.kms('DisableKey', { KeyId }))
    assert.equal((await metadataOf(away))['Description'], 'second')
    assert.equal((await metadataOf(away))['KeyState'], 'Enabled')
    assert.equal((await metadataOf(home))['KeyState'], 'Disabled')
    const tagsOf = async (client: WireClient) =>
      listOf(succeeded(await client.kms('ListResourceTags', { KeyId })), 'Tags')
    assert.deepEqual(await tagsOf(away), tags)
    assert.deepEqual(await tagsOf(home), [{ TagKey: 'a', TagValue: 'b' }])
    assert.equal((await away.kms('GetKeyPolicy', { KeyId })).json['Policy'], POLICY)
    assert.match((await home.kms('GetKeyPolicy', { KeyId })).text, /key-default-1/)
    refused(
      await home.kms('DescribeKey', { KeyId: 'alias/away' }),
      'NotFoundException',
      `Alias arn:aws:kms:${HOME}:${ACCOUNT}:alias/away is not found.`,
    )
    succeeded(await home.kms('EnableKey', { KeyId }))
  })

  test('whose material is imported waits for it in every Region', async () => {
    const input = { MultiRegion: true, Origin: 'EXTERNAL' }
    const { id: KeyId, arn } = await createKey(home, input)
    refused(
      await home.kms('ReplicateKey', { KeyId, ReplicaRegion: AWAY }),
      'KMSInvalidStateException',
      `${arn} is pending import.`,
    )
  })
})

describe('ReplicateKey refuses', () => {
  const notPrimary = (arn: string): string => `${arn} is not a multi-region primary key.`

  test('what is no primary, before it looks at the state', async () => {
    succeeded(await replicate(AWAY))
    const single = await createKey(home)
    for (const state of ['Enabled', 'Disabled']) {
      for (const [client, { id, arn }] of [
        [home, single],
        [away, { id: key.id, arn: arnIn(AWAY) }],
      ] as const) {
        if (state === 'Disabled') succeeded(await client.kms('DisableKey', { KeyId: id }))
        refused(
          await client.kms('ReplicateKey', { KeyId: id, ReplicaRegion: THIRD }),
          'UnsupportedOperationException',
          notPrimary(arn),
        )
      }
    }
  })

  test('a primary that is not enabled', async () => {
    succeeded(await home.kms('DisableKey', { KeyId: key.id }))
    refused(await replicate(AWAY), 'DisabledException', `${key.arn} is disabled.`)
    succeeded(await home.kms('ScheduleKeyDeletion', { KeyId: key.id }))
    refused(await replicate(AWAY), 'KMSInvalidStateException', `${key.arn} is pending deletion.`)
  })

  test('a Region that has a related key already', async () => {
    succeeded(await replicate(AWAY))
    for (const region of [AWAY, HOME]) {
      refused(
        await replicate(region),
        'AlreadyExistsException',
        `The replica Region already has a related key: ${arnIn(region)}.`,
      )
    }
    succeeded(await away.kms('ScheduleKeyDeletion', { KeyId: key.id }))
    refused(await replicate(AWAY), 'AlreadyExistsException', /already has a related key/)
  })

  test('a Region that there is not, or of another partition', async () => {
    for (const region of ['eu-nowhere-1', 'cn-north-1', 'us-gov-west-1']) {
      refused(
        await replicate(region),
        'UnsupportedOperationException',
        `${region} is not a Region of the partition aws.`,
      )
    }
    refused(await replicate('Moon'), 'ValidationException', /regular expression pattern/)
  })

  test('tags and policies that no key may have', async () => {
    const Tags = [{ TagKey: 'aws:x', TagValue: '' }]
    refused(await replicate(AWAY, { Tags }), 'TagException', /reserved/)
    refused(await replicate(AWAY, { Policy: '{}' }), 'MalformedPolicyDocumentException', /./)
    const Policy = POLICY + ' '.repeat(32_768)
    refused(await replicate(AWAY, { Policy }), 'LimitExceededException', /32768/)
    assert.equal(await node.records.find(KEYS, [AWAY, key.id]), undefined)
  })

  test('what names no key of the caller', async () => {
    const foreign = key.arn.replace(ACCOUNT, '444455556666')
    for (const [KeyId, code] of [
      ['alias/x', 'NotFoundException'],
      [arnIn(AWAY), 'NotFoundException'],
      [foreign, 'AccessDeniedException'],
      ['arn:aws:kms:x', 'InvalidArnException'],
    ] as const) {
      refused(await replicate(AWAY, { KeyId }), code, /./)
    }
  })
})

describe('UpdatePrimaryRegion', () => {
  const update = (PrimaryRegion: string, client = home) =>
    client.kms('UpdatePrimaryRegion', { KeyId: key.id, PrimaryRegion })

  test('makes a replica the primary, and tells every related key', async () => {
    succeeded(await replicate(AWAY))
    succeeded(await replicate(THIRD))
    const ciphertext = await ciphertextOf(home, 'kept')
    const answer = await update(AWAY)
    assert.deepEqual([answer.status, answer.text], [200, ''])
    for (const [client, MultiRegionKeyType] of [
      [home, 'REPLICA'],
      [away, 'PRIMARY'],
      [third, 'REPLICA'],
    ] as const) {
      const metadata = await metadataOf(client)
      assert.deepEqual(metadata['MultiRegionConfiguration'], {
        MultiRegionKeyType,
        PrimaryKey: member(AWAY),
        ReplicaKeys: [member(HOME), member(THIRD)],
      })
      assert.equal(metadata['KeyState'], 'Enabled')
      assert.equal(await decrypted(client, ciphertext), 'kept')
    }
    refused(await replicate('us-west-2'), 'UnsupportedOperationException', /not a multi-region/)
    const next = { KeyId: key.id, ReplicaRegion: 'us-west-2' }
    const made = membersOf(succeeded(await away.kms('ReplicateKey', next)), 'ReplicaKeyMetadata')
    assert.deepEqual(made['MultiRegionConfiguration'], {
      MultiRegionKeyType: 'REPLICA',
      PrimaryKey: member(AWAY),
      ReplicaKeys: [member(HOME), member(THIRD), member('us-west-2')],
    })
    succeeded(await update(HOME, away))
    assert.equal(
      membersOf(await metadataOf(home), 'MultiRegionConfiguration')['MultiRegionKeyType'],
      'PRIMARY',
    )
  })

  test('refuses a key that is no primary, then one that is not enabled', async () => {
    succeeded(await replicate(AWAY))
    refused(
      await update(AWAY, away),
      'UnsupportedOperationException',
      `${arnIn(AWAY)} is not a multi-region primary key.`,
    )
    const { id: KeyId, arn } = await createKey(home)
    refused(
      await home.kms('UpdatePrimaryRegion', { KeyId, PrimaryRegion: AWAY }),
      'UnsupportedOperationException',
      `${arn} is not a multi-region primary key.`,
    )
    succeeded(await away.kms('DisableKey', { KeyId: key.id }))
    refused(await update(AWAY), 'DisabledException', `${arnIn(AWAY)} is disabled.`)
    succeeded(await home.kms('DisableKey', { KeyId: key.id }))
    refused(await update(AWAY), 'DisabledException', `${key.arn} is disabled.`)
  })

  test('refuses a Region without a related key, or that has the primary', async () => {
    refused(await update(AWAY), 'NotFoundException', `Key '${arnIn(AWAY)}' does not exist`)
    refused(
      await update(HOME),
      'UnsupportedOperationException',
      `${key.arn} is already the primary key.`,
    )
    refused(await update('cn-north-1'), 'UnsupportedOperationException', /of the partition aws\.$/)
    refused(await update('eu-nowhere-1'), 'UnsupportedOperationException', /eu-nowhere-1/)
  })

  test('does not make a primary of a replica that is to be deleted', async () => {
    succeeded(await replicate(AWAY))
    succeeded(await away.kms('ScheduleKeyDeletion', { KeyId: key.id, PendingWindowInDays: 7 }))
    refused(await update(AWAY), 'KMSInvalidStateException', `${arnIn(AWAY)} is pending deletion.`)
    node.clock.advance({ days: 7 })
    refused(await update(AWAY), 'NotFoundException', `Key '${arnIn(AWAY)}' does not exist`)
  })
})
