import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-iam'
import {
  ALLOW_ALL,
  arnOf,
  decoded,
  IamAccount,
  policyOf,
  refusesAs,
  trustOf,
} from '../support/iam-account.ts'

const ADMIN = 'arn:aws:iam::aws:policy/AdministratorAccess'
const SEE_KEYS = policyOf({ Effect: 'Allow', Action: 'kms:List*', Resource: '*' })

/** A policy of exactly so many characters that count. */
const policyOfSize = (size: number): string => {
  const empty = policyOf({ Sid: '', Effect: 'Allow', Action: '*', Resource: '*' })
  return empty.replace('"Sid":""', `"Sid":"${'x'.repeat(size - empty.length)}"`)
}

describe('policies', () => {
  let account: IamAccount
  let iam: sdk.IAMClient

  before(async () => {
    account = await IamAccount.start()
    iam = account.iam
    await account.addUser('ann')
    await iam.send(new sdk.CreateGroupCommand({ GroupName: 'staff' }))
    await iam.send(
      new sdk.CreateRoleCommand({
        RoleName: 'reader',
        AssumeRolePolicyDocument: trustOf({ Service: 'ec2.amazonaws.com' }),
      }),
    )
  })

  after(() => account[Symbol.asyncDispose]())

  const addPolicy = async (PolicyName: string, PolicyDocument = SEE_KEYS, Path = '/') => {
    const input = { PolicyName, PolicyDocument, Path }
    const { Policy } = await iam.send(new sdk.CreatePolicyCommand(input))
    return Policy?.Arn ?? assert.fail()
  }

  test('have up to five versions, of which one is in effect', async () => {
    const made = await iam.send(
      new sdk.CreatePolicyCommand({
        PolicyName: 'Many',
        Path: '/p/',
        Description: 'of many versions',
        PolicyDocument: SEE_KEYS,
        Tags: [{ Key: 'a', Value: 'b' }],
      }),
    )
    const PolicyArn = made.Policy?.Arn ?? ''
    assert.equal(PolicyArn, arnOf('policy/p/Many'))
    assert.match(made.Policy?.PolicyId ?? '', /^ANPA[A-Z2-7]{17}$/)
    const add = (SetAsDefault: boolean) =>
      iam.send(
        new sdk.CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: ALLOW_ALL, SetAsDefault }),
      )
    const second = await add(true)
    assert.deepEqual(
      [second.PolicyVersion?.VersionId, second.PolicyVersion?.IsDefaultVersion],
      ['v2', true],
    )
    for (let at = 3; at <= 5; at++) await add(false)
    await refusesAs(
      add(false),
      'LimitExceededException',
      'A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.',
    )
    const listed = await iam.send(new sdk.ListPolicyVersionsCommand({ PolicyArn }))
    assert.deepEqual(
      listed.Versions?.map(({ VersionId, IsDefaultVersion }) => [VersionId, IsDefaultVersion]),
      [
        ['v5', false],
        ['v4', false],
        ['v3', false],
        ['v2', true],
        ['v1', false],
      ],
    )
    const { Policy } = await iam.send(new sdk.GetPolicyCommand({ PolicyArn }))
    assert.deepEqual(
      [Policy?.DefaultVersionId, Policy?.Description, Policy?.Tags, Policy?.IsAttachable],
      ['v2', 'of many versions', [{ Key: 'a', Value: 'b' }], true],
    )
  })

  test('end with their versions, whose numbers are not given twice', async () => {
    const PolicyArn = await addPolicy('Ending')
    const add = (SetAsDefault: boolean) =>
      iam.send(
        new sdk.CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: ALLOW_ALL, SetAsDefault }),
      )
    for (const isDefault of [true, false, false, false]) await add(isDefault)
    const remove = (VersionId: string) =>
      iam.send(new sdk.DeletePolicyVersionCommand({ PolicyArn, VersionId }))
    await refusesAs(
      remove('v2'),
      'DeleteConflictException',
      'Cannot delete the default version of a policy.',
    )
    await refusesAs(
      remove('v9'),
      'NoSuchEntityException',
      `Policy ${PolicyArn} version v9 does not exist or is not attachable.`,
    )
    await remove('v5')
    assert.equal((await add(false)).PolicyVersion?.VersionId, 'v6')
    await iam.send(new sdk.SetDefaultPolicyVersionCommand({ PolicyArn, VersionId: 'v1' }))
    const { PolicyVersion } = await iam.send(
      new sdk.GetPolicyVersionCommand({ PolicyArn, VersionId: 'v1' }),
    )
    assert.equal(decoded(PolicyVersion?.Document), SEE_KEYS)
    const removeAll = () => iam.send(new sdk.DeletePolicyCommand({ PolicyArn }))
    await refusesAs(
      removeAll(),
      'DeleteConflictException',
      /^This policy has more than one version\./,
    )
    for (const version of ['v2', 'v3', 'v4', 'v6']) await remove(version)
    await removeAll()
    await refusesAs(removeAll(), 'NoSuchEntityException', `Policy ${PolicyArn} was not found.`)
  })

  test('have names that are unique whatever their case and path', async () => {
    await addPolicy('Twice')
    await refusesAs(
      addPolicy('twice', SEE_KEYS, '/elsewhere/'),
      'EntityAlreadyExistsException',
      'A policy called twice already exists. Duplicate names are not allowed.',
    )
  })

  test('are well formed and have 6,144 characters, white space not counted', async () => {
    const text = `${policyOfSize(6144)}${' '.repeat(2000)}`
    const PolicyArn = await addPolicy('large', text)
    const { PolicyVersion } = await iam.send(
      new sdk.GetPolicyVersionCommand({ PolicyArn, VersionId: 'v1' }),
    )
    assert.equal(decoded(PolicyVersion?.Document), text, 'kept as it was given')
    await refusesAs(
      addPolicy('larger', policyOfSize(6145)),
      'LimitExceededException',
      'Cannot exceed quota for PolicySize: 6144',
    )
    for (const wrong of ['{', '{}', policyOf({ Effect: 'Allow' }), trustOf('*')]) {
      await refusesAs(addPolicy('wrong', wrong), 'MalformedPolicyDocumentException', /./)
      const inline = { UserName: 'ann', PolicyName: 'wrong', PolicyDocument: wrong }
      await refusesAs(
        iam.send(new sdk.PutUserPolicyCommand(inline)),
        'MalformedPolicyDocumentException',
        /./,
      )
    }
    await refusesAs(
      addPolicy('strange', policyOf({ Sid: '\u2026' })),
      'ValidationError',
      'The specified value for policyDocument is invalid. It must contain only printable ASCII characters.',
    )
  })

  test('are attached to users, groups and roles, and cannot go while they are', async () => {
    const PolicyArn = await addPolicy('shared', SEE_KEYS, '/shared/')
    await iam.send(new sdk.AttachUserPolicyCommand({ UserName: 'ann', PolicyArn }))
    await iam.send(new sdk.AttachUserPolicyCommand({ UserName: 'ANN', PolicyArn }))
    await iam.send(new sdk.AttachGroupPolicyCommand({ GroupName: 'staff', PolicyArn }))
    await iam.send(new sdk.AttachRolePolicyCommand({ RoleName: 'reader', PolicyArn }))
    const { Policy } = await iam.send(new sdk.GetPolicyCommand({ PolicyArn }))
    assert.equal(Policy?.AttachmentCount, 3)
    const entities = await iam.send(new sdk.ListEntitiesForPolicyCommand({ PolicyArn }))
    assert.deepEqual(
      [
        entities.PolicyUsers?.map(({ UserName }) => UserName),
        entities.PolicyGroups?.map(({ GroupName }) => GroupName),
        entities.PolicyRoles?.map(({ RoleName }) => RoleName),
      ],
      [['ann'], ['staff'], ['reader']],
    )
    const onlyRoles = await iam.send(
      new sdk.ListEntitiesForPolicyCommand({ PolicyArn, EntityFilter: 'Role' }),
    )
    assert.deepEqual([onlyRoles.PolicyUsers, onlyRoles.PolicyRoles?.length], [[], 1])
    const attached = await iam.send(
      new sdk.ListAttachedUserPoliciesCommand({ UserName: 'ann', PathPrefix: '/shared/' }),
    )
    assert.deepEqual(attached.AttachedPolicies, [{ PolicyName: 'shared', PolicyArn }])
    await refusesAs(
      iam.send(new sdk.DeletePolicyCommand({ PolicyArn })),
      'DeleteConflictException',
      'Cannot delete a policy attached to entities.',
    )
    await iam.send(new sdk.DetachUserPolicyCommand({ UserName: 'ann', PolicyArn }))
    await iam.send(new sdk.DetachGroupPolicyCommand({ GroupName: 'staff', PolicyArn }))
    await iam.send(new sdk.DetachRolePolicyCommand({ RoleName: 'reader', PolicyArn }))
    await refusesAs(
      iam.send(new sdk.DetachRolePolicyCommand({ RoleName: 'reader', PolicyArn })),
      'NoSuchEntityException',
      `Policy ${PolicyArn} was not found.`,
    )
    await iam.send(new sdk.DeletePolicyCommand({ PolicyArn }))
  })

  test('are attached where they exist, to ten at most', async () => {
    const attach = (PolicyArn: string) =>
      iam.send(new sdk.AttachGroupPolicyCommand({ GroupName: 'staff', PolicyArn }))
    for (const missing of [arnOf('policy/none'), 'arn:aws:iam::aws:policy/None']) {
      await refusesAs(
        attach(missing),
        'NoSuchEntityException',
        `Policy ${missing} does not exist or is not attachable.`,
      )
    }
    const foreign = arnOf('policy/theirs', '444455556666')
    await refusesAs(attach(foreign), 'NoSuchEntityException', /does not exist/)
    await refusesAs(
      attach('this is no ARN at all'),
      'InvalidInputException',
      'ARN this is no ARN at all is not valid.',
    )
    for (let at = 0; at < 10; at++) await attach(await addPolicy(`ten-${at}`))
    await refusesAs(
      attach(ADMIN),
      'LimitExceededException',
      'Cannot exceed quota for PoliciesPerGroup: 10',
    )
  })

  test('of AWS are there for everybody, and nobody changes them', async () => {
    const { Policy } = await iam.send(new sdk.GetPolicyCommand({ PolicyArn: ADMIN }))
    assert.deepEqual([Policy?.PolicyName, Policy?.DefaultVersionId], ['AdministratorAccess', 'v1'])
    const PolicyArn = ADMIN
    await refusesAs(
      iam.send(new sdk.CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: SEE_KEYS })),
      'AccessDenied',
      `User: ${arnOf('root')} is not authorized to perform: iam:CreatePolicyVersion on resource: policy ${ADMIN}`,
    )
    await refusesAs(iam.send(new sdk.DeletePolicyCommand({ PolicyArn })), 'AccessDenied', /Delete/)
    const tag = new sdk.TagPolicyCommand({ PolicyArn, Tags: [{ Key: 'a', Value: 'b' }] })
    await refusesAs(iam.send(tag), 'AccessDenied', /TagPolicy/)
    await iam.send(new sdk.AttachUserPolicyCommand({ UserName: 'ann', PolicyArn }))
    const foreign = await account.foreign().send(new sdk.GetPolicyCommand({ PolicyArn }))
    assert.equal(foreign.Policy?.AttachmentCount, 0, 'attachments are counted by account')
    await iam.send(new sdk.DetachUserPolicyCommand({ UserName: 'ann', PolicyArn }))
  })

  test('are listed by scope, path, use and attachment', async () => {
    const boundary = await addPolicy('a-boundary', ALLOW_ALL, '/listed/')
    const used = await addPolicy('b-used', ALLOW_ALL, '/listed/')
    await addPolicy('c-unused', ALLOW_ALL, '/listed/')
    await iam.send(
      new sdk.PutUserPermissionsBoundaryCommand({ UserName: 'ann', PermissionsBoundary: boundary }),
    )
    await iam.send(new sdk.AttachRolePolicyCommand({ RoleName: 'reader', PolicyArn: used }))
    const names = async (input: sdk.ListPoliciesCommandInput) => {
      const { Policies } = await iam.send(new sdk.ListPoliciesCommand(input))
      return Policies?.map(({ PolicyName }) => PolicyName)
    }
    const PathPrefix = '/listed/'
    assert.deepEqual(await names({ PathPrefix }), ['a-boundary', 'b-used', 'c-unused'])
    assert.deepEqual(await names({ PathPrefix, OnlyAttached: true }), ['a-boundary', 'b-used'])
    assert.deepEqual(await names({ PathPrefix, PolicyUsageFilter: 'PermissionsBoundary' }), [
      'a-boundary',
    ])
    assert.deepEqual(await names({ PathPrefix, PolicyUsageFilter: 'PermissionsPolicy' }), [
      'b-used',
    ])
    assert.deepEqual(await names({ PathPrefix, Scope: 'AWS' }), [])
    assert.deepEqual(await names({ PathPrefix: '/job-function/' }), ['ViewOnlyAccess'])
    const onlyAws = await names({ Scope: 'AWS' })
    assert.ok(onlyAws?.includes('AdministratorAccess') && !onlyAws.includes('b-used'))
  })

  test('bound what users and roles may do', async () => {
    const bounded = await account.addUser('bea', { PermissionsBoundary: ADMIN })
    assert.deepEqual(bounded.PermissionsBoundary, {
      PermissionsBoundaryType: 'PermissionsBoundaryPolicy',
      PermissionsBoundaryArn: ADMIN,
    })
    const missing = arnOf('policy/none')
    await refusesAs(
      account.addUser('cyd', { PermissionsBoundary: missing }),
      'NoSuchEntityException',
      `Scope ARN: ${missing} does not exist or is not attachable.`,
    )
    const PolicyArn = await addPolicy('bound')
    const RoleName = 'reader'
    await iam.send(
      new sdk.PutRolePermissionsBoundaryCommand({ RoleName, PermissionsBoundary: PolicyArn }),
    )
    const entities = await iam.send(
      new sdk.ListEntitiesForPolicyCommand({ PolicyArn, PolicyUsageFilter: 'PermissionsBoundary' }),
    )
    assert.deepEqual(
      entities.PolicyRoles?.map((role) => role.RoleName),
      [RoleName],
    )
    await refusesAs(
      iam.send(new sdk.DeletePolicyCommand({ PolicyArn })),
      'DeleteConflictException',
      'Cannot delete a policy attached to entities.',
    )
    await iam.send(new sdk.DeleteRolePermissionsBoundaryCommand({ RoleName }))
    const { Role } = await iam.send(new sdk.GetRoleCommand({ RoleName }))
    assert.equal(Role?.PermissionsBoundary, undefined)
    await iam.send(new sdk.DeletePolicyCommand({ PolicyArn }))
    await iam.send(new sdk.DeleteUserPermissionsBoundaryCommand({ UserName: 'bea' }))
    await iam.send(new sdk.DeleteUserCommand({ UserName: 'bea' }))
  })

  test('of one holder are kept as given, and have a size together', async () => {
    const put = (PolicyName: string, PolicyDocument: string) =>
      iam.send(new sdk.PutUserPolicyCommand({ UserName: 'ann', PolicyName, PolicyDocument }))
    const spaced = `${SEE_KEYS}  \n`
    await put('spaced', spaced)
    const { PolicyDocument } = await iam.send(
      new sdk.GetUserPolicyCommand({ UserName: 'ann', PolicyName: 'spaced' }),
    )
    assert.equal(decoded(PolicyDocument), spaced)
    await put('rest', policyOfSize(2048 - SEE_KEYS.length))
    await refusesAs(
      put('more', SEE_KEYS),
      'LimitExceededException',
      'Maximum policy size of 2048 bytes exceeded for user ann',
    )
    const { PolicyNames } = await iam.send(new sdk.ListUserPoliciesCommand({ UserName: 'ann' }))
    assert.deepEqual(PolicyNames, ['rest', 'spaced'])
    for (const PolicyName of ['rest', 'spaced']) {
      await iam.send(new sdk.DeleteUserPolicyCommand({ UserName: 'ann', PolicyName }))
    }
    const none = { PolicyName: 'none' }
    for (const [call, message] of [
      [() => iam.send(new sdk.GetUserPolicyCommand({ UserName: 'ann', ...none })), 'user'],
      [() => iam.send(new sdk.GetGroupPolicyCommand({ GroupName: 'staff', ...none })), 'group'],
      [() => iam.send(new sdk.GetRolePolicyCommand({ RoleName: 'reader', ...none })), 'role'],
    ] as const) {
      await refusesAs(
        call(),
        'NoSuchEntityException',
        `The ${message} policy with name none cannot be found.`,
      )
    }
  })

  test('of groups and roles may be longer', async () => {
    const group = { GroupName: 'staff', PolicyName: 'own' }
    const role = { RoleName: 'reader', PolicyName: '__proto__' }
    const putGroup = (PolicyDocument: string) =>
      iam.send(new sdk.PutGroupPolicyCommand({ ...group, PolicyDocument }))
    const putRole = (PolicyDocument: string) =>
      iam.send(new sdk.PutRolePolicyCommand({ ...role, PolicyDocument }))
    await putGroup(policyOfSize(5120))
    await refusesAs(putGroup(policyOfSize(5121)), 'LimitExceededException', /5120 bytes/)
    await putRole(policyOfSize(10_240))
    await refusesAs(putRole(policyOfSize(10_241)), 'LimitExceededException', /10240 bytes/)
    const { PolicyName } = await iam.send(new sdk.GetRolePolicyCommand(role))
    assert.equal(PolicyName, '__proto__', 'a name like any other')
    await iam.send(new sdk.DeleteRolePolicyCommand(role))
    await iam.send(new sdk.DeleteGroupPolicyCommand(group))
    const { PolicyNames } = await iam.send(new sdk.ListRolePoliciesCommand({ RoleName: 'reader' }))
    assert.deepEqual(PolicyNames, [])
  })
})
