import type { ManagedPolicy } from '../core/identity.ts'
import { instant } from '../core/ids.ts'
import type { Partition } from '../core/regions.ts'

/** A managed policy that AWS gives to every account: nobody can change it. */
export type AwsManagedPolicy = Omit<ManagedPolicy, 'accountId' | 'tags' | 'versionCount'>

interface Statement {
  readonly Sid?: string
  readonly Effect: 'Allow'
  readonly Action?: readonly string[]
  readonly NotAction?: readonly string[]
  readonly Resource: '*'
}

interface Definition {
  readonly name: string
  readonly path?: string
  /** As AWS has it, where it is known. */
  readonly policyId: string
  readonly description: string
  readonly createdAt: string
  readonly updatedAt: string
  /** The version that AWS has come to; older ones are not kept here. */
  readonly versionId: string
  readonly statements: readonly Statement[]
}

const allow = (...actions: readonly string[]): Statement => ({
  Effect: 'Allow',
  Action: actions,
  Resource: '*',
})

/** Read actions of services that hold no data, or whose data an auditor may not read. */
const METADATA_ACTIONS = [
  'cloudtrail:Describe*',
  'cloudtrail:Get*',
  'cloudtrail:List*',
  'cloudtrail:LookupEvents',
  'codebuild:BatchGet*',
  'codebuild:List*',
  'dynamodb:Describe*',
  'dynamodb:List*',
  'ec2:Describe*',
  'iam:Generate*',
  'iam:Get*',
  'iam:List*',
  'iam:Simulate*',
  'kinesis:Describe*',
  'kinesis:List*',
  'kms:Describe*',
  'kms:Get*',
  'kms:List*',
  'logs:Describe*',
  'logs:List*',
  's3:GetBucket*',
  's3:GetEncryptionConfiguration',
  's3:ListAllMyBuckets',
  's3:ListBucket*',
  'secretsmanager:DescribeSecret',
  'secretsmanager:GetResourcePolicy',
  'secretsmanager:ListSecret*',
  'sns:Get*',
  'sns:List*',
  'sqs:GetQueueAttributes',
  'sqs:List*',
  'ssm:Describe*',
  'ssm:ListTagsForResource',
  'sts:GetAccessKeyInfo',
  'sts:GetCallerIdentity',
]

/** Read actions that give data. */
const DATA_ACTIONS = [
  'dynamodb:BatchGet*',
  'dynamodb:Get*',
  'dynamodb:PartiQLSelect',
  'dynamodb:Query',
  'dynamodb:Scan',
  'ebs:GetSnapshotBlock',
  'ebs:List*',
  'kinesis:Get*',
  'logs:FilterLogEvents',
  'logs:Get*',
  'logs:StartQuery',
  'logs:StopQuery',
  's3:Get*',
  's3:List*',
  'sqs:Get*',
  'sqs:ReceiveMessage',
  'ssm:Get*',
  'ssm:List*',
]

/**
 * The policies that people attach by habit. The wide ones name the services that are or will be served
 * here, where AWS's name all of its own.
 * Source: AWS Managed Policy Reference Guide.
 */
