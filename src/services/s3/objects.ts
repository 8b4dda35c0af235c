import type { TrailObject } from '../../audit/trail/trail-objects.ts'
import type { Permission } from '../../authz/permission.ts'
import type { AuditResource } from '../../pipeline/operation.ts'
import {
  type BucketTarget,
  bucketResource,
  listPermission,
  resolveBucket,
  s3Permission,
} from './buckets.ts'
import type { GetObjectOutput, Inputs } from './model.ts'
import {
  invalidArgument,
  invalidRange,
  invalidVersion,
  noSuchKey,
  notModified,
  preconditionFailed,
} from './refusals.ts'
import type { S3Scope } from './s3-operation.ts'

/** What GetObject and HeadObject take alike. */
export type ObjectInput = Inputs['GetObject' | 'HeadObject']

export interface ObjectTarget {
  readonly bucket: BucketTarget
  readonly key: string
  /** `arn:aws:s3:::bucket/key` */
  readonly arn: string
  readonly exists: boolean
}

/** @throws ServiceError NoSuchBucket, AccessDeniedException */
export async function resolveObject(input: ObjectInput, scope: S3Scope): Promise<ObjectTarget> {
  const bucket = resolveBucket(input, scope)
  const { Key: key } = input
  const [first] = await scope.objects.list(bucket.accountId, { prefix: key, limit: 1 })
  return { bucket, key, arn: `${bucket.arn}/${key}`, exists: first?.key === key }
}

/** Only who may list a bucket is told that an object is not there. Source: Amazon S3 API Reference, GetObject. */
export function objectPermissions({ bucket, arn, exists }: ObjectTarget): readonly Permission[] {
  const reading = s3Permission('s3:GetObject', bucket, arn)
  return exists ? [reading] : [reading, listPermission(bucket)]
}

export const objectResources = ({ bucket, arn }: ObjectTarget): readonly AuditResource[] => [
  { accountId: bucket.accountId, type: 'AWS::S3::Object', arn },
  bucketResource(bucket),
]

/**
 * The object, if the conditions of the request hold.
 * @throws ServiceError NoSuchKey, InvalidArgument, PreconditionFailed, NotModified
 */
export async function openObject(
  input: ObjectInput,
  target: ObjectTarget,
  { objects }: S3Scope,
): Promise<TrailObject> {
  if (input.VersionId !== undefined && input.VersionId !== 'null') throw invalidVersion()
  const object = target.exists ? await objects.get(target.bucket.accountId, target.key) : undefined
  if (object === undefined) throw noSuchKey()
  assertConditions(input, object)
  return object
}

/** Whether a list of entity tags has this one. Quotes may be left out. */
const hasTag = (list: string, etag: string): boolean =>
  list.split(',').some((tag) => {
    const text = tag.trim()
    return text === '*' || text.replace(/^W\//, '').replaceAll('"', '') === etag
  })

/** Dates of HTTP have whole seconds. */
const wholeSecond = (time: number): number => Math.floor(time / 1000) * 1000

/** Source: RFC 9110, 13.2.2; Amazon S3 API Reference, GetObject, which says the same of pairs of conditions. */
function assertConditions(
  { IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince }: ObjectInput,
  { etag, modifiedAt }: TrailObject,
): void {
  const modified = wholeSecond(modifiedAt)
  if (IfMatch !== undefined) {
    if (!hasTag(IfMatch, etag)) throw preconditionFailed()
  } else if (IfUnmodifiedSince !== undefined && modified > IfUnmodifiedSince) {
    throw preconditionFailed()
  }
  if (IfNoneMatch !== undefined) {
    if (hasTag(IfNoneMatch, etag)) throw notModified()
  } else if (IfModifiedSince !== undefined && modified <= IfModifiedSince) {
    throw notModified()
  }
}

/** Positions of the first and the last byte. */
interface ByteRange {
  readonly first: number
  readonly last: number
}

const RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/

/**
 * The one range that a request asks for. What is no range, or several of them, asks for everything.
 * Source: RFC 9110, 14.1.2 and 14.2. @throws ServiceError InvalidRange
 */
export function parseRange(text: string | undefined, sizeBytes: number): ByteRange | undefined {
  const [, from = '', to = ''] = RANGE.exec(text ?? '') ?? []
  if (from === '' && to === '') return undefined
  if (from === '') {
    if (Number(to) === 0 || sizeBytes === 0) throw invalidRange()
    return { first: Math.max(0, sizeBytes - Number(to)), last: sizeBytes - 1 }
  }
  const first = Number(from)
  if (to !== '' && Number(to) < first) return undefined
  if (first >= sizeBytes) throw invalidRange()
  return { first, last: to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1) }
}

const PRINTABLE = /^[ -~]*$/

/** A header that the request sets in the reply. @throws ServiceError InvalidArgument */
function overriding(value: string | undefined): string | undefined {
  if (value !== undefined && !PRINTABLE.test(value)) {
    throw invalidArgument('Header value cannot be represented using ISO-8859-1.')
  }
  return value
}

/** CloudTrail's files are gzipped JSON, and their headers say so: clients of S3 hand the bytes on as they are. */
const isGzippedJson = (key: string): boolean => key.endsWith('.json.gz')

/** The reply without its body: what is said of the object, of a range of it where one is asked for. */
export function describeObject(
  input: ObjectInput,
  object: TrailObject,
): { readonly head: Omit<GetObjectOutput, 'Body'>; readonly range: ByteRange | undefined } {
  const { key, body, etag, modifiedAt, metadata } = object
  const range = parseRange(input.Range, body.length)
  const head = {
    AcceptRanges: 'bytes',
    LastModified: modifiedAt,
    ContentLength: range === undefined ? body.length : range.last - range.first + 1,
    ETag: `"${etag}"`,
    CacheControl: overriding(input.ResponseCacheControl),
    ContentDisposition: overriding(input.ResponseContentDisposition),
    ContentEncoding:
      overriding(input.ResponseContentEncoding) ?? (isGzippedJson(key) ? 'gzip' : undefined),
    ContentLanguage: overriding(input.ResponseContentLanguage),
    ContentRange: range && `bytes ${range.first}-${range.last}/${body.length}`,
    ContentType:
      overriding(input.ResponseContentType) ??
      (isGzippedJson(key) ? 'application/json' : 'binary/octet-stream'),
    Metadata: metadata,
  }
  return { head, range }
}
