import { keyArn } from '../../../core/arn.ts'
import { isGone } from '../../../core/key.ts'
import { KEYS } from '../../../core/tables.ts'
import { servicePermission } from '../authorization/key-permission.ts'
import { defineOperation } from '../kms-operation.ts'
import { pageLimit } from '../page-markers.ts'

/** Source: AWS KMS API Reference, ListKeys, Limit. */
const LIMITS = { default: 100, max: 1000 }

/**
 * The keys of the caller's account and Region, in all states, page by page.
 * Source: AWS KMS API Reference, ListKeys.
 */
export const listKeys = defineOperation({
  name: 'ListKeys',
  effect: 'read',
  check: (input) => void pageLimit(input.Limit, LIMITS),
  resolve: (input, { markers, call }) =>
    input.Marker === undefined ? undefined : markers.decode(call, '', input.Marker),
  authorizesFirst: true,
  permissions: (_input, _target, scope) => [servicePermission('ListKeys', scope)],

  async handle(input, after, { records, markers, call }) {
    const limit = pageLimit(input.Limit, LIMITS)
    const page = await records.page(KEYS, {
      index: 'by_account',
      equals: [call.accountId, call.region],
      ...(after && { after }),
      limit: limit + 1,
    })
    const shown = page.slice(0, limit)
    const last = shown.at(-1)
    const isTruncated = page.length > limit && last !== undefined
    return {
      Keys: shown
        .filter(({ record }) => !isGone(record, call.time))
        .map(({ record }) => ({ KeyId: record.keyId, KeyArn: keyArn(record, record.keyId) })),
      Truncated: isTruncated,
      NextMarker: isTruncated ? markers.encode(call, '', [last.record.keyId]) : undefined,
    }
  },

  audit: (input) => ({ requestParameters: { limit: input.Limit, marker: input.Marker } }),
})
