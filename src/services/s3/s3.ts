import type { TrailObjects } from '../../audit/trail/trail-objects.ts'
import type { Instant, Region } from '../../core/ids.ts'
import type { Codec } from '../../pipeline/codec.ts'
import type { AnyOperation } from '../../pipeline/operation.ts'
import type { PageMarkers } from '../../pipeline/page-markers.ts'
import type { Service } from '../../pipeline/service.ts'
import { type OperationName, S3_MODEL } from './model.ts'
import { getBucketLocation } from './operations/get-bucket-location.ts'
import { getObject } from './operations/get-object.ts'
import { headBucket } from './operations/head-bucket.ts'
import { headObject } from './operations/head-object.ts'
import { listBuckets } from './operations/list-buckets.ts'
import { listObjects } from './operations/list-objects.ts'
import { listObjectsV2 } from './operations/list-objects-v2.ts'
import { WRITES } from './operations/writes.ts'
import type { S3Scope } from './s3-operation.ts'

export interface S3Parts {
  readonly codec: Codec
  readonly objects: TrailObjects
  readonly markers: PageMarkers
  readonly homeRegion: Region
  /** As `S3Scope.bucketSince`. */
  readonly bucketSince: (accountId: string) => Promise<Instant | undefined>
}

const OPERATIONS: Readonly<Record<OperationName, AnyOperation>> = {
  ...WRITES,
  GetBucketLocation: getBucketLocation,
  GetObject: getObject,
  HeadBucket: headBucket,
  HeadObject: headObject,
  ListBuckets: listBuckets,
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
}

/** How far a signer's clock may be off. Unit: milliseconds. Source: Amazon S3 API Reference, RequestTimeTooSkewed. */
const SKEW_MS_MAX = 900_000

/** S3 as far as it takes to read the files of a trail. */
export function createS3({ codec, ...parts }: S3Parts): Service {
  return {
    name: S3_MODEL.service,
    eventSource: 's3.amazonaws.com',
    codec,
    operations: new Map(Object.entries(OPERATIONS)),
    internalError: 'InternalFailure',
    signing: { maxSkewMs: SKEW_MS_MAX, pathStyle: 's3', allowsUnsignedPayload: true },
    openScope: (scope): S3Scope => ({ ...scope, ...parts }),
  }
}