const DEFINITIONS: readonly Definition[] = [
  {
    name: 'AdministratorAccess',
    policyId: 'ANPAIWMBCKSKIEE64ZLYK',
    description: 'Provides full access to AWS services and resources.',
    createdAt: '2015-02-06T18:39:46Z',
    updatedAt: '2015-02-06T18:39:46Z',
    versionId: 'v1',
    statements: [allow('*')],
  },
  {
    name: 'PowerUserAccess',
    policyId: 'ANPAJYRXTHIB4FOVS3ZXS',
    description:
      'Provides full access to AWS services and resources, but does not allow management of Users and groups.',
    createdAt: '2015-02-06T18:39:47Z',
    updatedAt: '2023-07-06T22:04:00Z',
    versionId: 'v5',
    statements: [
      { Effect: 'Allow', NotAction: ['iam:*', 'organizations:*', 'account:*'], Resource: '*' },
      allow(
        'account:GetAccountInformation',
        'account:ListRegions',
        'iam:CreateServiceLinkedRole',
        'iam:DeleteServiceLinkedRole',
        'iam:ListRoles',
        'organizations:DescribeOrganization',
      ),
    ],
  },
  {
    name: 'ReadOnlyAccess',
    policyId: 'ANPAILL3HVNFSB6DCOWYQ',
    description: 'Provides read-only access to AWS services and resources.',
    createdAt: '2015-02-06T18:39:48Z',
    updatedAt: '2025-09-01T00:00:00Z',
    versionId: 'v150',
    statements: [allow(...METADATA_ACTIONS, ...DATA_ACTIONS)],
  },
  {
    name: 'ViewOnlyAccess',
    path: '/job-function/',
    policyId: 'ANPAID22R6XPJATWOFDK6',
    description: 'This policy grants permissions to view resources and basic metadata.',
    createdAt: '2016-11-10T17:20:15Z',
    updatedAt: '2025-09-01T00:00:00Z',
    versionId: 'v25',
    statements: [
      allow(
        'cloudtrail:DescribeTrails',
        'cloudtrail:LookupEvents',
        'codebuild:List*',
        'dynamodb:ListTables',
        'ec2:Describe*',
        'iam:GetAccountSummary',
        'iam:GetLoginProfile',
        'iam:List*',
        'kinesis:List*',
        'kms:ListAliases',
        'kms:ListKeys',
        'logs:Describe*',
        's3:ListAllMyBuckets',
        's3:ListBucket',
        'secretsmanager:ListSecrets',
        'sns:List*',
        'sqs:List*',
        'ssm:DescribeParameters',
      ),
    ],
  },
  {
    name: 'SecurityAudit',
    policyId: 'ANPAIX2T3QCXHR2OGGCTO',
    description:
      'The security audit template grants access to read security configuration metadata. It is useful for software that audits the configuration of an AWS account.',
    createdAt: '2015-02-06T18:41:01Z',
    updatedAt: '2025-09-01T00:00:00Z',
    versionId: 'v90',
    statements: [allow(...METADATA_ACTIONS)],
  },
  {
    name: 'AWSKeyManagementServicePowerUser',
    policyId: 'ANPAJNPP7PPPPMJRV2SA4',
    description: 'Provides access to AWS Key Management Service (KMS).',
    createdAt: '2015-02-06T18:40:40Z',
    updatedAt: '2017-03-07T00:55:11Z',
    versionId: 'v2',
    statements: [
      allow(
        'kms:CreateAlias',
        'kms:CreateKey',
        'kms:DeleteAlias',
        'kms:Describe*',
        'kms:GenerateRandom',
        'kms:Get*',
        'kms:List*',
        'kms:TagResource',
        'kms:UntagResource',
        'iam:ListGroups',
        'iam:ListRoles',
        'iam:ListUsers',
      ),
    ],
  },
  {
    name: 'IAMFullAccess',
    policyId: 'ANPAI7XKCFMBPM3QQRRVQ',
    description: 'Provides full access to IAM via the AWS Management Console.',
    createdAt: '2015-02-06T18:40:38Z',
    updatedAt: '2019-06-21T19:40:00Z',
    versionId: 'v2',
    statements: [
      allow(
        'iam:*',
        'organizations:DescribeAccount',
        'organizations:DescribeOrganization',
        'organizations:DescribeOrganizationalUnit',
        'organizations:DescribePolicy',
        'organizations:ListChildren',
        'organizations:ListParents',
        'organizations:ListPoliciesForTarget',
        'organizations:ListRoots',
        'organizations:ListPolicies',
        'organizations:ListTargetsForPolicy',
      ),
    ],
  },
  {
    name: 'IAMReadOnlyAccess',
    policyId: 'ANPAJKSO7NDY4T57MWDSQ',
    description: 'Provides read only access to IAM via the AWS Management Console.',
    createdAt: '2015-02-06T18:40:39Z',
    updatedAt: '2018-01-25T19:11:27Z',
    versionId: 'v4',
    statements: [
      allow(
        'iam:GenerateCredentialReport',
        'iam:GenerateServiceLastAccessedDetails',
        'iam:Get*',
        'iam:List*',
        'iam:SimulateCustomPolicy',
        'iam:SimulatePrincipalPolicy',
      ),
    ],
  },
  {
    name: 'AmazonSSMFullAccess',
    policyId: 'ANPAJA7V6HI4ISQFMDYAG',
    description: 'Provides full access to Amazon SSM.',
    createdAt: '2015-05-29T17:39:47Z',
    updatedAt: '2019-11-20T20:08:00Z',
    versionId: 'v4',
    statements: [
      allow('cloudwatch:PutMetricData', 'ds:CreateComputer', 'ds:DescribeDirectories'),
      allow('ec2:DescribeInstanceStatus', 'logs:*', 'ssm:*', 'ec2messages:*', 'ssmmessages:*'),
    ],
  },
  {
    name: 'AmazonSSMReadOnlyAccess',
    policyId: 'ANPAJODSKQGGJTHRYZ5FC',
    description: 'Provides read only access to Amazon SSM.',
    createdAt: '2015-05-29T17:44:19Z',
    updatedAt: '2015-05-29T17:44:19Z',
    versionId: 'v1',
    statements: [allow('ssm:Describe*', 'ssm:Get*', 'ssm:List*')],
  },
  {
    name: 'AmazonS3FullAccess',
    policyId: 'ANPAIFIR6V6BVTRAHWINE',
    description: 'Provides full access to all buckets via the AWS Management Console.',
    createdAt: '2015-02-06T18:40:58Z',
    updatedAt: '2021-09-27T20:16:00Z',
    versionId: 'v2',
    statements: [allow('s3:*', 's3-object-lambda:*')],
  },
  {
    name: 'AmazonS3ReadOnlyAccess',
    policyId: 'ANPAIZTJ4DXE7G6AGAE6M',
    description: 'Provides read only access to all buckets via the AWS Management Console.',
    createdAt: '2015-02-06T18:40:59Z',
    updatedAt: '2023-08-10T21:31:00Z',
    versionId: 'v3',
    statements: [
      allow(
        's3:Get*',
        's3:List*',
        's3:Describe*',
        's3-object-lambda:Get*',
        's3-object-lambda:List*',
      ),
    ],
  },
]

