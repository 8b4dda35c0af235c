import { unreachable } from '../../core/assert.ts'
import type { ServiceError } from '../../core/errors.ts'
import type { Key } from '../../core/key.ts'
import { keyDisabled, keyNotPendingDeletion, keyPendingDeletion } from './key-errors.ts'

/**
 * What an operation says to a key in each state: `ok`, or how it refuses.
 * Source: AWS KMS Developer Guide, Key states of AWS KMS keys, table.
 */
export interface StateRow {
  readonly Enabled: 'ok' | 'notPending'
  readonly Disabled: 'ok' | 'disabled' | 'notPending'
  readonly PendingDeletion: 'ok' | 'pendingDeletion'
}

/** Cryptographic operations, and what else needs a working key. */
export const NEEDS_ENABLED: StateRow = {
  Enabled: 'ok',
  Disabled: 'disabled',
  PendingDeletion: 'pendingDeletion',
}

/** Reads, PutKeyPolicy and others that work in every state. */
export const ANY_STATE: StateRow = { Enabled: 'ok', Disabled: 'ok', PendingDeletion: 'ok' }

/** Changes of a key that stays: refused while it waits for its deletion. */
export const NOT_PENDING_DELETION: StateRow = {
  Enabled: 'ok',
  Disabled: 'ok',
  PendingDeletion: 'pendingDeletion',
}

/** CancelKeyDeletion alone. */
export const ONLY_PENDING_DELETION: StateRow = {
  Enabled: 'notPending',
  Disabled: 'notPending',
  PendingDeletion: 'ok',
}

/** The refusal for a key in its present state, or undefined where the operation may go on. */
export function stateRefusal(row: StateRow, key: Key, arn: string): ServiceError | undefined {
  const outcome = row[key.state.name]
  switch (outcome) {
    case 'ok':
      return undefined
    case 'disabled':
      return keyDisabled(arn)
    case 'pendingDeletion':
      return keyPendingDeletion(arn)
    case 'notPending':
      return keyNotPendingDeletion(arn)
    default:
      return unreachable(outcome)
  }
}
