import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { blob, createKey, refused, succeeded, textOf, WireClient } from '../support/wire-client.ts'

const OWNER = '111111111111'
const STRANGER = '222222222222'
const REGION = 'eu-central-1'
/** A key id that nobody has. */
const NO_KEY = '00000000-0000-4000-8000-000000000000'
const arnOf = (account: string, resource: string): string =>
  `arn:aws:kms:${REGION}:${account}:${resource}`
const REASON =
  'because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access'
const denial = (action: string, place = 'on this resource'): string =>
  `User: arn:aws:iam::${STRANGER}:root is not authorized to perform: kms:${action} ${place} ${REASON}`
const BY_CIPHERTEXT = 'on the resource associated with this ciphertext'

/** What else each operation on one key needs in its input. */
const KEY_OPERATIONS: Readonly<Record<string, object>> = {
  CancelKeyDeletion: {},
  CreateGrant: { GranteePrincipal: `arn:aws:iam::${STRANGER}:root`, Operations: ['Decrypt'] },
  DescribeKey: {},
  DisableKey: {},
  EnableKey: {},
  Encrypt: { Plaintext: blob('x') },
  GenerateDataKey: { KeySpec: 'AES_256' },
  GenerateDataKeyWithoutPlaintext: { NumberOfBytes: 8 },
  GetKeyLastUsage: {},
  GetKeyPolicy: {},
  ListAliases: {},
  ListGrants: {},
  ListKeyPolicies: {},
  ListResourceTags: {},
  PutKeyPolicy: {
    Policy: '{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}',
  },
  RetireGrant: { GrantId: '0'.repeat(64) },
  RevokeGrant: { GrantId: '0'.repeat(64) },
  ScheduleKeyDeletion: {},
  TagResource: { Tags: [{ TagKey: 'a', TagValue: 'b' }] },
  UntagResource: { TagKeys: ['a'] },
  UpdateKeyDescription: { Description: 'mine now' },
}
const TAKES_ALIASES = ['DescribeKey', 'Encrypt', 'GenerateDataKey']
const TAKES_GRANT_TOKENS = [...TAKES_ALIASES, 'GenerateDataKeyWithoutPlaintext']

