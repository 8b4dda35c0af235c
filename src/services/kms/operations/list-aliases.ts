import { aliasArn, type Place } from '../../../core/arn.ts'
import type { Stored } from '../../../core/records.ts'
import type { Soon } from '../../../core/soon.ts'
import { ALIASES, type Alias } from '../../../core/tables.ts'
import { keyPermission, servicePermission } from '../authorization/key-permission.ts'
import { findLiveKey, type ResolvedKey, resolveKey } from '../keys/key-resolver.ts'
import { defineOperation } from '../kms-operation.ts'
import { pageLimit } from '../page-markers.ts'

/** Source: AWS KMS API Reference, ListAliases, Limit. */
const LIMITS = { default: 50, max: 100 }
const LOOKUP = { operation: 'ListAliases', accepts: 'idOrArn', hasInvalidArn: true } as const

/** All aliases of a place, or those of one key. */
function pageOf(
  key: ResolvedKey | undefined,
  { accountId, region }: Place,
  { after, limit }: { readonly after: readonly string[] | undefined; readonly limit: number },
) {
  const home = [accountId, region]
  return {
    ...(key === undefined
      ? { index: 'key', equals: home }
      : { index: 'by_target', equals: [...home, key.key.keyId] }),
    ...(after && { after }),
    limit,
  }
}

const entryOf = ({ record }: Stored<Alias>) => ({
  AliasName: record.name,
  AliasArn: aliasArn(record, record.name),
  TargetKeyId: record.targetKeyId,
  CreationDate: record.createdAt,
  LastUpdatedDate: record.updatedAt,
})

/**
 * The aliases of the caller's account and Region, or of one of its keys, page by page.
 * Source: AWS KMS API Reference, ListAliases.
 */
export const listAliases = defineOperation({
  name: 'ListAliases',
  effect: 'read',
  check: (input) => void pageLimit(input.Limit, LIMITS),

  resolve: (input, scope): Soon<ResolvedKey | undefined> =>
    input.KeyId === undefined ? undefined : resolveKey(input.KeyId, LOOKUP, scope),
  // Identity policies alone decide, on no resource in particular; another account's key lists no aliases.
  *permissions(_input, key, scope) {
    yield servicePermission('ListAliases', scope)
    if (key !== undefined && key.key.accountId !== scope.call.accountId) {
      yield keyPermission({ operation: 'ListAliases' }, key, scope)
    }
  },

  async handle(input, key, scope) {
    const { records, markers, call } = scope
    const limit = pageLimit(input.Limit, LIMITS)
    const filter = key?.arn ?? ''
    const after =
      input.Marker === undefined ? undefined : markers.decode(call, filter, input.Marker)
    const range = { after, limit: limit + 1 }
    const page = await records.page(ALIASES, pageOf(key, call, range))
    const shown = page.slice(0, limit)
    const last = shown.at(-1)
    const isTruncated = page.length > limit && last !== undefined
    const targets = await Promise.all(
      shown.map(
        async ({ record }) => await findLiveKey(records, call.region, record.targetKeyId, scope),
      ),
    )
    return {
      Aliases: shown.filter((_alias, at) => targets[at] !== undefined).map(entryOf),
      Truncated: isTruncated,
      NextMarker: isTruncated ? markers.encode(call, filter, [last.record.name]) : undefined,
    }
  },

  audit: (input) => ({
    requestParameters: { keyId: input.KeyId, limit: input.Limit, marker: input.Marker },
  }),
})
