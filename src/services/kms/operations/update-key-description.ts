import { changeKey, keyIdElement } from '../keys/key-changes.ts'
import { NOT_PENDING_DELETION } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * Replaces the description of a key.
 * Source: AWS KMS API Reference, UpdateKeyDescription.
 */
export const updateKeyDescription = defineKeyOperation({
  name: 'UpdateKeyDescription',
  effect: 'write',
  key: { accepts: 'idOrArn', states: NOT_PENDING_DELETION },

  async handle(input, target, scope) {
    await changeKey(scope, target, { description: input.Description })
    return undefined
  },

  audit: (input, target) => ({
    requestParameters: { keyId: input.KeyId, description: input.Description },
    responseElements: keyIdElement(target),
  }),
})
