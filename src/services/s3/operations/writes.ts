import { partitionOf } from '../../../core/regions.ts'
import type { AnyOperation } from '../../../pipeline/operation.ts'
import { type BucketTarget, resolveBucket, s3Permission } from '../buckets.ts'
import { readOnly } from '../refusals.ts'
import { defineOperation, type S3Scope } from '../s3-operation.ts'

/** What is in no bucket yet: the caller's, as far as policies go. */
const newBucket = (name: string, { call }: S3Scope): BucketTarget => ({
  name,
  accountId: call.accountId,
  arn: `arn:${partitionOf(call.region)}:s3:::${name}`,
})

/** Operations that would change something, which here nobody can: they are decided, recorded and refused. */
function refuseWrite(
  name: 'CreateBucket' | 'DeleteBucket' | 'DeleteObject' | 'PutObject',
): AnyOperation {
  const isOfObject = name === 'DeleteObject' || name === 'PutObject'
  return defineOperation<typeof name, BucketTarget>({
    name,
    isChange: true,
    isDataEvent: isOfObject,
    resolve: (input, scope) =>
      name === 'CreateBucket' ? newBucket(input.Bucket, scope) : resolveBucket(input, scope),
    permissions: (input, bucket) => {
      const arn = 'Key' in input ? `${bucket.arn}/${input.Key}` : bucket.arn
      return [s3Permission(`s3:${name}`, bucket, arn)]
    },
    handle() {
      throw readOnly()
    },
  })
}

export const WRITES = {
  CreateBucket: refuseWrite('CreateBucket'),
  DeleteBucket: refuseWrite('DeleteBucket'),
  DeleteObject: refuseWrite('DeleteObject'),
  PutObject: refuseWrite('PutObject'),
} as const
