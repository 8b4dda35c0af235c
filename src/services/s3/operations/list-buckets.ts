import { bucketOf } from '../../../audit/trail/trail-format.ts'
import { partitionOf } from '../../../core/regions.ts'
import { ownerOf } from '../listing.ts'
import { invalidToken } from '../refusals.ts'
import { defineOperation } from '../s3-operation.ts'

/**
 * The caller's buckets: the one that its trail is in.
 * Source: Amazon S3 API Reference, ListBuckets.
 */
export const listBuckets = defineOperation({
  name: 'ListBuckets',
  isDataEvent: false,
  resolve: () => undefined,
  permissions: () => [{ action: 's3:ListAllMyBuckets', shownAs: '"arn:aws:s3:::*"' }],
  async handle({ Prefix, BucketRegion, ContinuationToken }, _target, scope) {
    const { call, homeRegion, bucketSince } = scope
    // One page holds all that there is: nobody was given a token.
    if (ContinuationToken !== undefined) throw invalidToken()
    const Name = bucketOf(call.accountId)
    const isWanted =
      Name.startsWith(Prefix ?? '') && (BucketRegion === undefined || BucketRegion === homeRegion)
    const bucket = {
      Name,
      CreationDate: (await bucketSince(call.accountId)) ?? call.time,
      BucketRegion: homeRegion,
      BucketArn: `arn:${partitionOf(call.region)}:s3:::${Name}`,
    }
    return { Buckets: isWanted ? [bucket] : [], Owner: ownerOf(call.accountId), Prefix }
  },
})
