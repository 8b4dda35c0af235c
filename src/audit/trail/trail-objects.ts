import type { Instant } from '../../core/ids.ts'

/** What a bucket listing tells of an object. */
export interface TrailObjectInfo {
  readonly key: string
  readonly sizeBytes: number
  readonly modifiedAt: Instant
  /** MD5 of the body, hex: S3's ETag. */
  readonly etag: string
}

export interface TrailObject extends TrailObjectInfo {
  readonly body: Buffer
  /** User metadata: of digests `signature` and `signature-algorithm`. */
  readonly metadata: Readonly<Record<string, string>>
}

/** A page of a bucket: keys in the order of their UTF-8 bytes. */
export interface TrailObjectQuery {
  readonly prefix: string
  /** Only keys behind this one. */
  readonly after?: string | undefined
  /** 1 to 1,000. */
  readonly limit: number
}

/** The log files and digests of every account, one bucket each. */
export interface TrailObjects {
  /** Whole and durable once resolved; replaces an object of that key. */
  put(
    accountId: string,
    object: Pick<TrailObject, 'key' | 'body' | 'metadata' | 'modifiedAt'>,
  ): Promise<void>
  get(accountId: string, key: string): Promise<TrailObject | undefined>
  /** Empty also for an account that has no bucket yet. */
  list(accountId: string, query: TrailObjectQuery): Promise<readonly TrailObjectInfo[]>
  /** Succeeds also where there is no such object. */
  remove(accountId: string, key: string): Promise<void>
  /** The accounts that have a bucket, ascending. */
  accounts(): Promise<readonly string[]>
}
