import type { FolderOptions } from './program.ts'

/** Where a store is to go. */
export interface TransferOptions extends FolderOptions {
  /** A file that is not there, or the URL of a database with empty tables. */
  readonly to: string
  readonly onProgress: (progress: TransferProgress) => void
}

export interface TransferProgress {
  readonly step: 'copied' | 'compared' | 'opened'
  /** So far. */
  readonly rows: number
  /** Undefined where there are too many to count beforehand. */
  readonly total: number | undefined
}

export interface TransferredStore {
  /** Places, without passwords. */
  readonly from: string
  readonly to: string
  readonly records: number
}

/** What became of the tables of a store. */
export interface StoreMigration {
  /** Numbers of the newest step: before, and now. */
  readonly from: number
  readonly to: number
  /** The steps that were run, or would be, by number and name. */
  readonly applied: readonly string[]
}
