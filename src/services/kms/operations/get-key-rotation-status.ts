import type { Key } from '../../../core/key.ts'
import { wrongOrigin } from '../keys/key-errors.ts'
import { ANY_STATE } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/** A key that is to be deleted does not rotate, whatever was set; what was set comes back with it. */
const isToBeDeleted = ({ state }: Key): boolean =>
  state.name === 'PendingDeletion' || state.name === 'PendingReplicaDeletion'

/**
 * Whether a key rotates by itself, how often and when next. A rotation on demand is complete when its
 * reply is there, so that none is ever seen on its way.
 * Source: AWS KMS API Reference, GetKeyRotationStatus.
 */
export const getKeyRotationStatus = defineKeyOperation({
  name: 'GetKeyRotationStatus',
  effect: 'read',
  key: { accepts: 'idOrArn', states: ANY_STATE },
  admit(_input, { key, arn }) {
    if (key.origin !== 'AWS_KMS' && key.origin !== 'EXTERNAL') throw wrongOrigin(arn, key.origin)
  },

  handle(_input, { key, arn }) {
    const rotation = isToBeDeleted(key) ? undefined : key.rotation
    return {
      KeyId: arn,
      KeyRotationEnabled: rotation !== undefined,
      ...(rotation && {
        RotationPeriodInDays: rotation.periodDays,
        NextRotationDate: rotation.nextDate,
      }),
    }
  },

  audit: (input) => ({ requestParameters: { keyId: input.KeyId } }),
})
