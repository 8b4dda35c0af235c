import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-iam'
import { ALLOW_ALL, arnOf, IamAccount, refusesAs, trustOf } from '../support/iam-account.ts'

const THUMBPRINT = 'cf23df2207d99a74fbe169e3eba035e633b65d94'

describe('tags', () => {
  let account: IamAccount
  let iam: sdk.IAMClient

  before(async () => {
    account = await IamAccount.start()
    iam = account.iam
    await account.addUser('ann')
  })

  after(() => account[Symbol.asyncDispose]())

  const tagsOf = async (UserName: string) =>
    (await iam.send(new sdk.ListUserTagsCommand({ UserName }))).Tags

  test('have keys without case: a key in another case takes the place of the first', async () => {
    const UserName = 'ann'
    const tag = (...Tags: sdk.Tag[]) => iam.send(new sdk.TagUserCommand({ UserName, Tags }))
    await tag({ Key: 'Team', Value: 'a' }, { Key: 'stage', Value: '' })
    await tag({ Key: 'TEAM', Value: 'b' })
    assert.deepEqual(await tagsOf(UserName), [
      { Key: 'TEAM', Value: 'b' },
      { Key: 'stage', Value: '' },
    ])
    await refusesAs(
      tag({ Key: 'x', Value: '1' }, { Key: 'X', Value: '2' }),
      'InvalidInputException',
      'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
    )
    await refusesAs(tag({ Key: 'aws:x', Value: '1' }), 'InvalidInputException', /aws:/)
    await refusesAs(tag({ Key: 'no!', Value: '1' }), 'ValidationError', /regular expression/)
    await iam.send(new sdk.UntagUserCommand({ UserName, TagKeys: ['team', 'none'] }))
    assert.deepEqual(await tagsOf(UserName), [{ Key: 'stage', Value: '' }])
  })

  test('are fifty at most', async () => {
    await account.addUser('ben', {
      Tags: Array.from({ length: 50 }, (_, at) => ({ Key: `k${at}`, Value: 'v' })),
    })
    const Tags = [{ Key: 'one-more', Value: 'v' }]
    await refusesAs(
      iam.send(new sdk.TagUserCommand({ UserName: 'ben', Tags })),
      'LimitExceededException',
      'The number of tags has reached the maximum limit.',
    )
    await iam.send(
      new sdk.TagUserCommand({ UserName: 'ben', Tags: [{ Key: 'K0', Value: 'other' }] }),
    )
  })

  test('are on roles, policies, providers and instance profiles, too', async () => {
    const Tags = [{ Key: 'a', Value: 'ü ñ' }]
    const RoleName = 'r'
    const AssumeRolePolicyDocument = trustOf({ Service: 'ec2.amazonaws.com' })
    await iam.send(new sdk.CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }))
    await iam.send(new sdk.TagRoleCommand({ RoleName, Tags }))
    const roleTags = await iam.send(new sdk.ListRoleTagsCommand({ RoleName }))

    const policy = { PolicyName: 'p', PolicyDocument: ALLOW_ALL }
    await iam.send(new sdk.CreatePolicyCommand(policy))
    const PolicyArn = arnOf('policy/p')
    await iam.send(new sdk.TagPolicyCommand({ PolicyArn, Tags }))
    const policyTags = await iam.send(new sdk.ListPolicyTagsCommand({ PolicyArn }))

    const InstanceProfileName = 'i'
    await iam.send(new sdk.CreateInstanceProfileCommand({ InstanceProfileName }))
    await iam.send(new sdk.TagInstanceProfileCommand({ InstanceProfileName, Tags }))
    const profileTags = await iam.send(
      new sdk.ListInstanceProfileTagsCommand({ InstanceProfileName }),
    )

    const provider = { Url: 'https://tags.example.com', ThumbprintList: [THUMBPRINT] }
    const { OpenIDConnectProviderArn } = await iam.send(
      new sdk.CreateOpenIDConnectProviderCommand(provider),
    )
    await iam.send(new sdk.TagOpenIDConnectProviderCommand({ OpenIDConnectProviderArn, Tags }))
    const providerTags = await iam.send(
      new sdk.ListOpenIDConnectProviderTagsCommand({ OpenIDConnectProviderArn }),
    )
    for (const listed of [roleTags, policyTags, profileTags, providerTags]) {
      assert.deepEqual([listed.Tags, listed.IsTruncated], [Tags, false])
    }
    const TagKeys = ['A']
    await iam.send(new sdk.UntagRoleCommand({ RoleName, TagKeys }))
    await iam.send(new sdk.UntagPolicyCommand({ PolicyArn, TagKeys }))
    await iam.send(new sdk.UntagInstanceProfileCommand({ InstanceProfileName, TagKeys }))
    await iam.send(new sdk.UntagOpenIDConnectProviderCommand({ OpenIDConnectProviderArn, TagKeys }))
    const left = await iam.send(new sdk.GetInstanceProfileCommand({ InstanceProfileName }))
    assert.deepEqual(left.InstanceProfile?.Tags, [])
  })
})

