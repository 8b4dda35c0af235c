import { bucketResource, listPermission, resolveBucket } from '../buckets.ts'
import { defineOperation } from '../s3-operation.ts'

/**
 * Whether a bucket is there and may be listed.
 * Source: Amazon S3 API Reference, HeadBucket.
 */
export const headBucket = defineOperation({
  name: 'HeadBucket',
  isDataEvent: true,
  resolve: resolveBucket,
  permissions: (_input, bucket) => [listPermission(bucket)],
  resources: (bucket) => [bucketResource(bucket)],
  handle: (_input, { arn }, { homeRegion }) => ({ BucketArn: arn, BucketRegion: homeRegion }),
})