describe('another account', () => {
  let node: MemoryNode
  let owner: WireClient
  let stranger: WireClient
  let key: { readonly id: string; readonly arn: string }
  let ciphertext: string

  before(async () => {
    node = await startMemoryNode()
    owner = new WireClient(node.endpoint, OWNER)
    stranger = new WireClient(node.endpoint, STRANGER)
    key = await createKey(owner)
    succeeded(await owner.kms('CreateAlias', { AliasName: 'alias/theirs', TargetKeyId: key.id }))
    const encrypted = await owner.kms('Encrypt', { KeyId: key.id, Plaintext: blob('theirs') })
    ciphertext = textOf(succeeded(encrypted), 'CiphertextBlob')
  })

  after(async () => {
    stranger.close()
    owner.close()
    await node.close()
  })

  /** The record of a call without what must differ between any two calls. */
  const recordOf = (requestId: string): object => {
    const {
      requestID: _id,
      eventID: _event,
      requestParameters: _sent,
      ...rest
    } = node.sink.record(requestId)
    return rest
  }

  for (const [operation, input] of Object.entries(KEY_OPERATIONS)) {
    test(`${operation} answers and records a foreign key as one that does not exist`, async () => {
      const real = await stranger.kms(operation, { ...input, KeyId: key.arn })
      const imagined = await stranger.kms(operation, {
        ...input,
        KeyId: arnOf(OWNER, `key/${NO_KEY}`),
      })
      refused(real, 'AccessDeniedException', denial(operation))
      assert.equal(imagined.text, real.text)
      assert.deepEqual(recordOf(real.requestId), recordOf(imagined.requestId))
      const { resources, responseElements, additionalEventData } = node.sink.record(real.requestId)
      assert.deepEqual(
        [resources, responseElements, additionalEventData],
        [undefined, null, undefined],
      )
    })
  }

  for (const operation of TAKES_ALIASES) {
    test(`${operation} answers a foreign alias as one that does not exist`, async () => {
      const input = KEY_OPERATIONS[operation]
      const real = await stranger.kms(operation, { ...input, KeyId: arnOf(OWNER, 'alias/theirs') })
      const imagined = await stranger.kms(operation, {
        ...input,
        KeyId: arnOf(OWNER, 'alias/none'),
      })
      refused(real, 'AccessDeniedException', denial(operation))
      assert.equal(imagined.text, real.text)
      assert.deepEqual(recordOf(real.requestId), recordOf(imagined.requestId))
    })
  }

  for (const operation of TAKES_GRANT_TOKENS) {
    test(`${operation} with a grant token does not tell which foreign keys exist`, async () => {
      const input = { ...KEY_OPERATIONS[operation], GrantTokens: ['bm9uZQ'] }
      const real = await stranger.kms(operation, { ...input, KeyId: key.arn })
      const imagined = await stranger.kms(operation, {
        ...input,
        KeyId: arnOf(OWNER, `key/${NO_KEY}`),
      })
      assert.equal(imagined.text, real.text)
    })
  }

  test('does not tell by a marker which foreign keys exist', async () => {
    const of = async (KeyId: string, operation: string): Promise<string> =>
      (await stranger.kms(operation, { KeyId, Marker: 'made-up' })).text
    for (const operation of ['ListAliases', 'ListKeyPolicies', 'ListResourceTags']) {
      assert.equal(await of(key.arn, operation), await of(arnOf(OWNER, `key/${NO_KEY}`), operation))
    }
  })

  test('cannot name a key by the bare id: the id is looked for at home', async () => {
    const answer = await stranger.kms('DescribeKey', { KeyId: key.id })
    refused(answer, 'NotFoundException', `Key '${arnOf(STRANGER, `key/${key.id}`)}' does not exist`)
  })

  test('decrypts nothing, whether the key is named or not', async () => {
    refused(
      await stranger.kms('Decrypt', { CiphertextBlob: ciphertext }),
      'AccessDeniedException',
      denial('Decrypt', BY_CIPHERTEXT),
    )
    for (const KeyId of [key.arn, key.id, arnOf(OWNER, 'alias/theirs')]) {
      refused(
        await stranger.kms('Decrypt', { CiphertextBlob: ciphertext, KeyId }),
        'AccessDeniedException',
        denial('Decrypt'),
      )
    }
  })

  test('cannot ask with a made-up ciphertext whether a key exists', async () => {
    const forged = Buffer.from(ciphertext, 'base64')
    forged.write(NO_KEY.replaceAll('-', ''), 6, 'hex')
    const imagined = forged.toString('base64')
    for (const named of [false, true]) {
      const real = await stranger.kms('Decrypt', {
        CiphertextBlob: ciphertext,
        ...(named && { KeyId: key.id }),
      })
      const other = await stranger.kms('Decrypt', {
        CiphertextBlob: imagined,
        ...(named && { KeyId: NO_KEY }),
      })
      assert.equal(other.text, real.text)
      assert.deepEqual(recordOf(other.requestId), recordOf(real.requestId))
    }
  })

  test('learns nothing of the source of ReEncrypt from a destination that does not exist', async () => {
    const forged = Buffer.from(ciphertext, 'base64')
    forged.write(NO_KEY.replaceAll('-', ''), 6, 'hex')
    const real = await stranger.kms('ReEncrypt', {
      CiphertextBlob: ciphertext,
      DestinationKeyId: 'alias/none',
    })
    const imagined = await stranger.kms('ReEncrypt', {
      CiphertextBlob: forged.toString('base64'),
      DestinationKeyId: 'alias/none',
    })
    refused(real, 'AccessDeniedException', denial('ReEncryptFrom', BY_CIPHERTEXT))
    assert.equal(imagined.text, real.text)
    assert.deepEqual(recordOf(imagined.requestId), recordOf(real.requestId))
  })

  test('re-encrypts neither from a foreign key nor to one', async () => {
    const own = await createKey(stranger)
    const encrypted = await stranger.kms('Encrypt', { KeyId: own.id, Plaintext: blob('mine') })
    const mine = textOf(succeeded(encrypted), 'CiphertextBlob')
    refused(
      await stranger.kms('ReEncrypt', { CiphertextBlob: ciphertext, DestinationKeyId: own.id }),
      'AccessDeniedException',
      denial('ReEncryptFrom', BY_CIPHERTEXT),
    )
    const to = await stranger.kms('ReEncrypt', { CiphertextBlob: mine, DestinationKeyId: key.arn })
    refused(to, 'AccessDeniedException', denial('ReEncryptTo'))
    const toNone = await stranger.kms('ReEncrypt', {
      CiphertextBlob: mine,
      DestinationKeyId: arnOf(OWNER, `key/${NO_KEY}`),
    })
    assert.equal(toNone.text, to.text)
    assert.doesNotMatch(JSON.stringify(recordOf(to.requestId)), new RegExp(`${OWNER}:key`))
  })

  test('gives its aliases no foreign target', async () => {
    refused(
      await stranger.kms('CreateAlias', { AliasName: 'alias/grab', TargetKeyId: key.arn }),
      'AccessDeniedException',
      denial('CreateAlias'),
    )
    const own = await createKey(stranger)
    succeeded(await stranger.kms('CreateAlias', { AliasName: 'alias/own', TargetKeyId: own.id }))
    refused(
      await stranger.kms('UpdateAlias', { AliasName: 'alias/own', TargetKeyId: key.arn }),
      'AccessDeniedException',
      denial('UpdateAlias'),
    )
  })

  test('has names of its own: the same alias may exist in two accounts', async () => {
    const own = await createKey(stranger)
    succeeded(await stranger.kms('CreateAlias', { AliasName: 'alias/theirs', TargetKeyId: own.id }))
    const described = await stranger.kms('DescribeKey', { KeyId: 'alias/theirs' })
    assert.match(described.text, new RegExp(own.id))
    const theirs = await owner.kms('DescribeKey', { KeyId: 'alias/theirs' })
    assert.match(theirs.text, new RegExp(key.id))
  })

  test('sees none of the keys and aliases of the first', async () => {
    const listed = `${(await stranger.kms('ListKeys')).text}${(await stranger.kms('ListAliases')).text}`
    assert.ok(!listed.includes(key.id))
  })

  test('has left the key as it was', async () => {
    const described = await owner.kms('DescribeKey', { KeyId: key.id })
    assert.match(described.text, /"KeyState":"Enabled"/)
    assert.match(described.text, /"Description":""/)
    succeeded(await owner.kms('Decrypt', { CiphertextBlob: ciphertext }))
  })
})
