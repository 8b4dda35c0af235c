import { bucketResource, resolveBucket, s3Permission } from '../buckets.ts'
import { defineOperation } from '../s3-operation.ts'

/** What S3 calls the Region that has no name here. */
const UNNAMED_REGION = 'us-east-1'

/**
 * The Region of a bucket; nothing for us-east-1.
 * Source: Amazon S3 API Reference, GetBucketLocation.
 */
export const getBucketLocation = defineOperation({
  name: 'GetBucketLocation',
  isDataEvent: false,
  resolve: resolveBucket,
  permissions: (_input, bucket) => [s3Permission('s3:GetBucketLocation', bucket, bucket.arn)],
  resources: (bucket) => [bucketResource(bucket)],
  handle: (_input, _bucket, { homeRegion }) => ({
    LocationConstraint: homeRegion === UNNAMED_REGION ? undefined : homeRegion,
  }),
})