describe('OpenID Connect providers', () => {
  let account: IamAccount
  let iam: sdk.IAMClient

  before(async () => {
    account = await IamAccount.start()
    iam = account.iam
  })

  after(() => account[Symbol.asyncDispose]())

  test('have a URL, audiences and thumbprints', async () => {
    const made = await iam.send(
      new sdk.CreateOpenIDConnectProviderCommand({
        Url: 'https://token.example.com/tenant',
        ClientIDList: ['one'],
        ThumbprintList: [THUMBPRINT],
        Tags: [{ Key: 'a', Value: 'b' }],
      }),
    )
    const OpenIDConnectProviderArn = made.OpenIDConnectProviderArn
    assert.equal(OpenIDConnectProviderArn, arnOf('oidc-provider/token.example.com/tenant'))
    const client = (ClientID: string) => ({ OpenIDConnectProviderArn, ClientID })
    await iam.send(new sdk.AddClientIDToOpenIDConnectProviderCommand(client('two')))
    await iam.send(new sdk.AddClientIDToOpenIDConnectProviderCommand(client('two')))
    await iam.send(new sdk.RemoveClientIDFromOpenIDConnectProviderCommand(client('one')))
    await iam.send(new sdk.RemoveClientIDFromOpenIDConnectProviderCommand(client('none')))
    await iam.send(
      new sdk.UpdateOpenIDConnectProviderThumbprintCommand({
        OpenIDConnectProviderArn,
        ThumbprintList: ['f'.repeat(40)],
      }),
    )
    const { $metadata: _, ...provider } = await iam.send(
      new sdk.GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn }),
    )
    assert.deepEqual(provider, {
      Url: 'token.example.com/tenant',
      ClientIDList: ['two'],
      ThumbprintList: ['f'.repeat(40)],
      CreateDate: new Date('2026-01-15T10:00:00.000Z'),
      Tags: [{ Key: 'a', Value: 'b' }],
    })
    const listed = await iam.send(new sdk.ListOpenIDConnectProvidersCommand({}))
    assert.deepEqual(listed.OpenIDConnectProviderList, [{ Arn: OpenIDConnectProviderArn }])
    const again = { Url: 'https://token.example.com/tenant' }
    await refusesAs(
      iam.send(new sdk.CreateOpenIDConnectProviderCommand(again)),
      'EntityAlreadyExistsException',
      'Provider with url https://token.example.com/tenant already exists.',
    )
    await iam.send(new sdk.DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn }))
    await refusesAs(
      iam.send(new sdk.GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn })),
      'NoSuchEntityException',
      `OpenIDConnect Provider not found for arn ${OpenIDConnectProviderArn}`,
    )
  })

  for (const [input, name] of [
    [{ Url: 'http://token.example.com' }, 'ValidationError'],
    [{ Url: 'https://token.example.com?x=1' }, 'ValidationError'],
    [{ Url: 'https://user@token.example.com' }, 'ValidationError'],
    [{ Url: 'token.example.com' }, 'ValidationError'],
    [{ Url: 'https://a.example.com', ThumbprintList: ['x'.repeat(40)] }, 'InvalidInputException'],
    [
      { Url: 'https://a.example.com', ThumbprintList: Array(6).fill(THUMBPRINT) },
      'InvalidInputException',
    ],
  ] as const) {
    test(`are not made of ${JSON.stringify(input).slice(0, 60)}`, async () => {
      // Each row lacks or adds members of one input.
      const call = new sdk.CreateOpenIDConnectProviderCommand(
        input as sdk.CreateOpenIDConnectProviderCommandInput,
      )
      await refusesAs(iam.send(call), name, /./)
    })
  }

  test('the account has one name, which no other has', async () => {
    const name = (AccountAlias: string) =>
      iam.send(new sdk.CreateAccountAliasCommand({ AccountAlias }))
    const aliases = async () =>
      (await iam.send(new sdk.ListAccountAliasesCommand({}))).AccountAliases
    assert.deepEqual(await aliases(), [])
    await name('acme')
    await name('acme')
    await refusesAs(
      account.foreign().send(new sdk.CreateAccountAliasCommand({ AccountAlias: 'acme' })),
      'EntityAlreadyExistsException',
      'The account alias acme already exists.',
    )
    await name('acme-two')
    assert.deepEqual(await aliases(), ['acme-two'])
    await refusesAs(
      iam.send(new sdk.DeleteAccountAliasCommand({ AccountAlias: 'acme' })),
      'NoSuchEntityException',
      /acme cannot be found/,
    )
    await refusesAs(name('-x'), 'ValidationError', /accountAlias/)
    await iam.send(new sdk.DeleteAccountAliasCommand({ AccountAlias: 'acme-two' }))
    assert.deepEqual(await aliases(), [])
  })
})
