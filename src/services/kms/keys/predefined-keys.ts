import { type Place, rootArn } from '../../../core/arn.ts'
import { type AliasName, parseAliasName, type Region } from '../../../core/ids.ts'
import { partitionOf } from '../../../core/regions.ts'
import { regionalServiceName } from '../../../pipeline/service-callers.ts'
import { policyJson } from '../authorization/policy-json.ts'

/** The prefix of aliases that belong to AWS managed keys. */
export const RESERVED_PREFIX = 'alias/aws/'

/** A service that has an AWS managed key in every account and Region that uses it without a key of its own. */
interface Predefined {
  /** What calls KMS for it, as `kms:ViaService` names it; the service itself where absent. */
  readonly via?: string
  /** As its key policy calls it. */
  readonly title: string
  /** What the description says that it protects. */
  readonly protects: string
}

/**
 * By the name behind `alias/aws/`.
 * Source: AWS KMS Developer Guide, AWS managed keys; the descriptions are those of keys in AWS accounts.
 */
const PREDEFINED: ReadonlyMap<string, Predefined> = new Map<string, Predefined>([
  ['backup', { title: 'AWS Backup', protects: 'Backup data' }],
  ['dynamodb', { title: 'Amazon DynamoDB', protects: 'DynamoDB data' }],
  ['ebs', { via: 'ec2', title: 'EBS', protects: 'EBS volumes' }],
  ['elasticfilesystem', { title: 'EFS', protects: 'EFS filesystems' }],
  ['kinesis', { title: 'Kinesis', protects: 'Kinesis data' }],
  ['lambda', { title: 'Lambda', protects: 'Lambda functions' }],
  ['rds', { title: 'RDS', protects: 'RDS database volumes' }],
  ['redshift', { title: 'Redshift', protects: 'Redshift clusters' }],
  ['s3', { title: 'S3', protects: 'S3 objects' }],
  ['secretsmanager', { title: 'AWS Secrets Manager', protects: 'Secrets Manager data' }],
  ['sns', { title: 'SNS', protects: 'SNS data' }],
  ['sqs', { title: 'SQS', protects: 'SQS messages' }],
  ['ssm', { title: 'SSM', protects: 'SSM parameters' }],
])

/** Names of all services that have AWS managed keys. */
export const PREDEFINED_SERVICES: readonly string[] = [...PREDEFINED.keys()]

const predefined = (service: string): Predefined => {
  const found = PREDEFINED.get(service)
  if (found === undefined) throw new TypeError(`${service} has no AWS managed key`)
  return found
}

/** `alias/aws/ssm` */
export function predefinedAlias(service: string): AliasName {
  const name = parseAliasName(`${RESERVED_PREFIX}${service}`)
  if (name === undefined) throw new TypeError(`'${service}' names no service`)
  return name
}

/** The service whose AWS managed key an alias or its ARN is about; undefined for what is none in this place. */
export function predefinedService(given: string, { accountId, region }: Place): string | undefined {
  if (!given.includes(RESERVED_PREFIX)) return undefined
  const home = `arn:${partitionOf(region)}:kms:${region}:${accountId}:`
  const name = given.startsWith(home) ? given.slice(home.length) : given
  const service = name.startsWith(RESERVED_PREFIX) ? name.slice(RESERVED_PREFIX.length) : ''
  return PREDEFINED.has(service) ? service : undefined
}

export const managedDescription = (service: string): string =>
  `Default key that protects my ${predefined(service).protects} when no other key is defined`

/** What a service does with a key of its own. */
const USES = ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*']

/**
 * The policy of an AWS managed key: everybody in the account through the service, and the account itself to look.
 * Source: AWS KMS Developer Guide, AWS managed keys; Viewing a key policy.
 */
export function managedKeyPolicy(service: string, { accountId, region }: Place): string {
  const { title, via = service } = predefined(service)
  return policyJson({
    Version: '2012-10-17',
    Id: `auto-${service}-1`,
    Statement: [
      {
        Sid: `Allow access through ${title} for all principals in the account that are authorized to use ${title}`,
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: [...USES, 'kms:CreateGrant', 'kms:DescribeKey'],
        Resource: '*',
        Condition: {
          StringEquals: {
            'kms:CallerAccount': accountId,
            'kms:ViaService': regionalServiceName(via, region),
          },
        },
      },
      {
        Sid: 'Allow direct access to key metadata to the account',
        Effect: 'Allow',
        Principal: { AWS: rootArn(partitionOf(region), accountId) },
        Action: ['kms:Describe*', 'kms:Get*', 'kms:List*', 'kms:RevokeGrant'],
        Resource: '*',
      },
    ],
  })
}

/** The policy of a key that is a service's own: the service alone. */
export const ownedKeyPolicy = (service: string, region: Region): string =>
  policyJson({
    Version: '2012-10-17',
    Id: `owned-${service}-1`,
    Statement: [
      {
        Sid: 'Allow the service that owns the key',
        Effect: 'Allow',
        Principal: { Service: regionalServiceName(service, region) },
        Action: [...USES, 'kms:DescribeKey'],
        Resource: '*',
      },
    ],
  })
