import { accountOfBucket } from '../../audit/trail/trail-format.ts'
import type { ServiceError } from '../../core/errors.ts'
import type { HttpRequest } from '../../core/transport.ts'
import { oldSignature, readOnly } from './refusals.ts'

/**
 * Which requests are S3's and which bucket they name.
 * **Source:** Amazon S3 User Guide, Virtual hosting of buckets.
 */

/** A name that a bucket can have here. */
const isBucket = (name: string): boolean => accountOfBucket(name) !== undefined

/** The bucket that the host names: `bucket.kms.example.com`. Its own name is never the whole of it. */
function bucketInHost({ headers }: HttpRequest): string | undefined {
  const [label = '', ...rest] = (headers['host'] ?? '').split('.')
  return rest.length > 0 || (headers['host'] ?? '').includes(':') ? bucketIn(label) : undefined
}

const bucketIn = (label: string): string | undefined => {
  const name = label.toLowerCase()
  return isBucket(name) ? name : undefined
}

/** What stands in front of the path of a virtual-hosted request. */
export function pathPrefixOf(request: HttpRequest): string {
  const bucket = bucketInHost(request)
  return bucket === undefined ? '' : `/${bucket}`
}

/** Whether a request that is not signed is for a bucket. */
export const isForBucket = (request: HttpRequest): boolean =>
  bucketInHost(request) !== undefined || isBucket(/^\/([^/?]*)/.exec(request.target)?.[1] ?? '')

/** What a signature of version 2 has in a query, and in a header. */
const OLD_PARAMETER = /[?&]AWSAccessKeyId=/
const OLD_SCHEME = 'AWS '

/**
 * Why a request is not looked at any further: signatures of version 2, which some clients make for presigned URLs
 * in us-east-1 and which AWS no longer takes for new buckets, and bodies that are sent in signed pieces.
 */
export function refusalOf({ headers, target }: HttpRequest): ServiceError | undefined {
  if (headers['authorization']?.startsWith(OLD_SCHEME) === true || OLD_PARAMETER.test(target)) {
    return oldSignature()
  }
  return headers['x-amz-content-sha256']?.startsWith('STREAMING-') === true ? readOnly() : undefined
}

/**
 * Parameters that make a request one for something else than the bucket or the object itself.
 * **Source:** Amazon S3 API Reference, actions.
 */
export const UNSERVED_PARAMETERS: ReadonlySet<string> = new Set([
  'accelerate',
  'acl',
  'analytics',
  'attributes',
  'cors',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'lifecycle',
  'logging',
  'metadataConfiguration',
  'metadataTable',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'partNumber',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'replication',
  'requestPayment',
  'retention',
  'session',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versioning',
  'versions',
  'website',
])
