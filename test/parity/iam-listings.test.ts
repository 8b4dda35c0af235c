import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-iam'
import { ALLOW_ALL, arnOf, IamAccount, refusesAs, trustOf } from '../support/iam-account.ts'

const NUMBERS = [1, 2, 3, 4, 5]

/** What a page of some listing has in common with those of others. */
interface Page {
  readonly IsTruncated?: boolean | undefined
  readonly Marker?: string | undefined
}

describe('listings', () => {
  let account: IamAccount
  let iam: sdk.IAMClient

  before(async () => {
    account = await IamAccount.start()
    iam = account.iam
    await account.addUser('Owner')
    await iam.send(new sdk.CreateGroupCommand({ GroupName: 'all' }))
    const RoleName = 'owner'
    const AssumeRolePolicyDocument = trustOf({ Service: 'ec2.amazonaws.com' })
    await iam.send(new sdk.CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }))
    for (const at of NUMBERS) {
      const Path = at % 2 === 0 ? '/even/' : '/odd/'
      // Out of order, and in another case.
      const name = `${at % 2 === 0 ? 'X' : 'x'}${(at * 3) % 7}`
      await account.addUser(name, { Path })
      await iam.send(new sdk.CreateGroupCommand({ GroupName: name, Path }))
      await iam.send(new sdk.AddUserToGroupCommand({ GroupName: 'all', UserName: name }))
      await iam.send(new sdk.AddUserToGroupCommand({ GroupName: name, UserName: 'Owner' }))
      const role = { RoleName: name, AssumeRolePolicyDocument, Path }
      await iam.send(new sdk.CreateRoleCommand(role))
      await iam.send(new sdk.CreateInstanceProfileCommand({ InstanceProfileName: name, Path }))
      const profile = { InstanceProfileName: name, RoleName }
      await iam.send(new sdk.AddRoleToInstanceProfileCommand(profile))
      const policy = { PolicyName: name, PolicyDocument: ALLOW_ALL, Path }
      const { Policy } = await iam.send(new sdk.CreatePolicyCommand(policy))
      const PolicyArn = Policy?.Arn
      await iam.send(new sdk.AttachUserPolicyCommand({ UserName: 'Owner', PolicyArn }))
      const own = { UserName: 'Owner', PolicyName: name, PolicyDocument: ALLOW_ALL }
      await iam.send(new sdk.PutUserPolicyCommand(own))
      const Tags = [{ Key: name, Value: '' }]
      await iam.send(new sdk.TagUserCommand({ UserName: 'Owner', Tags }))
    }
  })

  after(() => account[Symbol.asyncDispose]())

  /** Every item, in pages of two, of which all but the last are full and have a marker. */
  const pageThrough = async <Item>(
    read: (page: { MaxItems: number; Marker?: string | undefined }) => Promise<Page>,
    itemsOf: (page: Page) => readonly Item[] | undefined,
  ): Promise<readonly Item[]> => {
    const all: Item[] = []
    let Marker: string | undefined
    for (;;) {
      const page = await read({ MaxItems: 2, Marker })
      const items = itemsOf(page) ?? assert.fail('no items')
      all.push(...items)
      assert.equal(page.IsTruncated, page.Marker !== undefined)
      if (page.Marker === undefined) return all
      assert.equal(items.length, 2)
      assert.ok(page.Marker.length <= 320)
      Marker = page.Marker
    }
  }

  const inOrder = ['x1', 'x2', 'x3', 'X5', 'X6']
  const even = ['X5', 'X6']

  for (const [what, expected, read, itemsOf] of [
    [
      'ListUsers',
      ['Owner', ...inOrder],
      (page: object) => iam.send(new sdk.ListUsersCommand(page)),
      (page: sdk.ListUsersCommandOutput) => page.Users?.map((one) => one.UserName),
    ],
    [
      'ListUsers of a path',
      even,
      (page: object) => iam.send(new sdk.ListUsersCommand({ ...page, PathPrefix: '/even/' })),
      (page: sdk.ListUsersCommandOutput) => page.Users?.map((one) => one.UserName),
    ],
    [
      'ListGroups',
      ['all', ...inOrder],
      (page: object) => iam.send(new sdk.ListGroupsCommand(page)),
      (page: sdk.ListGroupsCommandOutput) => page.Groups?.map((one) => one.GroupName),
    ],
    [
      'ListRoles',
      ['owner', ...inOrder],
      (page: object) => iam.send(new sdk.ListRolesCommand(page)),
      (page: sdk.ListRolesCommandOutput) => page.Roles?.map((one) => one.RoleName),
    ],
    [
      'ListInstanceProfiles of a path',
      even,
      (page: object) =>
        iam.send(new sdk.ListInstanceProfilesCommand({ ...page, PathPrefix: '/even/' })),
      (page: sdk.ListInstanceProfilesCommandOutput) =>
        page.InstanceProfiles?.map((one) => one.InstanceProfileName),
    ],
    [
      'ListInstanceProfilesForRole',
      inOrder,
      (page: object) =>
        iam.send(new sdk.ListInstanceProfilesForRoleCommand({ ...page, RoleName: 'owner' })),
      (page: sdk.ListInstanceProfilesForRoleCommandOutput) =>
        page.InstanceProfiles?.map((one) => one.InstanceProfileName),
    ],
    [
      'ListPolicies of the account',
      ['X5', 'X6', 'x1', 'x2', 'x3'],
      (page: object) => iam.send(new sdk.ListPoliciesCommand({ ...page, Scope: 'Local' })),
      (page: sdk.ListPoliciesCommandOutput) => page.Policies?.map((one) => one.PolicyName),
    ],
    [
      'ListAttachedUserPolicies',
      ['X5', 'X6', 'x1', 'x2', 'x3'],
      (page: object) =>
        iam.send(new sdk.ListAttachedUserPoliciesCommand({ ...page, UserName: 'Owner' })),
      (page: sdk.ListAttachedUserPoliciesCommandOutput) =>
        page.AttachedPolicies?.map((one) => one.PolicyName),
    ],
    [
      'ListUserPolicies',
      ['X5', 'X6', 'x1', 'x2', 'x3'],
      (page: object) => iam.send(new sdk.ListUserPoliciesCommand({ ...page, UserName: 'Owner' })),
      (page: sdk.ListUserPoliciesCommandOutput) => page.PolicyNames,
    ],
    [
      'ListUserTags',
      ['X5', 'X6', 'x1', 'x2', 'x3'],
      (page: object) => iam.send(new sdk.ListUserTagsCommand({ ...page, UserName: 'Owner' })),
      (page: sdk.ListUserTagsCommandOutput) => page.Tags?.map((one) => one.Key),
    ],
    [
      'ListGroupsForUser',
      ['X5', 'X6', 'x1', 'x2', 'x3'],
      (page: object) => iam.send(new sdk.ListGroupsForUserCommand({ ...page, UserName: 'Owner' })),
      (page: sdk.ListGroupsForUserCommandOutput) => page.Groups?.map((one) => one.GroupName),
    ],
    [
      'GetGroup',
      ['X5', 'X6', 'x1', 'x2', 'x3'],
      (page: object) => iam.send(new sdk.GetGroupCommand({ ...page, GroupName: 'all' })),
      (page: sdk.GetGroupCommandOutput) => page.Users?.map((one) => one.UserName),
    ],
    [
      'ListEntitiesForPolicy',
      ['Owner'],
      (page: object) =>
        iam.send(
          new sdk.ListEntitiesForPolicyCommand({ ...page, PolicyArn: arnOf('policy/odd/x3') }),
        ),
      (page: sdk.ListEntitiesForPolicyCommandOutput) =>
        page.PolicyUsers?.map((one) => one.UserName),
    ],
    [
      'GetAccountAuthorizationDetails of users and groups',
      ['Owner', ...inOrder, 'all', ...inOrder],
      (page: object) =>
        iam.send(
          new sdk.GetAccountAuthorizationDetailsCommand({ ...page, Filter: ['User', 'Group'] }),
        ),
      (page: sdk.GetAccountAuthorizationDetailsCommandOutput) => [
        ...(page.UserDetailList ?? []).map((one) => one.UserName),
        ...(page.GroupDetailList ?? []).map((one) => one.GroupName),
      ],
    ],
  ] as const) {
    test(`${what} comes in pages, in order`, async () => {
      // Each row reads and takes apart the pages of one command.
      const names = await pageThrough<string | undefined>(read, (page) => itemsOf(page as never))
      assert.deepEqual(names, expected)
    })
  }

  test('markers hold for their own listing alone', async () => {
    const { Marker } = await iam.send(new sdk.ListUsersCommand({ MaxItems: 1 }))
    assert.ok(Marker)
    for (const call of [
      () => iam.send(new sdk.ListRolesCommand({ Marker })),
      () => iam.send(new sdk.ListUsersCommand({ Marker, PathPrefix: '/even/' })),
      () => iam.send(new sdk.ListUsersCommand({ Marker: `${Marker.slice(0, -1)}_` })),
      () => account.foreign().send(new sdk.ListUsersCommand({ Marker })),
      () => iam.send(new sdk.ListUsersCommand({ Marker: 'x' })),
    ]) {
      await refusesAs(call(), 'ValidationError', 'Invalid Marker.')
    }
    for (const MaxItems of [0, 1001]) {
      await refusesAs(
        iam.send(new sdk.ListUsersCommand({ MaxItems })),
        'ValidationError',
        /at 'maxItems' failed to satisfy constraint/,
      )
    }
  })

  test('the summary counts what there is', async () => {
    const { SummaryMap } = await iam.send(new sdk.GetAccountSummaryCommand({}))
    const { Users, Groups, Roles, Policies, PolicyVersionsInUse, InstanceProfiles } =
      SummaryMap ?? {}
    assert.deepEqual(
      { Users, Groups, Roles, Policies, PolicyVersionsInUse, InstanceProfiles },
      { Users: 6, Groups: 6, Roles: 6, Policies: 5, PolicyVersionsInUse: 5, InstanceProfiles: 5 },
    )
    assert.deepEqual([SummaryMap?.['UsersQuota'], SummaryMap?.['PolicySizeQuota']], [5000, 6144])
  })

  test('the details say everything of everybody', async () => {
    const details = await iam.send(new sdk.GetAccountAuthorizationDetailsCommand({}))
    const owner = details.UserDetailList?.find((user) => user.UserName === 'Owner')
    assert.equal(owner?.UserPolicyList?.length, 5)
    assert.equal(owner.AttachedManagedPolicies?.length, 5)
    assert.deepEqual(owner.GroupList?.toSorted(), ['X5', 'X6', 'x1', 'x2', 'x3'])
    const role = details.RoleDetailList?.find((one) => one.RoleName === 'owner')
    assert.equal(role?.InstanceProfileList?.length, 5)
    assert.equal(details.Policies?.length, 5)
    assert.equal(details.Policies[0]?.PolicyVersionList?.[0]?.VersionId, 'v1')
    const input = { UserName: 'x1', PolicyArn: 'arn:aws:iam::aws:policy/SecurityAudit' }
    await iam.send(new sdk.AttachUserPolicyCommand(input))
    const used = await iam.send(
      new sdk.GetAccountAuthorizationDetailsCommand({ Filter: ['AWSManagedPolicy'] }),
    )
    assert.deepEqual(
      used.Policies?.map((policy) => policy.PolicyName),
      ['SecurityAudit'],
    )
  })
})
