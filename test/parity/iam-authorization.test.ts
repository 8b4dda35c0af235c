import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-iam'
import {
  ALLOW_ALL,
  arnOf,
  IamAccount,
  OTHER_ACCOUNT,
  policyOf,
  refusesAs,
  trustOf,
} from '../support/iam-account.ts'

describe('what callers of IAM may', () => {
  let account: IamAccount
  let iam: sdk.IAMClient

  before(async () => {
    account = await IamAccount.start()
    iam = account.iam
    await account.addUser('ann', { Tags: [{ Key: 'team', Value: 'a' }] })
    await iam.send(new sdk.CreateGroupCommand({ GroupName: 'staff' }))
    const AssumeRolePolicyDocument = trustOf({ Service: 'ec2.amazonaws.com' })
    await iam.send(new sdk.CreateRoleCommand({ RoleName: 'reader', AssumeRolePolicyDocument }))
    await iam.send(new sdk.CreatePolicyCommand({ PolicyName: 'shared', PolicyDocument: ALLOW_ALL }))
  })

  after(() => account[Symbol.asyncDispose]())

  test('a denial names users, groups, roles and policies as IAM does', async () => {
    const nobody = await account.caller('denied')
    const who = `User: ${arnOf('user/denied')} is not authorized to perform:`
    const why = (action: string) => `because no identity-based policy allows the ${action} action`
    for (const [call, action, resource] of [
      [() => nobody.send(new sdk.GetUserCommand({ UserName: 'ann' })), 'GetUser', 'user ann'],
      [() => nobody.send(new sdk.GetUserCommand({})), 'GetUser', 'user denied'],
      [() => nobody.send(new sdk.GetUserCommand({ UserName: 'no' })), 'GetUser', 'user no'],
      [() => nobody.send(new sdk.GetRoleCommand({ RoleName: 'reader' })), 'GetRole', 'role reader'],
      [() => nobody.send(new sdk.GetGroupCommand({ GroupName: 'g' })), 'GetGroup', 'group g'],
      [
        () => nobody.send(new sdk.GetPolicyCommand({ PolicyArn: arnOf('policy/shared') })),
        'GetPolicy',
        `policy ${arnOf('policy/shared')}`,
      ],
      [() => nobody.send(new sdk.ListUsersCommand({})), 'ListUsers', arnOf('user/')],
      [() => nobody.send(new sdk.ListRolesCommand({})), 'ListRoles', arnOf('role/')],
      [() => nobody.send(new sdk.ListPoliciesCommand({})), 'ListPolicies', 'policy path /'],
      [() => nobody.send(new sdk.GetAccountSummaryCommand({})), 'GetAccountSummary', '*'],
    ] as const) {
      const text = `${who} iam:${action} on resource: ${resource} ${why(`iam:${action}`)}`
      await refusesAs(call(), 'AccessDenied', text)
    }
  })

  test('policies name entities by ARN, with their path', async () => {
    await account.addUser('dot', { Path: '/team/' })
    const limited = await account.caller(
      'limited',
      policyOf({ Effect: 'Allow', Action: 'iam:GetUser', Resource: arnOf('user/team/*') }),
    )
    await limited.send(new sdk.GetUserCommand({ UserName: 'dot' }))
    await refusesAs(
      limited.send(new sdk.GetUserCommand({ UserName: 'limited' })),
      'AccessDenied',
      /user limited because/,
    )
  })

  test('conditions look at tags of the request and of the entity', async () => {
    const tagger = await account.caller(
      'tagger',
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Action: ['iam:CreateUser', 'iam:TagUser'],
            Resource: '*',
            Condition: { StringEquals: { 'aws:RequestTag/team': 'a' } },
          },
          {
            Effect: 'Allow',
            Action: 'iam:DeleteUser',
            Resource: '*',
            Condition: {
              StringEquals: { 'aws:ResourceTag/team': 'a', 'iam:ResourceTag/Team': 'a' },
            },
          },
        ],
      }),
    )
    const create = (UserName: string, team?: string) =>
      tagger.send(
        new sdk.CreateUserCommand({
          UserName,
          ...(team !== undefined && { Tags: [{ Key: 'team', Value: team }] }),
        }),
      )
    await create('with-a', 'a')
    await refusesAs(create('with-b', 'b'), 'AccessDenied', /iam:CreateUser/)
    await refusesAs(create('without'), 'AccessDenied', /iam:CreateUser/)
    await account.addUser('untagged')
    await tagger.send(new sdk.DeleteUserCommand({ UserName: 'with-a' }))
    await refusesAs(
      tagger.send(new sdk.DeleteUserCommand({ UserName: 'untagged' })),
      'AccessDenied',
      /user untagged/,
    )
  })

  test('making something with tags takes the permission to tag', async () => {
    const maker = await account.caller(
      'maker',
      policyOf({ Effect: 'Allow', Action: 'iam:CreateUser', Resource: '*' }),
    )
    await maker.send(new sdk.CreateUserCommand({ UserName: 'made' }))
    const Tags = [{ Key: 'a', Value: 'b' }]
    await refusesAs(
      maker.send(new sdk.CreateUserCommand({ UserName: 'made-too', Tags })),
      'AccessDenied',
      /iam:TagUser on resource: user made-too/,
    )
    await refusesAs(
      iam.send(new sdk.GetUserCommand({ UserName: 'made-too' })),
      'NoSuchEntityException',
      /./,
    )
  })

  test('administrators can be held to a boundary and to policies', async () => {
    const boundary = 'arn:aws:iam::aws:policy/PowerUserAccess'
    const delegate = await account.caller(
      'delegate',
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Action: ['iam:CreateUser', 'iam:PutUserPermissionsBoundary'],
            Resource: '*',
            Condition: { StringEquals: { 'iam:PermissionsBoundary': boundary } },
          },
          {
            Effect: 'Allow',
            Action: 'iam:AttachUserPolicy',
            Resource: '*',
            Condition: {
              ArnEquals: { 'iam:PolicyARN': 'arn:aws:iam::aws:policy/ReadOnlyAccess' },
              StringEquals: { 'iam:PermissionsBoundary': boundary },
            },
          },
        ],
      }),
    )
    const UserName = 'bounded'
    await refusesAs(
      delegate.send(new sdk.CreateUserCommand({ UserName })),
      'AccessDenied',
      /iam:CreateUser/,
    )
    await delegate.send(new sdk.CreateUserCommand({ UserName, PermissionsBoundary: boundary }))
    const attach = (user: string, policy: string) =>
      delegate.send(
        new sdk.AttachUserPolicyCommand({
          UserName: user,
          PolicyArn: `arn:aws:iam::aws:policy/${policy}`,
        }),
      )
    await attach(UserName, 'ReadOnlyAccess')
    await refusesAs(attach(UserName, 'AdministratorAccess'), 'AccessDenied', /AttachUserPolicy/)
    await account.addUser('unbounded')
    await refusesAs(attach('unbounded', 'ReadOnlyAccess'), 'AccessDenied', /AttachUserPolicy/)
    await refusesAs(
      delegate.send(new sdk.DeleteUserPermissionsBoundaryCommand({ UserName })),
      'AccessDenied',
      /DeleteUserPermissionsBoundary/,
    )
    await refusesAs(
      delegate.send(
        new sdk.PutUserPermissionsBoundaryCommand({
          UserName,
          PermissionsBoundary: 'arn:aws:iam::aws:policy/AdministratorAccess',
        }),
      ),
      'AccessDenied',
      /PutUserPermissionsBoundary/,
    )
  })

  test('a role is put into an instance profile by who may pass it', async () => {
    const InstanceProfileName = 'pass'
    await iam.send(new sdk.CreateInstanceProfileCommand({ InstanceProfileName }))
    const passer = await account.caller(
      'passer',
      policyOf({ Effect: 'Allow', Action: 'iam:AddRoleToInstanceProfile', Resource: '*' }),
    )
    await refusesAs(
      passer.send(
        new sdk.AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName: 'reader' }),
      ),
      'AccessDenied',
      `User: ${arnOf('user/passer')} is not authorized to perform: iam:PassRole on resource: role reader because no identity-based policy allows the iam:PassRole action`,
    )
  })

  test('nobody reaches into another account', async () => {
    const admin = await account.caller('reacher', ALLOW_ALL)
    const PolicyArn = arnOf('policy/theirs', OTHER_ACCOUNT)
    const policy = { PolicyName: 'theirs', PolicyDocument: ALLOW_ALL }
    await account.foreign().send(new sdk.CreatePolicyCommand(policy))
    await refusesAs(
      admin.send(new sdk.GetPolicyCommand({ PolicyArn })),
      'NoSuchEntityException',
      `Policy ${PolicyArn} was not found.`,
    )
    await refusesAs(
      admin.send(new sdk.DeletePolicyCommand({ PolicyArn })),
      'NoSuchEntityException',
      `Policy ${PolicyArn} was not found.`,
    )
  })

  test('a change holds with the next call', async () => {
    const caller = await account.caller('quick')
    const input = { UserName: 'quick', PolicyName: 'own', PolicyDocument: ALLOW_ALL }
    const list = () => caller.send(new sdk.ListUsersCommand({}))
    await assert.rejects(list(), { name: 'AccessDenied' })
    await iam.send(new sdk.PutUserPolicyCommand(input))
    await list()
    await iam.send(
      new sdk.PutUserPermissionsBoundaryCommand({
        UserName: 'quick',
        PermissionsBoundary: 'arn:aws:iam::aws:policy/PowerUserAccess',
      }),
    )
    await refusesAs(
      list(),
      'AccessDenied',
      `User: ${arnOf('user/quick')} is not authorized to perform: iam:ListUsers on resource: ${arnOf('user/')} because no permissions boundary allows the iam:ListUsers action`,
    )
    await iam.send(new sdk.DeleteUserPermissionsBoundaryCommand({ UserName: 'quick' }))
    await list()
    await iam.send(new sdk.DeleteUserPolicyCommand(input))
    await assert.rejects(list(), { name: 'AccessDenied' })
  })
})
