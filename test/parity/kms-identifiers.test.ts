import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { blob, createKey, refused, succeeded, textOf, WireClient } from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const REGION = 'eu-central-1'
const NO_KEY = '00000000-0000-4000-8000-000000000000'
const here = (resource: string): string => `arn:aws:kms:${REGION}:${ACCOUNT}:${resource}`

/** What each operation needs beside its key. Source: AWS KMS API Reference, KeyId of each operation. */
const WITH_ALIASES: Readonly<Record<string, object>> = {
  DescribeKey: {},
  Encrypt: { Plaintext: blob('x') },
  GenerateDataKey: { KeySpec: 'AES_256' },
  GenerateDataKeyWithoutPlaintext: { KeySpec: 'AES_128' },
}
const WITHOUT_ALIASES: Readonly<Record<string, object>> = {
  CancelKeyDeletion: {},
  DisableKey: {},
  EnableKey: {},
  GetKeyPolicy: {},
  ListAliases: {},
  ListKeyPolicies: {},
  ListResourceTags: {},
  PutKeyPolicy: { Policy: '{}' },
  ScheduleKeyDeletion: {},
  TagResource: { Tags: [{ TagKey: 'a', TagValue: 'b' }] },
  UntagResource: { TagKeys: ['a'] },
  UpdateKeyDescription: { Description: '' },
}
/** Operations whose errors in the service model have no InvalidArnException: Encrypt, for one. */
const KNOWS_INVALID_ARN = new Set(['DescribeKey', ...Object.keys(WITHOUT_ALIASES)])

describe('identifiers of keys', () => {
  let node: MemoryNode
  let kms: WireClient
  let key: { readonly id: string; readonly arn: string }
  let ciphertext: string

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, ACCOUNT)
    key = await createKey(kms)
    succeeded(await kms.kms('CreateAlias', { AliasName: 'alias/Main', TargetKeyId: key.id }))
    const encrypted = await kms.kms('Encrypt', { KeyId: key.id, Plaintext: blob('x') })
    ciphertext = textOf(succeeded(encrypted), 'CiphertextBlob')
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  for (const [operation, input] of Object.entries(WITH_ALIASES)) {
    test(`${operation} takes all four forms`, async () => {
      for (const KeyId of [key.id, key.arn, 'alias/Main', here('alias/Main')]) {
        const answer = await kms.kms(operation, { ...input, KeyId })
        succeeded(answer)
        assert.ok(answer.text.includes(`"${key.arn}"`), answer.text)
      }
    })

    test(`${operation} tells an unknown alias by its ARN; case counts`, async () => {
      for (const KeyId of ['alias/main', here('alias/main')]) {
        refused(
          await kms.kms(operation, { ...input, KeyId }),
          'NotFoundException',
          `Alias ${here('alias/main')} is not found.`,
        )
      }
    })
  }

  test('Decrypt and ReEncrypt take all four forms', async () => {
    for (const KeyId of [key.id, key.arn, 'alias/Main', here('alias/Main')]) {
      succeeded(await kms.kms('Decrypt', { CiphertextBlob: ciphertext, KeyId }))
      const input = { CiphertextBlob: ciphertext, SourceKeyId: KeyId, DestinationKeyId: KeyId }
      succeeded(await kms.kms('ReEncrypt', input))
    }
  })

  for (const [operation, input] of Object.entries(WITHOUT_ALIASES)) {
    test(`${operation} takes no alias`, async () => {
      for (const KeyId of ['alias/Main', here('alias/Main'), 'alias/none']) {
        refused(
          await kms.kms(operation, { ...input, KeyId }),
          'NotFoundException',
          `Invalid keyId '${KeyId}'`,
        )
      }
    })
  }

  test('CreateAlias and UpdateAlias take no alias as their target', async () => {
    for (const operation of ['CreateAlias', 'UpdateAlias']) {
      for (const TargetKeyId of ['alias/Main', here('alias/Main')]) {
        refused(
          await kms.kms(operation, { AliasName: 'alias/Main', TargetKeyId }),
          'NotFoundException',
          `Invalid keyId '${TargetKeyId}'`,
        )
      }
    }
  })

  for (const [operation, input] of Object.entries({ ...WITH_ALIASES, ...WITHOUT_ALIASES })) {
    test(`${operation} tells an unknown key, a malformed id, another Region and a malformed ARN`, async () => {
      const told = async (KeyId: string, code: string, message: string): Promise<void> =>
        refused(await kms.kms(operation, { ...input, KeyId }), code, message)
      await told(NO_KEY, 'NotFoundException', `Key '${here(`key/${NO_KEY}`)}' does not exist`)
      const multiRegion = `mrk-${'0'.repeat(32)}`
      await told(
        multiRegion,
        'NotFoundException',
        `Key '${here(`key/${multiRegion}`)}' does not exist`,
      )
      for (const malformed of [
        'nonsense',
        key.id.replaceAll('-', ''),
        key.id.toUpperCase(),
        `${key.id} `,
        'mrk-123',
        here('key/nonsense'),
        here(`key/${key.id}/x`),
      ]) {
        await told(malformed, 'NotFoundException', `Invalid keyId '${malformed}'`)
      }
      await told(key.arn.replace(REGION, 'us-east-1'), 'NotFoundException', 'Invalid arn us-east-1')
      for (const malformed of [
        'arn:',
        `arn:aws:kms:${REGION}:12345:key/${key.id}`,
        here('thing/x'),
      ]) {
        const isArnError = KNOWS_INVALID_ARN.has(operation)
        await told(
          malformed,
          isArnError ? 'InvalidArnException' : 'NotFoundException',
          isArnError ? `Invalid arn '${malformed}'` : `Invalid keyId '${malformed}'`,
        )
      }
    })
  }

  test('a key of one Region is unknown in another', async () => {
    const answer = await kms.kms('DescribeKey', { KeyId: key.id }, { region: 'us-east-1' })
    refused(
      answer,
      'NotFoundException',
      `Key 'arn:aws:kms:us-east-1:${ACCOUNT}:key/${key.id}' does not exist`,
    )
    refused(
      await kms.kms('DescribeKey', { KeyId: key.arn }, { region: 'us-east-1' }),
      'NotFoundException',
      `Invalid arn ${REGION}`,
    )
    const answered = await kms.kms(
      'Decrypt',
      { CiphertextBlob: ciphertext },
      { region: 'us-east-1' },
    )
    refused(answered, 'AccessDeniedException', /on the resource associated with this ciphertext/)
    assert.equal(
      (await kms.kms('ListKeys', {}, { region: 'us-east-1' })).text,
      '{"Keys":[],"Truncated":false}',
    )
  })

  test('names that every object has find nothing', async () => {
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      refused(
        await kms.kms('DescribeKey', { KeyId: name }),
        'NotFoundException',
        `Invalid keyId '${name}'`,
      )
      refused(
        await kms.kms('DescribeKey', { KeyId: `alias/${name}` }),
        'NotFoundException',
        `Alias ${here(`alias/${name}`)} is not found.`,
      )
    }
  })
})
