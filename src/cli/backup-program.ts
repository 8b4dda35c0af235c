import type { FolderOptions } from './program.ts'

export interface RestoreOptions extends FolderOptions {
  readonly file: string
  readonly onProgress?: ((progress: RestoreProgress) => void) | undefined
}

export interface RestoreProgress {
  readonly step: 'restored' | 'checked' | 'proved'
  /** So far; of keys where they are proved. */
  readonly rows: number
  /** Undefined where it is not known beforehand. */
  readonly total: number | undefined
}

/** What the keys of a backup did when they were tried. */
export interface KeyProofs {
  readonly keys: number
  readonly proved: number
  /** Keys whose material is not in the store: expired or deleted imports, custom key stores. */
  readonly withoutMaterial: number
  readonly failed: number
  /** ARNs, at most 100 of each. */
  readonly failures: readonly { readonly key: string; readonly why: string }[]
  readonly absences: readonly { readonly key: string; readonly why: string }[]
}

export interface RestoredPlace extends KeyProofs {
  readonly dataFolder: string
  /** A file, or a URL without its password. */
  readonly store: string
  /** When the backup was made. ISO 8601. */
  readonly createdAt: string
  readonly records: number
}

export interface DrillOptions extends FolderOptions {
  readonly file: string
  /** Where the scratch store is made; the system's folder for temporary files by default. */
  readonly scratch?: string | undefined
}

export interface DrillReport extends KeyProofs {
  /** When the backup was made. ISO 8601. */
  readonly createdAt: string
  readonly records: number
}
