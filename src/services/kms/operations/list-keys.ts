import { keyArns } from '../../../core/arn.ts'
import type { Instant, KeyId } from '../../../core/ids.ts'
import type { Key } from '../../../core/key.ts'
import type { Listing } from '../../../core/records.ts'
import { KEYS } from '../../../core/tables.ts'
import { servicePermission } from '../authorization/key-permission.ts'
import { defineOperation } from '../kms-operation.ts'
import type { KeyListEntry } from '../model.ts'
import { pageLimit } from '../page-markers.ts'

/** Source: AWS KMS API Reference, ListKeys, Limit. */
const LIMITS = { default: 100, max: 1000 }

/** A key as the listing knows it. */
interface ListedKey {
  readonly keyId: KeyId
  /** When the key is gone, though its record may still be there. */
  readonly deletionDate: Instant | undefined
}

const KEYS_OF_ACCOUNT: Listing<Key, ListedKey> = {
  table: KEYS,
  index: 'by_account',
  entryOf: ({ keyId, state }) => ({
    keyId,
    deletionDate: state.name === 'PendingDeletion' ? state.deletionDate : undefined,
  }),
  placeOf: ({ keyId }) => keyId,
}

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
    const page = await records.list(KEYS_OF_ACCOUNT, {
      equals: [call.accountId, call.region],
      after: after?.[0],
      limit: limit + 1,
    })
    const isTruncated = page.length > limit
    const shown = isTruncated ? page.slice(0, limit) : page
    const last = shown.at(-1)
    const arnOf = keyArns(call)
    const entries: KeyListEntry[] = []
    for (const { keyId, deletionDate } of shown) {
      const isGone = deletionDate !== undefined && deletionDate <= call.time
      if (!isGone) entries.push({ KeyId: keyId, KeyArn: arnOf(keyId) })
    }
    return {
      Keys: entries,
      Truncated: isTruncated,
      NextMarker: isTruncated && last ? markers.encode(call, '', [last.keyId]) : undefined,
    }
  },

  audit: (input) => ({ requestParameters: { limit: input.Limit, marker: input.Marker } }),
})
