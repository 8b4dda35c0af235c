import type { KeyObject } from 'node:crypto'
import type { Clock, Log } from '../../core/ports.ts'
import type { AppendDone } from './batch-buffer.ts'
import type { SegmentFiles } from './segment-files.ts'

/** A place in the log that was noted elsewhere: a log that does not contain it is not the same log any more. */
export interface AuditHead {
  /** Of the newest frame; 0 when there is none. */
  readonly sequence: number
  /** The chain value after that frame, 64 hex digits. */
  readonly chain: string
}

/** Counters since the log was opened, and the state at this moment. For metrics and readiness. */
export interface AuditStats {
  readonly waitingFrames: number
  readonly framesWritten: number
  readonly batchesWritten: number
  readonly bytesWritten: number
  readonly lastBatchFrames: number
  /** Duration of the last write. Unit: milliseconds. */
  readonly lastWriteMs: number
  /** Writes, preparations and seals that failed. */
  readonly failures: number
  /** Frames that were not accepted, or whose write failed. */
  readonly framesFailed: number
  /** True from a failed write until one succeeds. */
  readonly failing: boolean
}

/** One write of frames that succeeded. */
export interface WrittenBatch {
  readonly frames: number
  readonly bytes: number
  /** Until the disk had it. */
  readonly milliseconds: number
}

/**
 * The append-only record of everything that was asked of a node. One writer per folder.
 */
export interface AuditLog {
  /**
   * Appends one frame: the text of `{"kind":…,"internal":{…},"records":[…]}`, at most 1 MiB of UTF-8.
   * `done` is called exactly once, never before `append` returns: without an error when the frame is
   * durable (with `durability: 'async'`, when it is accepted), with a `DependencyError` when it could
   * not be written. The order of calls is the order in the log. A frame whose `done` got an error may still be found in
   * the log after a crash.
   */
  append(frame: string, done: AppendDone): void
  /** The newest frame that was written; `segment` is the number of the current segment. */
  head(): AuditHead & { readonly segment: number }
  stats(): AuditStats
  /** Writes what waits, then closes the files; later appends fail. */
  close(): Promise<void>
}

export interface AuditLogOptions {
  /** Made if absent. Must be locked against other processes by the caller. */
  readonly folder: string
  /** 1 to 64 bytes of UTF-8, as is `macKeyId`. */
  readonly nodeId: string
  readonly macKey: KeyObject
  readonly macKeyId: string
  /** Finds the key of a last segment that was written under another key. */
  readonly earlierMacKey?: (macKeyId: string) => KeyObject | undefined
  readonly clock: Clock
  readonly log: Log
  /** A multiple of 512 from 2048 on; 32 MiB by default. Takes effect with the next segment. */
  readonly segmentBytes?: number
  /** `async` acknowledges at once and does not wait for the disk: a crash loses the newest frames. */
  readonly durability?: 'sync' | 'async'
  /** Begins a new segment behind a damaged one, instead of refusing to open. */
  readonly acceptDamage?: boolean
  /** The log must contain this frame, or it was cut off. */
  readonly expectedHead?: AuditHead
  /** Told of each write that succeeded, for metrics. */
  readonly onBatch?: ((batch: WrittenBatch) => void) | undefined
  /** In place of the disk, for tests. */
  readonly files?: SegmentFiles
  /** Steady time in milliseconds, for tests. */
  readonly steadyMs?: () => number
}

/** Where a log is not what was written. */
export interface AuditDamage {
  /** The file's name; absent where no segment is left. */
  readonly file: string | undefined
  readonly offset: number
  readonly what: string
}

/** What opening the log had to mend. */
export interface AuditRecovery {
  /** A last write that had been cut short, and was overwritten with zeros. */
  readonly tornTail:
    | { readonly file: string; readonly offset: number; readonly bytes: number }
    | undefined
  /** Only with `acceptDamage`. */
  readonly acceptedDamage: AuditDamage | undefined
}
