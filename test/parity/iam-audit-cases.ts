import { ACCOUNT, ALLOW_ALL, arnOf, trustOf } from '../support/iam-account.ts'
import type { JsonObject } from '../support/memory-node.ts'

/** What a reply of the SDK has, one member after the other. */
export type Reply = Readonly<Record<string, Readonly<Record<string, unknown>>>>

export interface IamAuditCase {
  readonly operation: string
  readonly input?: object
  /** `responseElements`; null where absent. */
  readonly elements?: (reply: Reply) => unknown
  /** `errorCode`, of a call that fails. */
  readonly error?: string
  /** Members that the record must not have. */
  readonly hidden?: readonly string[]
}

/** When everything here happens, as CloudTrail writes it. */
const NOW = 'Jan 15, 2026, 10:00:00 AM'
const encoded = (policy: string): string => encodeURIComponent(policy)
const TRUST = trustOf({ Service: 'ec2.amazonaws.com' })
const BOUNDARY = 'arn:aws:iam::aws:policy/PowerUserAccess'
const PROVIDER = arnOf('oidc-provider/token.example.com')
const POLICY_ARN = arnOf('policy/shared')
const TAG = { Key: 'Team', Value: 'blue' }

const ann = { UserName: 'ann' }
const staff = { GroupName: 'staff' }
const reader = { RoleName: 'reader' }
const web = { InstanceProfileName: 'web' }
const shared = { PolicyArn: POLICY_ARN }
const provider = { OpenIDConnectProviderArn: PROVIDER }
const own = { PolicyName: 'own' }
const document = { PolicyDocument: ALLOW_ALL }
const simulated = { ActionNames: ['kms:Decrypt'] }

const call = (operation: string, input: object = {}): IamAuditCase => ({ operation, input })
const failing = (operation: string, input: object, error: string): IamAuditCase => ({
  operation,
  input,
  error,
})

/** A member of a structure of the reply. */
const of = (reply: Reply, structure: string, member: string): unknown => reply[structure]?.[member]

const roleElements = (reply: Reply, more: JsonObject = {}): object => ({
  role: {
    path: '/',
    roleName: 'reader',
    roleId: of(reply, 'Role', 'RoleId'),
    arn: arnOf('role/reader'),
    createDate: NOW,
    assumeRolePolicyDocument: encoded(TRUST),
    maxSessionDuration: 3600,
    ...more,
  },
})

const MAKING: readonly IamAuditCase[] = [
  {
    operation: 'CreateUser',
    input: { ...ann, Path: '/eng/', PermissionsBoundary: BOUNDARY, Tags: [TAG] },
    elements: (reply) => ({
      user: {
        path: '/eng/',
        userName: 'ann',
        userId: of(reply, 'User', 'UserId'),
        arn: arnOf('user/eng/ann'),
        createDate: NOW,
        permissionsBoundary: {
          permissionsBoundaryType: 'PermissionsBoundaryPolicy',
          permissionsBoundaryArn: BOUNDARY,
        },
        tags: [{ key: 'Team', value: 'blue' }],
      },
    }),
  },
  {
    operation: 'CreateGroup',
    input: staff,
    elements: (reply) => ({
      group: {
        path: '/',
        groupName: 'staff',
        groupId: of(reply, 'Group', 'GroupId'),
        arn: arnOf('group/staff'),
        createDate: NOW,
      },
    }),
  },
  {
    operation: 'CreateRole',
    input: { ...reader, AssumeRolePolicyDocument: TRUST },
    elements: (reply) => roleElements(reply),
  },
  {
    operation: 'CreatePolicy',
    input: { PolicyName: 'shared', ...document, Description: 'everything' },
    elements: (reply) => ({
      policy: {
        policyName: 'shared',
        policyId: of(reply, 'Policy', 'PolicyId'),
        arn: POLICY_ARN,
        path: '/',
        defaultVersionId: 'v1',
        attachmentCount: 0,
        permissionsBoundaryUsageCount: 0,
        isAttachable: true,
        createDate: NOW,
        updateDate: NOW,
      },
    }),
  },
  {
    operation: 'CreatePolicyVersion',
    input: { ...shared, ...document, SetAsDefault: true },
    elements: () => ({
      policyVersion: { versionId: 'v2', isDefaultVersion: true, createDate: NOW },
    }),
  },
  {
    operation: 'CreateInstanceProfile',
    input: web,
    elements: (reply) => ({
      instanceProfile: {
        path: '/',
        instanceProfileName: 'web',
        instanceProfileId: of(reply, 'InstanceProfile', 'InstanceProfileId'),
        arn: arnOf('instance-profile/web'),
        createDate: NOW,
        roles: [],
      },
    }),
  },
  {
    operation: 'CreateOpenIDConnectProvider',
    input: {
      Url: 'https://token.example.com',
      ClientIDList: ['audience'],
      ThumbprintList: ['f'.repeat(40)],
    },
    elements: () => ({ openIDConnectProviderArn: PROVIDER }),
  },
  {
    operation: 'CreateAccessKey',
    input: ann,
    elements: (reply) => ({
      accessKey: {
        userName: 'ann',
        accessKeyId: of(reply, 'AccessKey', 'AccessKeyId'),
        status: 'Active',
        createDate: NOW,
      },
    }),
  },
  call('CreateAccountAlias', { AccountAlias: 'acme' }),
]

