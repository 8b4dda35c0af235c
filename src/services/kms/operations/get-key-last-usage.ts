import { ANY_STATE } from '../keys/key-states.ts'
import { trackedOperation } from '../keys/key-usage.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * When a key was last used with success, by which operation, in which call. Uses have been recorded
 * from the first version on, so that tracking starts with the key.
 * Source: AWS KMS API Reference, GetKeyLastUsage.
 */
export const getKeyLastUsage = defineKeyOperation({
  name: 'GetKeyLastUsage',
  effect: 'read',
  key: { accepts: 'idOrArn', states: ANY_STATE },

  async handle(_input, target, scope) {
    const use = await scope.lastUses.lastUse(scope.records, target)
    const { createdAt } = target.key
    return {
      KeyId: target.arn,
      KeyLastUsage:
        use === undefined
          ? {}
          : {
              Operation: trackedOperation(use.operation),
              Timestamp: use.time,
              CloudTrailEventId: use.eventId,
              KmsRequestId: use.requestId,
            },
      TrackingStartDate: createdAt,
      KeyCreationDate: createdAt,
    }
  },

  audit: (input) => ({ requestParameters: { keyId: input.KeyId } }),
})
