import { changeKey, keyIdElement } from '../keys/key-changes.ts'
import { ONLY_PENDING_DELETION } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'
import { stateAfterCancel } from '../material/imported-material.ts'

/**
 * Ends the waiting period of a key that was to be deleted; the key is disabled then, or waits for its
 * material to be imported. Automatic rotation that was on is on again.
 * Source: AWS KMS API Reference, CancelKeyDeletion.
 */
export const cancelKeyDeletion = defineKeyOperation({
  name: 'CancelKeyDeletion',
  effect: 'write',
  key: { accepts: 'idOrArn', states: ONLY_PENDING_DELETION },

  async handle(_input, target, scope) {
    const state = await stateAfterCancel(scope.tx, target.key, scope.call.time)
    await changeKey(scope, target, { state })
    return { KeyId: target.arn }
  },

  audit: (input, target, output) => ({
    requestParameters: { keyId: input.KeyId },
    responseElements: output === undefined ? null : keyIdElement(target),
  }),
})
