import type { AccountId, Instant, KeyId, KeyMaterialId, Region } from './ids.ts'
import type { KeySpec, KeyUsage } from './key-specs.ts'

export type KeyOrigin = 'AWS_KMS' | 'EXTERNAL' | 'AWS_CLOUDHSM' | 'EXTERNAL_KEY_STORE'

/** Source: AWS KMS Developer Guide, Key states. A state carries what only it has. */
export type KeyState =
  | {
      readonly name:
        | 'Enabled'
        | 'Disabled'
        | 'PendingImport'
        | 'Creating'
        | 'Updating'
        | 'Unavailable'
    }
  | { readonly name: 'PendingDeletion'; readonly deletionDate: Instant }
  /** A primary whose replicas are still there: its own window starts when the last of them is deleted. */
  | { readonly name: 'PendingReplicaDeletion'; readonly windowDays: number }

/** Automatic rotation of a key, when it is on. */
export interface RotationSchedule {
  readonly periodDays: number
  readonly nextDate: Instant
}

/** The family of related keys that a multi-Region key belongs to; every member holds the same. */
export interface MultiRegionFamily {
  readonly primaryRegion: Region
  /** Without the primary's. */
  readonly replicaRegions: readonly Region[]
}

/** A KMS key: the logical resource. Its backing keys are records of their own. */
export interface Key {
  readonly accountId: AccountId
  readonly region: Region
  readonly keyId: KeyId
  readonly spec: KeySpec
  readonly usage: KeyUsage
  readonly origin: KeyOrigin
  readonly description: string
  readonly createdAt: Instant
  readonly state: KeyState
  /** By tag key. */
  readonly tags: Readonly<Record<string, string>>
  /** Absent until the first import of a key whose material comes from outside. */
  readonly currentMaterialId?: KeyMaterialId | undefined
  /**
   * When the first of the imported material expires without which the key cannot be used. Absent where
   * none of it does. Each related key of a multi-Region key has its own.
   */
  readonly materialValidTo?: Instant | undefined
  /** Absent while automatic rotation is off. */
  readonly rotation?: RotationSchedule | undefined
  /** Rotations on demand so far, of all the key's life. */
  readonly onDemandRotations: number
  /** Absent for a single-Region key. */
  readonly multiRegion?: MultiRegionFamily | undefined
  /** Of a key that no customer made: the service that it is for, by its short name. */
  readonly managedBy?: string | undefined
  /** Only for keys in a custom key store. */
  readonly customKeyStoreId?: string | undefined
}

/** How imported material came, and whether it is here now. */
export interface ImportedMaterial {
  readonly isPresent: boolean
  readonly expirationModel: 'KEY_MATERIAL_EXPIRES' | 'KEY_MATERIAL_DOES_NOT_EXPIRE'
  readonly validTo?: Instant | undefined
  readonly description?: string | undefined
}

/** One generation of key material behind a KMS key. Its bytes are the record's wrapped secret. */
export interface BackingKey {
  readonly accountId: AccountId
  readonly region: Region
  readonly keyId: KeyId
  readonly materialId: KeyMaterialId
  readonly createdAt: Instant
  /** Grows from one generation of a key to the next. */
  readonly generation: number
  /** Pending also until every related key has imported it: that is seen from their backing keys. */
  readonly state: 'CURRENT' | 'NON_CURRENT' | 'PENDING_ROTATION'
  /** When it became current by a rotation; absent for the first, and for what waits for its rotation. */
  readonly rotated?:
    | { readonly date: Instant; readonly type: 'AUTOMATIC' | 'ON_DEMAND' }
    | undefined
  /** DER SubjectPublicKeyInfo in base64; asymmetric keys only. */
  readonly publicKey?: string | undefined
  /** Only for material that came from outside. */
  readonly imported?: ImportedMaterial | undefined
}

/** Past its deletion date a key is gone on read, whether or not the worker came by. */
export const isGone = (key: Key, now: Instant): boolean =>
  key.state.name === 'PendingDeletion' && key.state.deletionDate <= now

/**
 * The key as it is at a moment: without material that has expired it waits for its import, whether or
 * not the worker came by.
 */
export function keyAt(key: Key, now: Instant): Key {
  if (key.materialValidTo === undefined || key.materialValidTo > now) return key
  const isUsable = key.state.name === 'Enabled' || key.state.name === 'Disabled'
  return isUsable ? { ...key, state: { name: 'PendingImport' } } : key
}

/** Whether imported material is here at a moment: neither deleted nor expired. */
export const isHere = ({ isPresent, validTo }: ImportedMaterial, now: Instant): boolean =>
  isPresent && (validTo === undefined || validTo > now)

/** Whether a multi-Region key is its family's primary; undefined for a single-Region key. */
export const isPrimary = (key: Key): boolean | undefined =>
  key.multiRegion && key.multiRegion.primaryRegion === key.region
