import type { Instant } from './ids.ts'
import type { Table } from './tables.ts'

/**
 * How far a node's log has been delivered as log files and digests. Written in the same transaction as what was
 * delivered with it.
 */
export interface TrailMark {
  readonly nodeId: string
  /** Every frame up to this one is in a log file, or has no record that belongs into one; 0 before the first. */
  readonly sequence: number
  /** The chain value of the log after that frame, 64 hex digits. */
  readonly chain: string
  /** The end of the newest closed window, a full hour; 0 before the first. Windows never go back. */
  readonly closedUntil: Instant
  /** What was decided and not finished: after a crash exactly that is done again, before anything else. */
  readonly pending: TrailPending | undefined
}

export type TrailPending =
  /** Log files of the frames behind the mark up to `through`, named for `time`. */
  | { readonly type: 'files'; readonly through: number; readonly time: Instant }
  /** The digests of the windows that end at `end`. */
  | { readonly type: 'digests'; readonly end: Instant }

/** The end of the chain of digests of one account in one Region. */
export interface TrailHead {
  readonly nodeId: string
  readonly accountId: string
  readonly region: string
  /** Where the open window begins: the end of the newest digest. */
  readonly windowStart: Instant
  /** `digestStartTime` of the oldest digest that is kept, as the next digest will say. */
  readonly keptSince: Instant
  /** Absent before the first. */
  readonly digest?: TrailDigestEnd | undefined
}

/** What the next digest says of the one before it. */
export interface TrailDigestEnd {
  readonly key: string
  /** SHA-256 of the uncompressed file, hex. */
  readonly hash: string
  /** SHA-256 of the compressed file, hex. */
  readonly gzipHash: string
  /** Hex. */
  readonly signature: string
  /** As the digest says: what ends at or before this may be removed. */
  readonly keptSince: Instant
}

/** A log file that the next digest of its account and Region will name. */
export interface TrailLogFile {
  readonly nodeId: string
  readonly accountId: string
  readonly region: string
  readonly key: string
  /** Of the uncompressed file, hex. */
  readonly hash: string
  /** Of the compressed file, hex. */
  readonly gzipHash: string
  /** Of its records, as they write it: ISO 8601 with whole seconds. */
  readonly newestEventTime: string
  readonly oldestEventTime: string
  readonly recordCount: number
  readonly merkleRoot: string
  readonly firstSequence: number
  readonly lastSequence: number
}

export const TRAIL_MARKS: Table<TrailMark> = {
  schema: { name: 'trail_mark', key: ['node_id'], columns: {}, indexes: {} },
  keyOf: (mark) => [mark.nodeId],
  columnsOf: () => ({}),
}

export const TRAIL_HEADS: Table<TrailHead> = {
  schema: {
    name: 'trail_head',
    key: ['node_id', 'account_id', 'region'],
    columns: {},
    indexes: {},
  },
  keyOf: (head) => [head.nodeId, head.accountId, head.region],
  columnsOf: () => ({}),
}

export const TRAIL_LOG_FILES: Table<TrailLogFile> = {
  schema: {
    name: 'trail_log_file',
    key: ['node_id', 'account_id', 'region', 'object_key'],
    columns: {},
    indexes: {},
  },
  keyOf: (file) => [file.nodeId, file.accountId, file.region, file.key],
  columnsOf: () => ({}),
}

/** Every table of the trail, in the order in which migrations made them. */
export const TRAIL_TABLES: readonly Table<never>[] = [TRAIL_MARKS, TRAIL_HEADS, TRAIL_LOG_FILES]
