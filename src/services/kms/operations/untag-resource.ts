import { changeKey, keyIdElement } from '../keys/key-changes.ts'
import { NOT_PENDING_DELETION } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * Removes tags from a key; names that it does not have are ignored.
 * Source: AWS KMS API Reference, UntagResource.
 */
export const untagResource = defineKeyOperation({
  name: 'UntagResource',
  effect: 'write',
  key: { accepts: 'idOrArn', states: NOT_PENDING_DELETION },
  demand: (input) => ({ tagKeys: input.TagKeys }),

  async handle(input, target, scope) {
    const removed = new Set(input.TagKeys)
    const kept = Object.entries(target.key.tags).filter(([tagKey]) => !removed.has(tagKey))
    await changeKey(scope, target, { tags: Object.fromEntries(kept) })
    return undefined
  },

  audit: (input, target) => ({
    requestParameters: { keyId: input.KeyId, tagKeys: input.TagKeys },
    responseElements: keyIdElement(target),
  }),
})
