import { accountOfBucket } from '../../audit/trail/trail-format.ts'
import type { Permission } from '../../authz/permission.ts'
import type { AccountId } from '../../core/ids.ts'
import { partitionOf } from '../../core/regions.ts'
import type { AuditResource } from '../../pipeline/operation.ts'
import { accessDenied, noSuchBucket } from './refusals.ts'
import type { S3Scope } from './s3-operation.ts'

/** The caller's own bucket. */
export interface BucketTarget {
  readonly name: string
  readonly accountId: AccountId
  /** `arn:aws:s3:::bucket` */
  readonly arn: string
}

interface NamesBucket {
  readonly Bucket: string
  readonly ExpectedBucketOwner?: string | undefined
}

/**
 * The bucket that a request names. One of another account is closed, whether it is there or not.
 * @throws ServiceError NoSuchBucket, AccessDeniedException
 */
export function resolveBucket(
  { Bucket, ExpectedBucketOwner }: NamesBucket,
  { call: { accountId, region } }: S3Scope,
): BucketTarget {
  const owner = accountOfBucket(Bucket)
  if (owner === undefined) throw noSuchBucket()
  if (owner !== accountId) throw accessDenied()
  if (ExpectedBucketOwner !== undefined && ExpectedBucketOwner !== owner) throw accessDenied()
  return { name: Bucket, accountId, arn: `arn:${partitionOf(region)}:s3:::${Bucket}` }
}

type ServiceKeys = Readonly<Record<string, string | undefined>>

/** What a caller must be allowed to do. S3 quotes the ARN in its denials. */
export const s3Permission = (
  action: string,
  { accountId }: BucketTarget,
  arn: string,
  serviceKeys: ServiceKeys = {},
): Permission => ({
  action,
  resource: { accountId, arn },
  shownAs: `"${arn}"`,
  serviceKey: (name) => (Object.hasOwn(serviceKeys, name) ? serviceKeys[name] : undefined),
})

/** `s3:ListBucket`, with the condition keys of a listing. Source: Service Authorization Reference, Amazon S3. */
export const listPermission = (
  bucket: BucketTarget,
  listing: {
    readonly Prefix?: string | undefined
    readonly Delimiter?: string | undefined
    readonly MaxKeys?: number | undefined
  } = {},
): Permission =>
  s3Permission('s3:ListBucket', bucket, bucket.arn, {
    's3:prefix': listing.Prefix,
    's3:delimiter': listing.Delimiter,
    's3:max-keys': listing.MaxKeys === undefined ? undefined : String(listing.MaxKeys),
  })

export const bucketResource = ({ accountId, arn }: BucketTarget): AuditResource => ({
  accountId,
  type: 'AWS::S3::Bucket',
  arn,
})
