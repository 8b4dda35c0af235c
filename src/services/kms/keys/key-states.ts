import { unreachable } from '../../../core/assert.ts'
import type { ServiceError } from '../../../core/errors.ts'
import type { Key, KeyState } from '../../../core/key.ts'
import {
  keyCreating,
  keyDisabled,
  keyNotPendingDeletion,
  keyPendingDeletion,
  keyPendingImport,
  keyPendingReplicaDeletion,
  keyUnavailable,
  keyUpdating,
} from './key-errors.ts'

/** What an operation says to a key in some state: `ok`, or how it refuses. */
export type StateOutcome =
  | 'ok'
  | 'disabled'
  | 'pendingDeletion'
  | 'notPendingDeletion'
  | 'pendingImport'
  | 'unavailable'
  | 'creating'
  | 'updating'

/** One row of the table: an outcome for each state. */
export type StateRow = Readonly<Record<KeyState['name'], StateOutcome>>

/** Reads, PutKeyPolicy and others that work in every state. */
export const ANY_STATE: StateRow = {
  Enabled: 'ok',
  Disabled: 'ok',
  PendingDeletion: 'ok',
  PendingReplicaDeletion: 'ok',
  PendingImport: 'ok',
  Unavailable: 'ok',
  Creating: 'ok',
  Updating: 'ok',
}

const REFUSES_PENDING_DELETION = {
  PendingDeletion: 'pendingDeletion',
  PendingReplicaDeletion: 'pendingDeletion',
} as const

/** Cryptographic operations. */
export const NEEDS_ENABLED: StateRow = {
  ...ANY_STATE,
  ...REFUSES_PENDING_DELETION,
  Disabled: 'disabled',
  PendingImport: 'pendingImport',
  Unavailable: 'unavailable',
  Creating: 'creating',
}

/** CreateGrant: a key of a store that is not connected can still be granted. */
export const FOR_CREATE_GRANT: StateRow = { ...NEEDS_ENABLED, Unavailable: 'ok' }

/** CreateAlias, UpdateAlias for its new target, TagResource, UntagResource, UpdateKeyDescription. */
export const NOT_PENDING_DELETION: StateRow = { ...ANY_STATE, ...REFUSES_PENDING_DELETION }

/** EnableKey and DisableKey. */
export const FOR_ENABLING: StateRow = {
  ...NOT_PENDING_DELETION,
  PendingImport: 'pendingImport',
  Creating: 'creating',
  Updating: 'updating',
}

/** EnableKeyRotation and DisableKeyRotation: which keys rotate at all is asked after the state. */
export const FOR_ROTATION_SETTING: StateRow = {
  ...NOT_PENDING_DELETION,
  Disabled: 'disabled',
  Creating: 'creating',
}

/** RotateKeyOnDemand. */
export const FOR_ROTATION_ON_DEMAND: StateRow = {
  ...FOR_ROTATION_SETTING,
  PendingImport: 'pendingImport',
  Updating: 'updating',
}

/** ImportKeyMaterial. */
export const FOR_IMPORT: StateRow = { ...NOT_PENDING_DELETION, Creating: 'creating' }

/** GetParametersForImport. */
export const FOR_IMPORT_PARAMETERS: StateRow = { ...FOR_IMPORT, Updating: 'updating' }

/** DeleteImportedKeyMaterial: works while the key waits for its deletion. */
export const FOR_MATERIAL_DELETION: StateRow = {
  ...ANY_STATE,
  Creating: 'creating',
  Updating: 'updating',
}

/** ScheduleKeyDeletion. */
export const FOR_SCHEDULING_DELETION: StateRow = { ...NOT_PENDING_DELETION, Updating: 'updating' }

/** CancelKeyDeletion. */
export const ONLY_PENDING_DELETION: StateRow = {
  Enabled: 'notPendingDeletion',
  Disabled: 'notPendingDeletion',
  PendingDeletion: 'ok',
  PendingReplicaDeletion: 'ok',
  PendingImport: 'notPendingDeletion',
  Unavailable: 'notPendingDeletion',
  Creating: 'notPendingDeletion',
  Updating: 'notPendingDeletion',
}

/** ReplicateKey. */
export const FOR_REPLICATION: StateRow = { ...NEEDS_ENABLED, Updating: 'updating' }

/** UpdatePrimaryRegion, for both of its keys. */
export const FOR_PRIMARY_CHANGE: StateRow = NEEDS_ENABLED

/**
 * The refusal for a key in its present state, or undefined where the operation may go on.
 * Source of the rows: AWS KMS Developer Guide, Key states of AWS KMS keys, table.
 */
export function stateRefusal(row: StateRow, key: Key, arn: string): ServiceError | undefined {
  const outcome = row[key.state.name]
  switch (outcome) {
    case 'ok':
      return undefined
    case 'disabled':
      return keyDisabled(arn)
    case 'pendingDeletion':
      return key.state.name === 'PendingReplicaDeletion'
        ? keyPendingReplicaDeletion(arn)
        : keyPendingDeletion(arn)
    case 'notPendingDeletion':
      return keyNotPendingDeletion(arn)
    case 'pendingImport':
      return keyPendingImport(arn)
    case 'unavailable':
      return keyUnavailable(arn)
    case 'creating':
      return keyCreating(arn)
    case 'updating':
      return keyUpdating(arn)
    default:
      return unreachable(outcome)
  }
}
