import { hash } from 'node:crypto'
import type { TrailObjectInfo, TrailObjects } from '../../audit/trail/trail-objects.ts'
import type { CommonPrefix, ListedObject, Owner } from './model.ts'
import { invalidArgument } from './refusals.ts'

/** Entries of one page at most. Source: Amazon S3 API Reference, ListObjectsV2, max-keys. */
const ENTRIES_MAX = 1000
/** Keys that are read at once where most may lie below common prefixes, and be skipped. */
const DELIMITED_KEYS_MAX = 100
/** Behind every key that begins with what stands in front of it. */
const LAST_CHARACTER = '\u{10ffff}'

export interface ListingQuery {
  readonly prefix: string
  /** Keys that share a beginning up to it become one entry; none where it is empty. */
  readonly delimiter: string
  /** Only what stands behind this: a key, or a common prefix. */
  readonly after: string
  readonly limit: number
}

export interface ListingPage {
  readonly objects: readonly TrailObjectInfo[]
  readonly prefixes: readonly string[]
  /** Where the next page begins; absent on the last one. */
  readonly next: string | undefined
}

/** How many entries a request asks for. @throws ServiceError InvalidArgument */
export function limitOf(maxKeys: number | undefined): number {
  if (maxKeys === undefined) return ENTRIES_MAX
  if (maxKeys < 0)
    throw invalidArgument('Argument maxKeys must be an integer between 0 and 2147483647')
  return Math.min(maxKeys, ENTRIES_MAX)
}

/** @throws ServiceError InvalidArgument */
export function assertEncodingType(encodingType: string | undefined): void {
  if (encodingType !== undefined && encodingType !== 'url') {
    throw invalidArgument('Invalid Encoding Method specified in Request')
  }
}

/** What a key is listed as: its beginning up to the delimiter, or itself. */
function commonPrefixOf(key: string, { prefix, delimiter }: ListingQuery): string | undefined {
  const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
  return at === -1 ? undefined : key.slice(0, at + delimiter.length)
}

/** One page of a bucket. */
export async function listPage(
  objects: TrailObjects,
  accountId: string,
  query: ListingQuery,
): Promise<ListingPage> {
  const found: TrailObjectInfo[] = []
  const prefixes: string[] = []
  let at = query.after
  /** Where the last entry that fits stands. */
  let last = at
  /** The common prefix that has been met last. A page that began behind one does not show it again. */
  let met: string | undefined = query.after
  const keysMax = query.delimiter === '' ? ENTRIES_MAX : DELIMITED_KEYS_MAX
  if (query.limit === 0) return { objects: [], prefixes: [], next: undefined }
  for (;;) {
    // One more, to know whether there is another page.
    const wanted = query.limit - found.length - prefixes.length + 1
    const page = { prefix: query.prefix, after: at === '' ? undefined : at }
    const infos = await objects.list(accountId, { ...page, limit: Math.min(wanted, keysMax) })
    if (infos.length === 0) return { objects: found, prefixes, next: undefined }
    for (const info of infos) {
      const common = commonPrefixOf(info.key, query)
      const isNew = common === undefined || common !== met
      if (isNew && found.length + prefixes.length === query.limit) {
        return { objects: found, prefixes, next: last }
      }
      if (common === undefined) found.push(info)
      else if (isNew) prefixes.push(common)
      if (isNew) last = common ?? info.key
      met = common ?? met
      // Everything else below a common prefix is the same entry: the next keys are asked for behind it.
      at = common === undefined ? info.key : common + LAST_CHARACTER
    }
  }
}

/** Names of replies, percent-encoded where the request asks for it. */
export const nameEncoder = (
  encodingType: string | undefined,
): (<T extends string | undefined>(name: T) => T) =>
  // The type stays: a text for a text, undefined for undefined.
  encodingType === 'url'
    ? <T extends string | undefined>(name: T) =>
        (name && encodeURIComponent(name).replaceAll('%2F', '/')) as T
    : (name) => name

/** The owner of an account's buckets: S3 names accounts by an id of 64 hex digits. */
export const ownerOf = (accountId: string): Owner => ({
  ID: hash('sha256', `canonical user ${accountId}`, 'hex'),
  DisplayName: accountId,
})

export const listedObjects = (
  infos: readonly TrailObjectInfo[],
  encode: (name: string) => string,
  owner: Owner | undefined,
): readonly ListedObject[] =>
  infos.map(({ key, modifiedAt, etag, sizeBytes }) => ({
    Key: encode(key),
    LastModified: modifiedAt,
    ETag: `"${etag}"`,
    Size: sizeBytes,
    StorageClass: 'STANDARD',
    Owner: owner,
  }))

export const listedPrefixes = (
  prefixes: readonly string[],
  encode: (name: string) => string,
): readonly CommonPrefix[] => prefixes.map((prefix) => ({ Prefix: encode(prefix) }))
