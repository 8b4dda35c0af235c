import { ServiceError } from '../../../core/errors.ts'
import { partitionOf } from '../../../core/regions.ts'
import { GRANTS } from '../../../core/tables.ts'
import type { Call } from '../../../pipeline/call.ts'
import { principalIndex } from '../authorization/grant-binding.ts'
import { servicePermission } from '../authorization/key-permission.ts'
import { type GrantPrincipal, getPrincipal } from '../grant-principals.ts'
import { GRANT_PAGE_LIMITS, grantEntry } from '../grants.ts'
import { validationError } from '../key-errors.ts'
import { findLiveKey } from '../key-resolver.ts'
import { defineOperation } from '../kms-operation.ts'
import type { ListRetirableGrantsRequest } from '../model.ts'
import { pageLimit } from '../page-markers.ts'

/** @throws ServiceError ValidationException */
function checkPrincipal(input: ListRetirableGrantsRequest): void {
  const isForService = input.RetiringServicePrincipal !== undefined
  if ((input.RetiringPrincipal !== undefined) === isForService) {
    throw validationError('Specify exactly one of RetiringPrincipal and RetiringServicePrincipal.')
  }
  // Only a service may ask for a service's, and no caller from outside is one.
  if (isForService) {
    throw validationError('Only AWS service principals can specify RetiringServicePrincipal.')
  }
}

/** A principal whose account is known: a unique id could be another account's. */
type RetiringPrincipal = GrantPrincipal & {
  readonly accountId: NonNullable<GrantPrincipal['accountId']>
}

/** @throws ServiceError InvalidArnException */
function principalOf(
  { RetiringPrincipal }: ListRetirableGrantsRequest,
  call: Call,
): RetiringPrincipal {
  const text = RetiringPrincipal ?? ''
  const { name, accountId } = getPrincipal(text, partitionOf(call.region))
  if (accountId === undefined) {
    throw new ServiceError(
      'InvalidArnException',
      `ARN does not refer to a valid principal: ${text}`,
    )
  }
  return { name, accountId }
}

/**
 * The grants in a Region that name a principal of the caller's account as the one who retires them, on
 * whoever's keys, page by page.
 * Source: AWS KMS API Reference, ListRetirableGrants.
 */
export const listRetirableGrants = defineOperation({
  name: 'ListRetirableGrants',
  effect: 'read',
  check(input) {
    pageLimit(input.Limit, GRANT_PAGE_LIMITS)
    checkPrincipal(input)
  },
  resolve: (input, { call }) => principalOf(input, call),
  permissions: (_input, { name, accountId }, scope) => [
    servicePermission('ListRetirableGrants', scope, { resource: { accountId, arn: name } }),
  ],

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
      limit: input.Limit,
      marker: input.Marker,
    },
  }),
})
