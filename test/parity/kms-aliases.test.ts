import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  blob,
  createKey,
  listOf,
  refused,
  succeeded,
  textOf,
  type WireAnswer,
  WireClient,
} from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const aliasArn = (name: string): string => `arn:aws:kms:eu-central-1:${ACCOUNT}:${name}`
const PREFIX_TEXT =
  'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html'

describe('aliases', () => {
  let node: MemoryNode
  let kms: WireClient
  let key: { readonly id: string; readonly arn: string }
  let other: { readonly id: string; readonly arn: string }

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, ACCOUNT)
    key = await createKey(kms)
    other = await createKey(kms)
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  const create = (AliasName: string, TargetKeyId = key.id): Promise<WireAnswer> =>
    kms.kms('CreateAlias', { AliasName, TargetKeyId })
  const update = (AliasName: string, TargetKeyId = key.id): Promise<WireAnswer> =>
    kms.kms('UpdateAlias', { AliasName, TargetKeyId })
  const remove = (AliasName: string): Promise<WireAnswer> => kms.kms('DeleteAlias', { AliasName })

  test('a name without the prefix is refused in AWS’s words, one of AWS’s own names without any', async () => {
    for (const call of [create, update, remove]) {
      for (const name of ['x', 'Alias/x', 'aliasx', '/alias/x', 'arn:aws:kms:alias/x']) {
        refused(await call(name), 'ValidationException', PREFIX_TEXT)
      }
      for (const name of ['alias/aws/', 'alias/aws/s3', 'alias/aws/mine']) {
        refused(await call(name), 'NotAuthorizedException')
      }
      refused(await call('alias/'), 'InvalidAliasNameException', "Invalid alias name 'alias/'")
      refused(
        await call('alias/ä'),
        'ValidationException',
        "1 validation error detected: Value 'alias/ä' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$",
      )
    }
  })

  test('names that only look like AWS’s own are free', async () => {
    for (const name of ['alias/awsome', 'alias/AWS/x', 'alias/aws', 'alias//', 'alias/a/b/:_-']) {
      succeeded(await create(name))
      succeeded(await remove(name))
    }
  })

  test('a name may have 256 characters and no more', async () => {
    const longest = `alias/${'n'.repeat(250)}`
    succeeded(await create(longest))
    succeeded(await kms.kms('Encrypt', { KeyId: longest, Plaintext: blob('x') }))
    succeeded(await remove(longest))
    refused(await create(`${longest}n`), 'ValidationException', /less than or equal to 256$/)
  })

  test('a name exists once; making it again is refused, for the same key too', async () => {
    succeeded(await create('alias/once'))
    for (const target of [key.id, other.id]) {
      refused(
        await create('alias/once', target),
        'AlreadyExistsException',
        `An alias with the name ${aliasArn('alias/once')} already exists`,
      )
    }
    succeeded(await create('alias/Once', other.id))
    succeeded(await remove('alias/once'))
    succeeded(await remove('alias/Once'))
  })

  test('an unknown one can be neither moved nor removed', async () => {
    for (const call of [update, remove]) {
      refused(
        await call('alias/none'),
        'NotFoundException',
        `Alias ${aliasArn('alias/none')} is not found.`,
      )
    }
  })

  test('every use of a moved alias goes to the new key at once; old ciphertexts still decrypt', async () => {
    succeeded(await create('alias/moving'))
    const encrypt = async (): Promise<readonly [string, string]> => {
      const input = { KeyId: 'alias/moving', Plaintext: blob('x') }
      const members = succeeded(await kms.kms('Encrypt', input))
      return [textOf(members, 'KeyId'), textOf(members, 'CiphertextBlob')]
    }
    const [first, ciphertext] = await encrypt()
    assert.equal(first, key.arn)
    succeeded(await update('alias/moving', other.arn))
    assert.equal((await encrypt())[0], other.arn)
    const opened = succeeded(await kms.kms('Decrypt', { CiphertextBlob: ciphertext }))
    assert.equal(opened['KeyId'], key.arn)
    refused(
      await kms.kms('Decrypt', { CiphertextBlob: ciphertext, KeyId: 'alias/moving' }),
      'IncorrectKeyException',
      /does not identify a CMK/,
    )
    succeeded(await remove('alias/moving'))
    refused(
      await kms.kms('DescribeKey', { KeyId: 'alias/moving' }),
      'NotFoundException',
      `Alias ${aliasArn('alias/moving')} is not found.`,
    )
  })

  test('a key has room for fifty, by CreateAlias and by UpdateAlias', async () => {
    const full = await createKey(kms)
    for (let at = 0; at < 50; at++) succeeded(await create(`alias/full-${at}`, full.id))
    const told = `The key ${full.arn} already has 50 aliases.`
    refused(await create('alias/full-50', full.id), 'LimitExceededException', told)
    succeeded(await create('alias/elsewhere'))
    refused(await update('alias/elsewhere', full.id), 'LimitExceededException', told)
    succeeded(await update('alias/full-49', full.id))
    succeeded(await remove('alias/full-0'))
    succeeded(await update('alias/elsewhere', full.id))
    refused(await create('alias/full-50', full.id), 'LimitExceededException', told)
    const listed = succeeded(await kms.kms('ListAliases', { KeyId: full.id }))
    assert.equal(listOf(listed, 'Aliases').length, 50)
  })

  test('an alias of a key that waits for its deletion can be moved away and removed', async () => {
    const dying = await createKey(kms)
    succeeded(await create('alias/rescued', dying.id))
    succeeded(await create('alias/dropped', dying.id))
    succeeded(await kms.kms('ScheduleKeyDeletion', { KeyId: dying.id, PendingWindowInDays: 7 }))
    succeeded(await update('alias/rescued'))
    succeeded(await remove('alias/dropped'))
    refused(
      await update('alias/rescued', dying.id),
      'KMSInvalidStateException',
      `${dying.arn} is pending deletion.`,
    )
    succeeded(await kms.kms('Encrypt', { KeyId: 'alias/rescued', Plaintext: blob('x') }))
  })
})
