import type { AccountId } from '../../../core/ids.ts'
import { GRANTS } from '../../../core/tables.ts'
import type { Call } from '../../../pipeline/call.ts'
import { principalIndex } from '../authorization/grant-binding.ts'
import { servicePermission } from '../authorization/key-permission.ts'
import { assertOwnService, getPrincipal, invalidPrincipal } from '../grants/grant-principals.ts'
import { GRANT_PAGE_LIMITS, grantEntry } from '../grants/grants.ts'
import { validationError } from '../keys/key-errors.ts'
import { findLiveKey } from '../keys/key-resolver.ts'
import { defineOperation } from '../kms-operation.ts'
import type { ListRetirableGrantsRequest } from '../model.ts'
import { pageLimit } from '../page-markers.ts'

/** @throws ServiceError ValidationException */
function checkPrincipal(input: ListRetirableGrantsRequest, call: Call): void {
  const { RetiringPrincipal, RetiringServicePrincipal: service } = input
  if ((RetiringPrincipal === undefined) === (service === undefined)) {
    throw validationError('Specify exactly one of RetiringPrincipal and RetiringServicePrincipal.')
  }
  if (service !== undefined) assertOwnService('RetiringServicePrincipal', service, call)
}

/** Whose grants are asked for. */
interface RetiringPrincipal {
  readonly name: string
  /** Absent for the service that asks itself. */
  readonly accountId: AccountId | undefined
}

/** @throws ServiceError InvalidArnException */
function principalOf(
  { RetiringPrincipal, RetiringServicePrincipal }: ListRetirableGrantsRequest,
  call: Call,
): RetiringPrincipal {
  if (RetiringServicePrincipal !== undefined) {
    return { name: RetiringServicePrincipal, accountId: undefined }
  }
  const text = RetiringPrincipal ?? ''
  const principal = getPrincipal(text, call)
  // A unique id could be another account's.
  if (principal.accountId === undefined) throw invalidPrincipal(text)
  return principal
}

/**
 * The grants in a Region that name a principal of the caller's account as the one who retires them, on
 * whoever's keys, page by page.
 * Source: AWS KMS API Reference, ListRetirableGrants.
 */
export const listRetirableGrants = defineOperation({
  name: 'ListRetirableGrants',
  effect: 'read',
  check(input, call) {
    pageLimit(input.Limit, GRANT_PAGE_LIMITS)
    checkPrincipal(input, call)
  },
  resolve: (input, { call }) => principalOf(input, call),
  // A service has no identity policies; which grants it may ask for has been checked.
  *permissions(_input, { name, accountId }, scope) {
    if (accountId === undefined) return
    yield servicePermission('ListRetirableGrants', scope, { resource: { accountId, arn: name } })
  },

  async handle(input, principal, scope) {
    const { records, markers, call } = scope
    const limit = pageLimit(input.Limit, GRANT_PAGE_LIMITS)
    const name = await principalIndex(principal.name, scope)
    const after = input.Marker === undefined ? undefined : markers.decode(call, name, input.Marker)
    const page = await records.page(GRANTS, {
      index: 'by_retiring',
      equals: [name, call.region],
      ...(after && { after }),
      limit: limit + 1,
    })
    const shown = page.slice(0, limit)
    const last = shown.at(-1)?.record
    const isTruncated = page.length > limit && last !== undefined
    const entries = await Promise.all(
      shown.map(async ({ record }) => {
        // The grants of a key past its deletion date end with it, whenever their rows are removed.
        const target = await findLiveKey(records, record.region, record.keyId, scope)
        return target && grantEntry(records, record, target.key)
      }),
    )
    return {
      Grants: entries.filter((entry) => entry !== undefined),
      Truncated: isTruncated,
      NextMarker: isTruncated ? markers.encode(call, name, [last.keyId, last.grantId]) : undefined,
    }
  },

  audit: (input) => ({
    requestParameters: {
      retiringPrincipal: input.RetiringPrincipal,
      retiringServicePrincipal: input.RetiringServicePrincipal,
      limit: input.Limit,
      marker: input.Marker,
    },
  }),
})
