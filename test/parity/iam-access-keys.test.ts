import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-iam'
import { KMSClient, ListKeysCommand } from '@aws-sdk/client-kms'
import { ACCOUNT, ALLOW_ALL, IamAccount, type KeyPair, refusesAs } from '../support/iam-account.ts'

describe('access keys', () => {
  let account: IamAccount
  let iam: sdk.IAMClient

  before(async () => {
    account = await IamAccount.start()
    iam = account.iam
  })

  after(() => account[Symbol.asyncDispose]())

  const usesKms = async (credentials: KeyPair): Promise<void> => {
    const { endpoint } = account.node
    const kms = new KMSClient({ endpoint, region: 'eu-central-1', credentials, maxAttempts: 1 })
    await kms.send(new ListKeysCommand({}))
    kms.destroy()
  }

  const refused = (call: Promise<unknown>) =>
    assert.rejects(call, { name: /^(UnrecognizedClientException|InvalidClientTokenId)$/ })

  const addAdmin = async (UserName: string): Promise<KeyPair> => {
    await account.addUser(UserName)
    const input = { UserName, PolicyName: 'all', PolicyDocument: ALLOW_ALL }
    await iam.send(new sdk.PutUserPolicyCommand(input))
    return account.addKey(UserName)
  }

  test('are shown with their secret once, and sign at once', async () => {
    await account.addUser('ann')
    const made = await iam.send(new sdk.CreateAccessKeyCommand({ UserName: 'ann' }))
    assert.ok(made.AccessKey)
    const { SecretAccessKey, ...key } = made.AccessKey
    assert.match(SecretAccessKey ?? '', /^[A-Za-z0-9+/]{40}$/)
    assert.match(key.AccessKeyId ?? '', /^AKIA[A-Z2-7]{16}$/)
    const { AccessKeyMetadata } = await iam.send(new sdk.ListAccessKeysCommand({ UserName: 'ann' }))
    assert.deepEqual(AccessKeyMetadata, [key])
    assert.deepEqual(account.recordOf(made)['responseElements'], {
      accessKey: {
        userName: 'ann',
        accessKeyId: key.AccessKeyId,
        status: 'Active',
        createDate: 'Jan 15, 2026, 10:00:00 AM',
      },
    })
    const everywhere = [...account.node.sink.texts, ...account.node.log.lines].join('\n')
    assert.ok(!everywhere.includes(SecretAccessKey ?? 'missing'))
  })

  test('are two at most', async () => {
    await account.addUser('ben')
    await account.addKey('ben')
    const { accessKeyId: AccessKeyId } = await account.addKey('ben')
    await refusesAs(
      iam.send(new sdk.CreateAccessKeyCommand({ UserName: 'ben' })),
      'LimitExceededException',
      'Cannot exceed quota for AccessKeysPerUser: 2',
    )
    await iam.send(new sdk.DeleteAccessKeyCommand({ UserName: 'ben', AccessKeyId }))
    await account.addKey('ben')
  })

  test('stop with the call that takes them out of use, and start with the one that puts them back', async () => {
    const keys = await addAdmin('cat')
    const set = (Status: sdk.StatusType) =>
      iam.send(
        new sdk.UpdateAccessKeyCommand({
          UserName: 'cat',
          AccessKeyId: keys.accessKeyId,
          Status,
        }),
      )
    await usesKms(keys)
    await set('Inactive')
    await refused(usesKms(keys))
    await set('Active')
    await usesKms(keys)
    await refusesAs(set('Expired'), 'InvalidInputException', /Expired/)
  })

  test('never work again once deleted', async () => {
    const keys = await addAdmin('dan')
    const one = { UserName: 'dan', AccessKeyId: keys.accessKeyId }
    await iam.send(new sdk.DeleteAccessKeyCommand(one))
    await refused(usesKms(keys))
    const gone = `The Access Key with id ${keys.accessKeyId} cannot be found.`
    await refusesAs(
      iam.send(new sdk.UpdateAccessKeyCommand({ ...one, Status: 'Active' })),
      'NoSuchEntityException',
      gone,
    )
    await refusesAs(iam.send(new sdk.DeleteAccessKeyCommand(one)), 'NoSuchEntityException', gone)
    await refusesAs(
      iam.send(new sdk.GetAccessKeyLastUsedCommand({ AccessKeyId: keys.accessKeyId })),
      'NoSuchEntityException',
      gone,
    )
    const own = { UserName: 'dan', PolicyName: 'all' }
    await iam.send(new sdk.DeleteUserPolicyCommand(own))
    await iam.send(new sdk.DeleteUserCommand({ UserName: 'dan' }))
    await account.addUser('dan')
    await refused(usesKms(keys))
  })

  test('are changed by naming whose they are', async () => {
    await account.addUser('eve')
    const { accessKeyId: AccessKeyId } = await account.addKey('eve')
    await account.addUser('fay')
    for (const [client, UserName] of [
      [iam, 'fay'],
      [iam, undefined],
      [account.foreign(), undefined],
    ] as const) {
      await refusesAs(
        client.send(new sdk.DeleteAccessKeyCommand({ UserName, AccessKeyId })),
        'NoSuchEntityException',
        `The Access Key with id ${AccessKeyId} cannot be found.`,
      )
    }
    await refusesAs(
      account.foreign().send(new sdk.GetAccessKeyLastUsedCommand({ AccessKeyId })),
      'NoSuchEntityException',
      `The Access Key with id ${AccessKeyId} cannot be found.`,
    )
  })

  test('are the caller’s own where no user is named', async () => {
    const keys = await addAdmin('gil')
    const gil = account.clientOf(keys)
    const { AccessKey } = await gil.send(new sdk.CreateAccessKeyCommand({}))
    assert.equal(AccessKey?.UserName, 'gil')
    const { AccessKeyMetadata } = await gil.send(new sdk.ListAccessKeysCommand({}))
    assert.deepEqual(
      new Set(AccessKeyMetadata?.map((key) => key.AccessKeyId)),
      new Set([AccessKey.AccessKeyId, keys.accessKeyId]),
    )
  })

  test('of the root are made and ended without a user', async () => {
    const { AccessKey } = await iam.send(new sdk.CreateAccessKeyCommand({}))
    assert.equal(AccessKey?.UserName, undefined)
    const credentials = {
      accessKeyId: AccessKey?.AccessKeyId ?? '',
      secretAccessKey: AccessKey?.SecretAccessKey ?? '',
    }
    const root = account.clientOf(credentials)
    const { User } = await root.send(new sdk.GetUserCommand({}))
    assert.equal(User?.UserId, ACCOUNT)
    await root.send(new sdk.DeleteAccessKeyCommand({ AccessKeyId: credentials.accessKeyId }))
    await refused(root.send(new sdk.GetUserCommand({})))
  })

  test('tell when and where they were used last', async () => {
    const keys = await addAdmin('hal')
    const lastUse = async () => {
      const input = { AccessKeyId: keys.accessKeyId }
      const { $metadata: _, ...use } = await iam.send(new sdk.GetAccessKeyLastUsedCommand(input))
      return use
    }
    assert.deepEqual(await lastUse(), {
      UserName: 'hal',
      AccessKeyLastUsed: { ServiceName: 'N/A', Region: 'N/A' },
    })
    await usesKms(keys)
    assert.deepEqual(await lastUse(), {
      UserName: 'hal',
      AccessKeyLastUsed: {
        LastUsedDate: new Date('2026-01-15T10:00:00.000Z'),
        ServiceName: 'kms',
        Region: 'eu-central-1',
      },
    })
  })
})
