import { changeKey, keyIdElement } from '../keys/key-changes.ts'
import { NOT_PENDING_DELETION } from '../keys/key-states.ts'
import { assertTagKeys, auditTags, tagValues, withTags } from '../keys/tags.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * Adds tags to a key, or replaces the values of those it has.
 * Source: AWS KMS API Reference, TagResource.
 */
export const tagResource = defineKeyOperation({
  name: 'TagResource',
  effect: 'write',
  key: { accepts: 'idOrArn', states: NOT_PENDING_DELETION },
  demand: (input) => ({ requestTags: tagValues(input.Tags) }),
  check: (input) => assertTagKeys(input.Tags.map((tag) => tag.TagKey)),

  async handle(input, target, scope) {
    await changeKey(scope, target, { tags: withTags(target.key.tags, input.Tags) })
    return undefined
  },

  audit: (input, target) => ({
    requestParameters: { keyId: input.KeyId, tags: auditTags(input.Tags) },
    responseElements: keyIdElement(target),
  }),
})