function policyOf(definition: Definition): AwsManagedPolicy {
  const { name, path = '/', policyId, description, versionId, statements } = definition
  const updatedAt = instant(Date.parse(definition.updatedAt))
  const text = JSON.stringify({ Version: '2012-10-17', Statement: statements }, null, 4)
  return {
    name,
    path,
    policyId,
    description,
    createdAt: instant(Date.parse(definition.createdAt)),
    updatedAt,
    defaultVersionId: versionId,
    versions: [{ versionId, text, createdAt: updatedAt }],
  }
}

/** All of them, by name. */
export const AWS_MANAGED_POLICIES: readonly AwsManagedPolicy[] = DEFINITIONS.map(policyOf).sort(
  (one, other) => (one.name < other.name ? -1 : 1),
)

/** `arn:aws:iam::aws:policy/job-function/ViewOnlyAccess` */
export const awsManagedPolicyArn = (
  partition: Partition,
  { path, name }: Pick<AwsManagedPolicy, 'path' | 'name'>,
): string => `arn:${partition}:iam::aws:policy${path}${name}`

const ARN = /^arn:[a-z-]{3,20}:iam::aws:policy(\/.*)$/
const BY_PLACE: ReadonlyMap<string, AwsManagedPolicy> = new Map(
  AWS_MANAGED_POLICIES.map((policy) => [policy.path + policy.name, policy]),
)

/** The policy that an ARN of any partition names. */
export const findAwsManagedPolicy = (arn: string): AwsManagedPolicy | undefined =>
  BY_PLACE.get(ARN.exec(arn)?.[1] ?? '')
