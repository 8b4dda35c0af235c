import { ANY_STATE } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'
import { pageLimit } from '../page-markers.ts'

/** Source: AWS KMS API Reference, ListResourceTags, Limit. */
const LIMITS = { default: 50, max: 50 }

/**
 * The tags of a key, by tag key, page by page.
 * Source: AWS KMS API Reference, ListResourceTags.
 */
export const listResourceTags = defineKeyOperation({
  name: 'ListResourceTags',
  effect: 'read',
  key: { accepts: 'idOrArn', states: ANY_STATE },
  check: (input) => void pageLimit(input.Limit, LIMITS),

  handle(input, { key, arn }, { markers, call }) {
    const limit = pageLimit(input.Limit, LIMITS)
    const [after] = input.Marker === undefined ? [] : markers.decode(call, arn, input.Marker)
    const names = Object.keys(key.tags)
      .sort()
      .filter((name) => after === undefined || name > after)
    const shown = names.slice(0, limit)
    const last = shown.at(-1)
    const isTruncated = names.length > limit && last !== undefined
    return {
      Tags: shown.map((name) => ({ TagKey: name, TagValue: key.tags[name] ?? '' })),
      Truncated: isTruncated,
      NextMarker: isTruncated ? markers.encode(call, arn, [last]) : undefined,
    }
  },

  audit: (input) => ({
    requestParameters: { keyId: input.KeyId, limit: input.Limit, marker: input.Marker },
  }),
})