const CHANGES: readonly IamAuditCase[] = [
  call('AddUserToGroup', { ...staff, ...ann }),
  call('AddRoleToInstanceProfile', { ...web, ...reader }),
  call('AddClientIDToOpenIDConnectProvider', { ...provider, ClientID: 'second' }),
  call('AttachGroupPolicy', { ...staff, ...shared }),
  call('AttachRolePolicy', { ...reader, ...shared }),
  call('AttachUserPolicy', { ...ann, ...shared }),
  call('PutGroupPolicy', { ...staff, ...own, ...document }),
  call('PutRolePolicy', { ...reader, ...own, ...document }),
  call('PutUserPolicy', { ...ann, ...own, ...document }),
  call('PutRolePermissionsBoundary', { ...reader, PermissionsBoundary: BOUNDARY }),
  call('PutUserPermissionsBoundary', { ...ann, PermissionsBoundary: BOUNDARY }),
  call('TagInstanceProfile', { ...web, Tags: [TAG] }),
  call('TagOpenIDConnectProvider', { ...provider, Tags: [TAG] }),
  call('TagPolicy', { ...shared, Tags: [TAG] }),
  call('TagRole', { ...reader, Tags: [TAG] }),
  call('TagUser', { ...ann, Tags: [TAG] }),
  call('UpdateAssumeRolePolicy', { ...reader, PolicyDocument: TRUST }),
  call('UpdateOpenIDConnectProviderThumbprint', {
    ...provider,
    ThumbprintList: ['e'.repeat(40)],
  }),
  call('UpdateRole', { ...reader, Description: 'reads' }),
  {
    operation: 'UpdateRoleDescription',
    input: { ...reader, Description: 'reads more' },
    elements: (reply) =>
      roleElements(reply, {
        description: 'reads more',
        roleLastUsed: {},
        permissionsBoundary: {
          permissionsBoundaryType: 'PermissionsBoundaryPolicy',
          permissionsBoundaryArn: BOUNDARY,
        },
        tags: [{ key: 'Team', value: 'blue' }],
      }),
  },
  call('UpdateGroup', { ...staff, NewPath: '/all/' }),
  call('UpdateUser', { ...ann, NewPath: '/all/' }),
  call('SetDefaultPolicyVersion', { ...shared, VersionId: 'v1' }),
]

const READS: readonly IamAuditCase[] = [
  call('GetAccountAuthorizationDetails', { Filter: ['User'] }),
  failing('GetAccountPasswordPolicy', {}, 'NoSuchEntityException'),
  call('GetAccountSummary'),
  call('GetContextKeysForCustomPolicy', { PolicyInputList: [ALLOW_ALL] }),
  call('GetContextKeysForPrincipalPolicy', { PolicySourceArn: arnOf('role/reader') }),
  call('GetGroup', staff),
  call('GetGroupPolicy', { ...staff, ...own }),
  call('GetInstanceProfile', web),
  call('GetOpenIDConnectProvider', provider),
  call('GetPolicy', shared),
  call('GetPolicyVersion', { ...shared, VersionId: 'v1' }),
  call('GetRole', reader),
  call('GetRolePolicy', { ...reader, ...own }),
  call('GetUser', ann),
  call('GetUserPolicy', { ...ann, ...own }),
  call('ListAccessKeys', ann),
  call('ListAccountAliases'),
  call('ListAttachedGroupPolicies', staff),
  call('ListAttachedRolePolicies', { ...reader, PathPrefix: '/' }),
  call('ListAttachedUserPolicies', ann),
  call('ListEntitiesForPolicy', { ...shared, EntityFilter: 'Role' }),
  call('ListGroupPolicies', staff),
  call('ListGroups', { MaxItems: 10 }),
  call('ListGroupsForUser', ann),
  call('ListInstanceProfileTags', web),
  call('ListInstanceProfiles'),
  call('ListInstanceProfilesForRole', reader),
  call('ListMFADevices', ann),
  call('ListOpenIDConnectProviderTags', provider),
  call('ListOpenIDConnectProviders'),
  call('ListPolicies', { Scope: 'Local', OnlyAttached: true }),
  call('ListPolicyTags', shared),
  call('ListPolicyVersions', shared),
  call('ListRolePolicies', reader),
  call('ListRoleTags', reader),
  call('ListRoles'),
  call('ListSAMLProviders'),
  call('ListSSHPublicKeys', ann),
  call('ListServerCertificates'),
  call('ListServiceSpecificCredentials', ann),
  call('ListSigningCertificates', ann),
  call('ListUserPolicies', ann),
  call('ListUserTags', ann),
  call('ListUsers', { PathPrefix: '/all/' }),
  call('ListVirtualMFADevices'),
  call('SimulateCustomPolicy', { PolicyInputList: [ALLOW_ALL], ...simulated }),
  call('SimulatePrincipalPolicy', { PolicySourceArn: arnOf('role/reader'), ...simulated }),
]

