import type { Permission } from '../../../authz/permission.ts'
import { aliasArn } from '../../../core/arn.ts'
import type { Records, Stored } from '../../../core/records.ts'
import { ALIASES, type Alias } from '../../../core/tables.ts'
import { findLiveKey, type ResolvedKey, resolveKey } from '../key-resolver.ts'
import { defineOperation, type KmsScope } from '../kms-operation.ts'
import { pageLimit } from '../page-markers.ts'

/** Source: AWS KMS API Reference, ListAliases, Limit. */
const LIMITS = { default: 50, max: 100 }
const LOOKUP = { action: 'kms:ListAliases', accepts: 'idOrArn', hasInvalidArn: true } as const
const PERMISSION: Permission = { action: 'kms:ListAliases' }

interface Target {
  readonly key: ResolvedKey | undefined
  readonly after: readonly string[] | undefined
}

const filterOf = (key: ResolvedKey | undefined): string => key?.arn ?? ''

function findPage(records: Records, { key, after }: Target, call: KmsScope['call'], limit: number) {
  const home = [call.accountId, call.region]
  return records.page(ALIASES, {
    ...(key === undefined
      ? { index: 'key', equals: home }
      : { index: 'by_target', equals: [...home, key.key.keyId] }),
    ...(after && { after }),
    limit,
  })
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

  async resolve(input, scope): Promise<Target> {
    const key = input.KeyId === undefined ? undefined : await resolveKey(input.KeyId, LOOKUP, scope)
    const { Marker } = input
    const after =
      Marker === undefined ? undefined : scope.markers.decode(scope.call, filterOf(key), Marker)
    return { key, after }
  },
  permissions: (_input, { key }) =>
    key === undefined
      ? [PERMISSION]
      : [{ ...PERMISSION, resource: { accountId: key.key.accountId, arn: key.arn } }],

  async handle(input, target, scope) {
    const { records, markers, call } = scope
    const limit = pageLimit(input.Limit, LIMITS)
    const page = await findPage(records, target, call, limit + 1)
    const shown = page.slice(0, limit)
    const last = shown.at(-1)
    const isTruncated = page.length > limit && last !== undefined
    const targets = await Promise.all(
      shown.map(({ record }) => findLiveKey(records, call.region, record.targetKeyId, scope)),
    )
    return {
      Aliases: shown.filter((_alias, at) => targets[at] !== undefined).map(entryOf),
      Truncated: isTruncated,
      NextMarker: isTruncated
        ? markers.encode(call, filterOf(target.key), [last.record.name])
        : undefined,
    }
  },

  audit: (input) => ({
    requestParameters: { keyId: input.KeyId, limit: input.Limit, marker: input.Marker },
  }),
})
