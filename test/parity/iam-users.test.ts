import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-iam'
import { ACCOUNT, ALLOW_ALL, arnOf, IamAccount, refusesAs } from '../support/iam-account.ts'

describe('users', () => {
  let account: IamAccount
  let iam: sdk.IAMClient

  before(async () => {
    account = await IamAccount.start()
    iam = account.iam
  })

  after(() => account[Symbol.asyncDispose]())

  test('have an ARN with their path, an id and the time they were made', async () => {
    const made = await iam.send(
      new sdk.CreateUserCommand({
        UserName: 'ann',
        Path: '/team/a/',
        Tags: [{ Key: 'team', Value: 'a' }],
      }),
    )
    const { UserId, ...user } = made.User ?? {}
    assert.match(UserId ?? '', /^AIDA[A-Z2-7]{17}$/)
    const shown = {
      Path: '/team/a/',
      UserName: 'ann',
      Arn: arnOf('user/team/a/ann'),
      CreateDate: new Date('2026-01-15T10:00:00.000Z'),
    }
    assert.deepEqual(user, { ...shown, Tags: [{ Key: 'team', Value: 'a' }] })
    const { User } = await iam.send(new sdk.GetUserCommand({ UserName: 'ANN' }))
    assert.deepEqual(User, { ...user, UserId })
    const { Users } = await iam.send(new sdk.ListUsersCommand({ PathPrefix: '/team/' }))
    assert.deepEqual(Users, [{ ...shown, UserId }], 'listings leave tags out')
    assert.deepEqual(account.recordOf(made)['requestParameters'], {
      userName: 'ann',
      path: '/team/a/',
      tags: [{ key: 'team', value: 'a' }],
    })
    assert.deepEqual(account.recordOf(made)['responseElements'], {
      user: {
        path: '/team/a/',
        userName: 'ann',
        userId: UserId,
        arn: arnOf('user/team/a/ann'),
        createDate: 'Jan 15, 2026, 10:00:00 AM',
        tags: [{ key: 'team', value: 'a' }],
      },
    })
  })

  test('have names that are unique whatever their case and path', async () => {
    await account.addUser('Ben')
    for (const input of [{ UserName: 'ben' }, { UserName: 'BEN', Path: '/x/' }]) {
      await refusesAs(
        iam.send(new sdk.CreateUserCommand(input)),
        'EntityAlreadyExistsException',
        `User with name ${input.UserName} already exists.`,
      )
    }
  })

  for (const [input, message] of [
    [
      { UserName: 'a b' },
      'The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-',
    ],
    [
      { UserName: 'x'.repeat(65) },
      `1 validation error detected: Value '${'x'.repeat(65)}' at 'userName' failed to satisfy constraint: Member must have length less than or equal to 64`,
    ],
    [
      { UserName: 'x', Path: 'team' },
      'The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.',
    ],
    [
      { UserName: '' },
      "1 validation error detected: Value '' at 'userName' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
  ] as const) {
    test(`are not made of ${JSON.stringify(input).slice(0, 40)}`, async () => {
      const call = iam.send(new sdk.CreateUserCommand(input))
      await refusesAs(call, 'ValidationError', message)
    })
  }

  test('keep their id, groups and keys under another name', async () => {
    const { UserId } = await account.addUser('cat')
    const keys = await account.addKey('cat')
    await iam.send(new sdk.CreateGroupCommand({ GroupName: 'cats' }))
    await iam.send(new sdk.AddUserToGroupCommand({ GroupName: 'cats', UserName: 'cat' }))
    await iam.send(
      new sdk.UpdateUserCommand({ UserName: 'cat', NewUserName: 'Kat', NewPath: '/k/' }),
    )
    const { User } = await iam.send(new sdk.GetUserCommand({ UserName: 'kat' }))
    assert.deepEqual([User?.UserId, User?.Arn], [UserId, arnOf('user/k/Kat')])
    const { Groups } = await iam.send(new sdk.ListGroupsForUserCommand({ UserName: 'Kat' }))
    assert.deepEqual(
      Groups?.map(({ GroupName }) => GroupName),
      ['cats'],
    )
    await iam.send(
      new sdk.PutUserPolicyCommand({
        UserName: 'Kat',
        PolicyName: 'own',
        PolicyDocument: ALLOW_ALL,
      }),
    )
    const self = await account.clientOf(keys).send(new sdk.GetUserCommand({}))
    assert.equal(self.User?.UserName, 'Kat')
    await refusesAs(
      iam.send(new sdk.GetUserCommand({ UserName: 'cat' })),
      'NoSuchEntityException',
      'The user with name cat cannot be found.',
    )
    await account.addUser('cat')
    await refusesAs(
      iam.send(new sdk.UpdateUserCommand({ UserName: 'cat', NewUserName: 'KAT' })),
      'EntityAlreadyExistsException',
      'User with name KAT already exists.',
    )
    await iam.send(new sdk.UpdateUserCommand({ UserName: 'Kat', NewUserName: 'KAT' }))
    const again = await iam.send(new sdk.GetUserCommand({ UserName: 'kat' }))
    assert.deepEqual([again.User?.UserName, again.User?.UserId], ['KAT', UserId])
  })

  test('go only once nothing is theirs any more, and come back as somebody else', async () => {
    const UserName = 'dan'
    const { UserId } = await account.addUser(UserName)
    const { accessKeyId: AccessKeyId } = await account.addKey(UserName)
    const PolicyArn = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
    const own = { UserName, PolicyName: 'own' }
    await iam.send(new sdk.AttachUserPolicyCommand({ UserName, PolicyArn }))
    await iam.send(new sdk.PutUserPolicyCommand({ ...own, PolicyDocument: ALLOW_ALL }))
    await iam.send(new sdk.CreateGroupCommand({ GroupName: 'dans' }))
    await iam.send(new sdk.AddUserToGroupCommand({ GroupName: 'dans', UserName }))
    const remove = () => iam.send(new sdk.DeleteUserCommand({ UserName }))
    const conflicts = (message: string) =>
      refusesAs(remove(), 'DeleteConflictException', `Cannot delete entity, must ${message} first.`)
    await conflicts('delete access keys')
    await iam.send(new sdk.DeleteAccessKeyCommand({ UserName, AccessKeyId }))
    await conflicts('detach all policies')
    await iam.send(new sdk.DetachUserPolicyCommand({ UserName, PolicyArn }))
    await conflicts('delete policies')
    await iam.send(new sdk.DeleteUserPolicyCommand(own))
    await conflicts('remove users from group')
    await iam.send(new sdk.RemoveUserFromGroupCommand({ GroupName: 'dans', UserName }))
    const gone = await remove()
    assert.equal(account.recordOf(gone)['responseElements'], null)
    await refusesAs(remove(), 'NoSuchEntityException', 'The user with name dan cannot be found.')
    const { UserId: otherId } = await account.addUser(UserName)
    assert.notEqual(otherId, UserId)
  })

  test('are nobody else’s: another account has its own', async () => {
    await account.addUser('eve')
    const foreign = account.foreign()
    await refusesAs(
      foreign.send(new sdk.GetUserCommand({ UserName: 'eve' })),
      'NoSuchEntityException',
      'The user with name eve cannot be found.',
    )
    const { Users } = await foreign.send(new sdk.ListUsersCommand({}))
    assert.deepEqual(Users, [])
  })

  test('of several who are given one name at once are made once, with two access keys at most', async () => {
    const UserName = 'race'
    const outcomes = async (calls: readonly Promise<unknown>[]) => {
      const settled = await Promise.allSettled(calls)
      return settled.filter(({ status }) => status === 'fulfilled').length
    }
    const five = [1, 2, 3, 4, 5]
    const create = () => iam.send(new sdk.CreateUserCommand({ UserName }))
    assert.equal(await outcomes(five.map(create)), 1)
    const addKey = () => iam.send(new sdk.CreateAccessKeyCommand({ UserName }))
    assert.equal(await outcomes(five.map(addKey)), 2)
  })

  test('are whoever calls, where none is named', async () => {
    const { User } = await iam.send(new sdk.GetUserCommand({}))
    assert.deepEqual([User?.UserId, User?.Arn], [ACCOUNT, arnOf('root')])
    const fay = await account.caller('fay', ALLOW_ALL)
    const self = await fay.send(new sdk.GetUserCommand({}))
    assert.equal(self.User?.Arn, arnOf('user/fay'))
  })

  test('and groups are two things of one name', async () => {
    await account.addUser('ops')
    const made = await iam.send(new sdk.CreateGroupCommand({ GroupName: 'ops', Path: '/g/' }))
    assert.match(made.Group?.GroupId ?? '', /^AGPA[A-Z2-7]{17}$/)
    assert.equal(made.Group?.Arn, arnOf('group/g/ops'))
    await refusesAs(
      iam.send(new sdk.CreateGroupCommand({ GroupName: 'OPS' })),
      'EntityAlreadyExistsException',
      'Group with name OPS already exists.',
    )
    await iam.send(
      new sdk.UpdateGroupCommand({ GroupName: 'ops', NewGroupName: 'operators', NewPath: '/' }),
    )
    const { Group } = await iam.send(new sdk.GetGroupCommand({ GroupName: 'Operators' }))
    assert.deepEqual([Group?.GroupId, Group?.Arn], [made.Group?.GroupId, arnOf('group/operators')])
    await iam.send(new sdk.DeleteGroupCommand({ GroupName: 'operators' }))
    await refusesAs(
      iam.send(new sdk.GetGroupCommand({ GroupName: 'operators' })),
      'NoSuchEntityException',
      'The group with name operators cannot be found.',
    )
  })

  test('are in at most ten groups, and each group goes last', async () => {
    const UserName = 'gil'
    await account.addUser(UserName)
    for (let at = 0; at < 11; at++) {
      await iam.send(new sdk.CreateGroupCommand({ GroupName: `gils-${at}` }))
    }
    const join = (at: number) =>
      iam.send(new sdk.AddUserToGroupCommand({ GroupName: `gils-${at}`, UserName }))
    for (let at = 0; at < 10; at++) await join(at)
    await join(0)
    await refusesAs(join(10), 'LimitExceededException', 'Cannot exceed quota for GroupsPerUser: 10')
    await refusesAs(
      iam.send(new sdk.DeleteGroupCommand({ GroupName: 'gils-0' })),
      'DeleteConflictException',
      'Cannot delete entity, must remove users from group first.',
    )
    await refusesAs(
      iam.send(new sdk.AddUserToGroupCommand({ GroupName: 'gils-0', UserName: 'nobody' })),
      'NoSuchEntityException',
      'The user with name nobody cannot be found.',
    )
    await refusesAs(
      iam.send(new sdk.AddUserToGroupCommand({ GroupName: 'nowhere', UserName })),
      'NoSuchEntityException',
      'The group with name nowhere cannot be found.',
    )
  })

  test('have none of what is not kept here', async () => {
    await account.addUser('hal')
    const UserName = 'hal'
    const mfa = await iam.send(new sdk.ListMFADevicesCommand({ UserName }))
    const ssh = await iam.send(new sdk.ListSSHPublicKeysCommand({ UserName }))
    const certificates = await iam.send(new sdk.ListSigningCertificatesCommand({ UserName }))
    const services = await iam.send(new sdk.ListServiceSpecificCredentialsCommand({ UserName }))
    assert.deepEqual([mfa.MFADevices, ssh.SSHPublicKeys, certificates.Certificates], [[], [], []])
    assert.deepEqual(services.ServiceSpecificCredentials, [])
    for (const command of [
      new sdk.GetLoginProfileCommand({ UserName }),
      new sdk.DeleteLoginProfileCommand({ UserName }),
    ]) {
      await refusesAs(
        // Both commands are of one client; their union is not one of its overloads.
        iam.send(command as sdk.GetLoginProfileCommand),
        'NoSuchEntityException',
        'Login Profile for User hal cannot be found.',
      )
    }
    await refusesAs(
      iam.send(new sdk.ListMFADevicesCommand({ UserName: 'nobody' })),
      'NoSuchEntityException',
      'The user with name nobody cannot be found.',
    )
  })
})