/** What is not offered here, which names nothing that there is. */
const FAILURES: readonly IamAuditCase[] = [
  failing(
    'CreateServiceLinkedRole',
    { AWSServiceName: 'x.amazonaws.com' },
    'InvalidInputException',
  ),
  failing('DeactivateMFADevice', { ...ann, SerialNumber: 'GAHT12345678' }, 'NoSuchEntityException'),
  failing('DeleteLoginProfile', ann, 'NoSuchEntityException'),
  failing(
    'DeleteSSHPublicKey',
    { ...ann, SSHPublicKeyId: 'A'.repeat(20) },
    'NoSuchEntityException',
  ),
  failing('DeleteServiceLinkedRole', reader, 'NoSuchEntityException'),
  failing(
    'DeleteServiceSpecificCredential',
    { ...ann, ServiceSpecificCredentialId: 'A'.repeat(20) },
    'NoSuchEntityException',
  ),
  failing(
    'DeleteSigningCertificate',
    { ...ann, CertificateId: 'A'.repeat(24) },
    'NoSuchEntityException',
  ),
  failing('GetLoginProfile', ann, 'NoSuchEntityException'),
  {
    operation: 'UpdateLoginProfile',
    input: { ...ann, Password: 'CANARY-password-3c1f' },
    error: 'NoSuchEntityException',
    hidden: ['password'],
  },
  failing('CreateUser', ann, 'EntityAlreadyExistsException'),
  failing('DeleteUser', ann, 'DeleteConflictException'),
  failing(
    'PutUserPolicy',
    { ...ann, ...own, PolicyDocument: '{}' },
    'MalformedPolicyDocumentException',
  ),
]

const ENDS: readonly IamAuditCase[] = [
  call('UntagInstanceProfile', { ...web, TagKeys: ['Team'] }),
  call('UntagOpenIDConnectProvider', { ...provider, TagKeys: ['Team'] }),
  call('UntagPolicy', { ...shared, TagKeys: ['Team'] }),
  call('UntagRole', { ...reader, TagKeys: ['Team'] }),
  call('UntagUser', { ...ann, TagKeys: ['Team'] }),
  call('DeleteRolePermissionsBoundary', reader),
  call('DeleteUserPermissionsBoundary', ann),
  call('DeleteGroupPolicy', { ...staff, ...own }),
  call('DeleteRolePolicy', { ...reader, ...own }),
  call('DeleteUserPolicy', { ...ann, ...own }),
  call('DetachGroupPolicy', { ...staff, ...shared }),
  call('DetachRolePolicy', { ...reader, ...shared }),
  call('DetachUserPolicy', { ...ann, ...shared }),
  call('RemoveClientIDFromOpenIDConnectProvider', { ...provider, ClientID: 'second' }),
  call('RemoveRoleFromInstanceProfile', { ...web, ...reader }),
  call('RemoveUserFromGroup', { ...staff, ...ann }),
  call('DeletePolicyVersion', { ...shared, VersionId: 'v2' }),
  call('DeletePolicy', shared),
  call('DeleteInstanceProfile', web),
  call('DeleteOpenIDConnectProvider', provider),
  call('DeleteRole', reader),
  call('DeleteGroup', staff),
  call('DeleteAccountAlias', { AccountAlias: 'acme' }),
]

/**
 * Every operation but those that name the access key of the test, in the order in which they are called.
 * Source: AWS IAM User Guide, Logging IAM and AWS STS API calls.
 */
export const IAM_CASES: readonly IamAuditCase[] = [
  ...MAKING,
  ...CHANGES,
  ...READS,
  ...FAILURES,
  ...ENDS,
]

/** Those that name an access key, and what is left to do when it is gone. */
export const accessKeyCases = (AccessKeyId: string): readonly IamAuditCase[] => [
  call('GetAccessKeyLastUsed', { AccessKeyId }),
  call('UpdateAccessKey', { ...ann, AccessKeyId, Status: 'Inactive' }),
  call('DeleteAccessKey', { ...ann, AccessKeyId }),
  call('DeleteUser', ann),
]

/** The members that every record of the account's root has. */
export const rootIdentity = {
  type: 'Root',
  principalId: ACCOUNT,
  arn: `arn:aws:iam::${ACCOUNT}:root`,
  accountId: ACCOUNT,
  accessKeyId: ACCOUNT,
}
