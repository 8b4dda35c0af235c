import { ServiceError } from '../../../core/errors.ts'
import { CUSTOM_KEY_STORES } from '../../../core/tables.ts'
import { servicePermission } from '../authorization/key-permission.ts'
import {
  customKeyStoreEntry,
  findCustomKeyStoreByName,
  getCustomKeyStore,
} from '../custom-key-stores/custom-key-stores.ts'
import { validationError } from '../keys/key-errors.ts'
import { defineOperation, type KmsScope } from '../kms-operation.ts'
import type { DescribeCustomKeyStoresRequest } from '../model.ts'
import { pageLimit } from '../page-markers.ts'

/** The default is our choice: no account has more than ten. Source of the maximum: the service model. */
const LIMITS = { default: 100, max: 1000 }

/** The one store that the request names; undefined where it asks for all. @throws ServiceError CustomKeyStoreNotFoundException */
async function findNamed(input: DescribeCustomKeyStoresRequest, { records, call }: KmsScope) {
  if (input.CustomKeyStoreId !== undefined)
    return getCustomKeyStore(records, call, input.CustomKeyStoreId)
  const { CustomKeyStoreName: name } = input
  if (name === undefined) return undefined
  const named = await findCustomKeyStoreByName(records, call, name)
  if (named === undefined) throw new ServiceError('CustomKeyStoreNotFoundException')
  return named
}

/** What a marker is bound to besides account and Region. */
const filterOf = (input: DescribeCustomKeyStoresRequest): string =>
  input.CustomKeyStoreId ?? input.CustomKeyStoreName ?? ''

/**
 * The custom key stores of the caller's account and Region, page by page, or the one that is named.
 * Source: AWS KMS API Reference, DescribeCustomKeyStores.
 */
export const describeCustomKeyStores = defineOperation({
  name: 'DescribeCustomKeyStores',
  effect: 'read',
  check(input) {
    pageLimit(input.Limit, LIMITS)
    if (input.CustomKeyStoreId !== undefined && input.CustomKeyStoreName !== undefined) {
      throw validationError(
        'CustomKeyStoreId and CustomKeyStoreName cannot be given in the same request.',
      )
    }
  },

  async resolve(input, scope) {
    const { markers, call } = scope
    const named = await findNamed(input, scope)
    const { Marker } = input
    const after = Marker && markers.decode(call, filterOf(input), Marker)
    return { named, after }
  },
  authorizesFirst: true,
  permissions: (_input, _target, scope) => [servicePermission('DescribeCustomKeyStores', scope)],

  async handle(input, { named, after }, { records, markers, call }) {
    if (named !== undefined)
      return { CustomKeyStores: [customKeyStoreEntry(named)], Truncated: false }
    const limit = pageLimit(input.Limit, LIMITS)
    const page = await records.page(CUSTOM_KEY_STORES, {
      index: 'key',
      equals: [call.accountId, call.region],
      ...(after && { after }),
      limit: limit + 1,
    })
    const shown = page.slice(0, limit)
    const last = shown.at(-1)
    const isTruncated = page.length > limit && last !== undefined
    return {
      CustomKeyStores: shown.map(customKeyStoreEntry),
      Truncated: isTruncated,
      NextMarker: isTruncated
        ? markers.encode(call, filterOf(input), [last.record.storeId])
        : undefined,
    }
  },

  audit: (input) => ({
    requestParameters: {
      customKeyStoreId: input.CustomKeyStoreId,
      customKeyStoreName: input.CustomKeyStoreName,
      limit: input.Limit,
      marker: input.Marker,
    },
  }),
})
