import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-iam'
import {
  ACCOUNT,
  ALLOW_ALL,
  arnOf,
  decoded,
  IamAccount,
  policyOf,
  refusesAs,
  trustOf,
} from '../support/iam-account.ts'

const EC2 = trustOf({ Service: 'ec2.amazonaws.com' })

describe('roles', () => {
  let account: IamAccount
  let iam: sdk.IAMClient

  before(async () => {
    account = await IamAccount.start()
    iam = account.iam
  })

  after(() => account[Symbol.asyncDispose]())

  const addRole = async (RoleName: string, trust = EC2) => {
    const input = { RoleName, AssumeRolePolicyDocument: trust }
    const { Role } = await iam.send(new sdk.CreateRoleCommand(input))
    return Role ?? assert.fail()
  }

  const trustPolicyOf = async (RoleName: string) => {
    const { Role } = await iam.send(new sdk.GetRoleCommand({ RoleName }))
    const policy: { Statement: [{ Principal: { AWS: string } }] } = JSON.parse(
      decoded(Role?.AssumeRolePolicyDocument),
    )
    return policy.Statement[0].Principal
  }

  test('have a trust policy, a description and a longest session', async () => {
    const made = await iam.send(
      new sdk.CreateRoleCommand({
        RoleName: 'builder',
        Path: '/ci/',
        Description: 'Builds (and tests)',
        MaxSessionDuration: 7200,
        AssumeRolePolicyDocument: EC2,
        Tags: [{ Key: 'team', Value: 'ci' }],
      }),
    )
    const { Role } = await iam.send(new sdk.GetRoleCommand({ RoleName: 'BUILDER' }))
    const { RoleId, AssumeRolePolicyDocument, ...role } = Role ?? {}
    assert.match(RoleId ?? '', /^AROA[A-Z2-7]{17}$/)
    assert.equal(decoded(AssumeRolePolicyDocument), EC2)
    assert.ok(
      !/[!'()*{}" ]/.test(AssumeRolePolicyDocument ?? ''),
      'percent-encoded as RFC 3986 says',
    )
    assert.deepEqual(role, {
      Path: '/ci/',
      RoleName: 'builder',
      Arn: arnOf('role/ci/builder'),
      CreateDate: new Date('2026-01-15T10:00:00.000Z'),
      Description: 'Builds (and tests)',
      MaxSessionDuration: 7200,
      Tags: [{ Key: 'team', Value: 'ci' }],
      RoleLastUsed: {},
    })
    const record = account.recordOf(made)
    assert.deepEqual(
      [record['eventSource'], record['eventName'], record['awsRegion'], record['readOnly']],
      ['iam.amazonaws.com', 'CreateRole', 'us-east-1', false],
    )
    await iam.send(new sdk.UpdateRoleCommand({ RoleName: 'builder', MaxSessionDuration: 3600 }))
    await iam.send(
      new sdk.UpdateRoleDescriptionCommand({ RoleName: 'builder', Description: 'Builds' }),
    )
    const changed = await iam.send(new sdk.GetRoleCommand({ RoleName: 'builder' }))
    assert.deepEqual(
      [changed.Role?.MaxSessionDuration, changed.Role?.Description],
      [3600, 'Builds'],
    )
  })

  test('have names that are unique whatever their case', async () => {
    await addRole('Once')
    await refusesAs(
      addRole('once'),
      'EntityAlreadyExistsException',
      'Role with name once already exists.',
    )
  })

  test('trust users by id: who is made again under the name is not meant', async () => {
    await account.addUser('ann')
    await addRole('friend', trustOf({ AWS: arnOf('user/ann') }))
    assert.deepEqual(await trustPolicyOf('friend'), { AWS: arnOf('user/ann') })
    await iam.send(new sdk.UpdateUserCommand({ UserName: 'ann', NewUserName: 'anna' }))
    assert.deepEqual(await trustPolicyOf('friend'), { AWS: arnOf('user/anna') })
    const { User } = await iam.send(new sdk.GetUserCommand({ UserName: 'anna' }))
    await iam.send(new sdk.DeleteUserCommand({ UserName: 'anna' }))
    assert.deepEqual(await trustPolicyOf('friend'), { AWS: User?.UserId })
    await account.addUser('anna')
    assert.deepEqual(await trustPolicyOf('friend'), { AWS: User?.UserId })
  })

  test('show an account as its root', async () => {
    await addRole('open', trustOf({ AWS: ACCOUNT }))
    assert.deepEqual(await trustPolicyOf('open'), { AWS: arnOf('root') })
  })

  for (const [what, trust, message] of [
    [
      'a user who is not there',
      trustOf({ AWS: arnOf('user/nobody') }),
      `Invalid principal in policy: "AWS":"${arnOf('user/nobody')}"`,
    ],
    ['a group', trustOf({ AWS: arnOf('group/g') }), /^Invalid principal in policy: "AWS":/],
    ['no service', trustOf({ Service: 'ec2' }), /^Invalid principal in policy: "SERVICE":"ec2"$/],
    ['nothing', '{"Version":"2012-10-17","Statement":[]}', /./],
    ['no JSON', '{', /./],
    [
      'a resource',
      policyOf({ Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole', Resource: '*' }),
      /./,
    ],
  ] as const) {
    test(`do not trust ${what}`, async () => {
      await refusesAs(addRole('refused', trust), 'MalformedPolicyDocumentException', message)
      await iam.send(new sdk.DeleteRoleCommand({ RoleName: 'kept' })).catch(() => undefined)
      await addRole('kept')
      await refusesAs(
        iam.send(
          new sdk.UpdateAssumeRolePolicyCommand({ RoleName: 'kept', PolicyDocument: trust }),
        ),
        'MalformedPolicyDocumentException',
        message,
      )
      assert.deepEqual(await trustPolicyOf('kept'), { Service: 'ec2.amazonaws.com' })
    })
  }

  test('have trust policies of 2,048 characters, white space not counted', async () => {
    const padded = (characters: number, blanks: number) =>
      policyOf({
        Sid: 'x'.repeat(characters),
        Effect: 'Allow',
        Principal: '*',
        Action: 'sts:AssumeRole',
      }).replace('{', `{${' '.repeat(blanks)}`)
    await addRole('wide', padded(1900, 1000))
    await refusesAs(
      addRole('wider', padded(2000, 0)),
      'LimitExceededException',
      'Cannot exceed quota for ACLSizePerRole: 2048',
    )
  })

  test('change whom they trust', async () => {
    await addRole('fickle')
    const PolicyDocument = trustOf({ AWS: '*' })
    const changed = await iam.send(
      new sdk.UpdateAssumeRolePolicyCommand({ RoleName: 'fickle', PolicyDocument }),
    )
    assert.deepEqual(await trustPolicyOf('fickle'), { AWS: '*' })
    assert.deepEqual(account.recordOf(changed)['requestParameters'], {
      roleName: 'fickle',
      policyDocument: PolicyDocument,
    })
  })

  test('are in instance profiles, one in each, and go only when they are in none', async () => {
    const RoleName = 'server'
    await addRole(RoleName)
    await addRole('another')
    const InstanceProfileName = 'Web'
    const made = await iam.send(
      new sdk.CreateInstanceProfileCommand({ InstanceProfileName, Path: '/web/' }),
    )
    assert.match(made.InstanceProfile?.InstanceProfileId ?? '', /^AIPA[A-Z2-7]{17}$/)
    assert.deepEqual(made.InstanceProfile?.Roles, [])
    await refusesAs(
      iam.send(new sdk.CreateInstanceProfileCommand({ InstanceProfileName: 'web' })),
      'EntityAlreadyExistsException',
      'Instance Profile web already exists.',
    )
    const put = (name: string) =>
      iam.send(
        new sdk.AddRoleToInstanceProfileCommand({ InstanceProfileName: 'web', RoleName: name }),
      )
    await put(RoleName)
    await refusesAs(
      put('another'),
      'LimitExceededException',
      'Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1',
    )
    const { InstanceProfile } = await iam.send(
      new sdk.GetInstanceProfileCommand({ InstanceProfileName }),
    )
    assert.equal(InstanceProfile?.Arn, arnOf('instance-profile/web/Web'))
    assert.equal(InstanceProfile.Roles?.[0]?.RoleName, RoleName)
    const listed = await iam.send(new sdk.ListInstanceProfilesForRoleCommand({ RoleName }))
    assert.equal(listed.InstanceProfiles?.[0]?.InstanceProfileName, 'Web')
    const first = 'Cannot delete entity, must remove roles from instance profile first.'
    const removeRole = () => iam.send(new sdk.DeleteRoleCommand({ RoleName }))
    await refusesAs(removeRole(), 'DeleteConflictException', first)
    const removeProfile = () =>
      iam.send(new sdk.DeleteInstanceProfileCommand({ InstanceProfileName }))
    await refusesAs(removeProfile(), 'DeleteConflictException', first)
    const take = (name: string) =>
      iam.send(
        new sdk.RemoveRoleFromInstanceProfileCommand({ InstanceProfileName, RoleName: name }),
      )
    await refusesAs(
      take('another'),
      'NoSuchEntityException',
      'The role with name another cannot be found.',
    )
    await take(RoleName)
    await removeProfile()
    await removeRole()
    await refusesAs(
      removeProfile(),
      'NoSuchEntityException',
      'Instance Profile Web cannot be found.',
    )
    await refusesAs(
      removeRole(),
      'NoSuchEntityException',
      'The role with name server cannot be found.',
    )
  })

  test('go only once they have no policies', async () => {
    const RoleName = 'held'
    await addRole(RoleName)
    const PolicyArn = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
    await iam.send(new sdk.AttachRolePolicyCommand({ RoleName, PolicyArn }))
    const own = { RoleName, PolicyName: 'own' }
    await iam.send(new sdk.PutRolePolicyCommand({ ...own, PolicyDocument: ALLOW_ALL }))
    const conflicts = (message: string) =>
      refusesAs(
        iam.send(new sdk.DeleteRoleCommand({ RoleName })),
        'DeleteConflictException',
        message,
      )
    await conflicts('Cannot delete entity, must detach all policies first.')
    await iam.send(new sdk.DetachRolePolicyCommand({ RoleName, PolicyArn }))
    await conflicts('Cannot delete entity, must delete policies first.')
    await iam.send(new sdk.DeleteRolePolicyCommand(own))
    await iam.send(new sdk.DeleteRoleCommand({ RoleName }))
  })

  test('are not linked to services', async () => {
    await refusesAs(
      iam.send(new sdk.CreateServiceLinkedRoleCommand({ AWSServiceName: 'x.amazonaws.com' })),
      'InvalidInputException',
      /not supported/,
    )
  })
})
