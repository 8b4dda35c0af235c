import type { Key } from '../../../core/key.ts'
import type { Stored } from '../../../core/records.ts'
import { GRANTS, type Grant } from '../../../core/tables.ts'
import { principalIndex } from '../authorization/grant-binding.ts'
import { assertOwnService, getPrincipal } from '../grants/grant-principals.ts'
import { assertGrantId, findGrant, GRANT_PAGE_LIMITS, grantEntry } from '../grants/grants.ts'
import { validationError } from '../keys/key-errors.ts'
import { ANY_STATE } from '../keys/key-states.ts'
import { defineKeyOperation, type KmsScope } from '../kms-operation.ts'
import type { ListGrantsRequest } from '../model.ts'
import { pageLimit } from '../page-markers.ts'

/** Which grants are asked for: those of one grantee, or one grant, or all. */
interface Filter {
  readonly grantee: string | undefined
  readonly grantId: string | undefined
}

/** @throws ServiceError InvalidArnException, InvalidGrantIdException */
async function filterOf(input: ListGrantsRequest, scope: KmsScope): Promise<Filter> {
  const { GranteePrincipal, GranteeServicePrincipal, GrantId } = input
  if (GrantId !== undefined) assertGrantId(GrantId)
  const grantee =
    GranteePrincipal === undefined
      ? GranteeServicePrincipal
      : await principalIndex(getPrincipal(GranteePrincipal, scope.call).name, scope)
  return { grantee, grantId: GrantId }
}

interface Range {
  readonly after: readonly string[] | undefined
  readonly limit: number
}

async function pageOf(
  { records }: KmsScope,
  key: Key,
  { grantee, grantId }: Filter,
  { after, limit }: Range,
): Promise<readonly Stored<Grant>[]> {
  if (grantId !== undefined) {
    const stored = await findGrant(records, key, grantId)
    const isShown =
      grantee === undefined ||
      (stored !== undefined && GRANTS.columnsOf(stored.record)['grantee'] === grantee)
    return stored !== undefined && isShown ? [stored] : []
  }
  const home = [key.region, key.keyId]
  return records.page(GRANTS, {
    ...(grantee === undefined
      ? { index: 'key', equals: home }
      : { index: 'by_grantee', equals: [...home, grantee] }),
    ...(after && { after }),
    limit,
  })
}

/**
 * The grants on a key, or some of them, page by page.
 * Source: AWS KMS API Reference, ListGrants.
 */
export const listGrants = defineKeyOperation({
  name: 'ListGrants',
  effect: 'read',
  key: { accepts: 'idOrArn', states: ANY_STATE },
  check(input, call) {
    pageLimit(input.Limit, GRANT_PAGE_LIMITS)
    const { GranteePrincipal, GranteeServicePrincipal: service } = input
    if (service === undefined) return
    if (GranteePrincipal !== undefined) {
      throw validationError('Specify at most one of GranteePrincipal and GranteeServicePrincipal.')
    }
    assertOwnService('GranteeServicePrincipal', service, call)
  },

  async handle(input, { key, arn }, scope) {
    const { markers, call } = scope
    const limit = pageLimit(input.Limit, GRANT_PAGE_LIMITS)
    const filter = await filterOf(input, scope)
    const listing = JSON.stringify([arn, filter.grantee, filter.grantId])
    const after =
      input.Marker === undefined ? undefined : markers.decode(call, listing, input.Marker)
    const page = await pageOf(scope, key, filter, { after, limit: limit + 1 })
    const shown = page.slice(0, limit)
    const last = shown.at(-1)
    const isTruncated = page.length > limit && last !== undefined
    return {
      Grants: await Promise.all(shown.map(({ record }) => grantEntry(scope.records, record, key))),
      Truncated: isTruncated,
      NextMarker: isTruncated ? markers.encode(call, listing, [last.record.grantId]) : undefined,
    }
  },

  audit: (input) => ({
    requestParameters: {
      keyId: input.KeyId,
      grantId: input.GrantId,
      granteePrincipal: input.GranteePrincipal,
      granteeServicePrincipal: input.GranteeServicePrincipal,
      limit: input.Limit,
      marker: input.Marker,
    },
  }),
})
