import type { Permission } from '../../../authz/permission.ts'
import { keyArn } from '../../../core/arn.ts'
import { assert } from '../../../core/assert.ts'
import { ServiceError } from '../../../core/errors.ts'
import { parseRegion } from '../../../core/regions.ts'
import { keyPermission } from '../authorization/key-permission.ts'
import { keyIdElement } from '../keys/key-changes.ts'
import { keyNotFound } from '../keys/key-errors.ts'
import { findLiveKey, type ResolvedKey, resolveKey } from '../keys/key-resolver.ts'
import { FOR_PRIMARY_CHANGE } from '../keys/key-states.ts'
import { assertPrimary, assertRelatedRegion, changeFamily, familyOf } from '../keys/multi-region.ts'
import { assertKeyFits, defineOperation, keyResource } from '../kms-operation.ts'

interface Target {
  readonly primary: ResolvedKey
  /** The related key that is to be the primary; the primary itself where its own Region was named. */
  readonly next: ResolvedKey | undefined
}

const LOOKUP = {
  operation: 'UpdatePrimaryRegion',
  accepts: 'idOrArn',
  hasInvalidArn: true,
} as const

/**
 * Makes a replica the primary of its family, and the primary a replica.
 * Source: AWS KMS API Reference, UpdatePrimaryRegion.
 */
export const updatePrimaryRegion = defineOperation({
  name: 'UpdatePrimaryRegion',
  effect: 'write',

  async resolve(input, scope): Promise<Target> {
    const primary = await resolveKey(input.KeyId, LOOKUP, scope)
    const region = parseRegion(input.PrimaryRegion)
    const isRelated =
      region !== undefined && primary.key.multiRegion?.replicaRegions.includes(region) === true
    const next = isRelated
      ? await findLiveKey(scope.records, region, primary.key.keyId, scope)
      : undefined
    return { primary, next: region === primary.key.region ? primary : next }
  },
  permissions: (input, { primary, next }, scope): readonly Permission[] => {
    const request = { values: () => ({ primaryregion: input.PrimaryRegion }) }
    const keys = next === undefined || next === primary ? [primary] : [primary, next]
    return keys.map((key) =>
      keyPermission({ operation: 'UpdatePrimaryRegion', request }, key, scope),
    )
  },
  admit(input, { primary, next }) {
    assertPrimary(primary)
    assertKeyFits('UpdatePrimaryRegion', { states: FOR_PRIMARY_CHANGE }, primary)
    const region = assertRelatedRegion(input.PrimaryRegion, primary.key.region)
    if (next === undefined) {
      throw keyNotFound(keyArn({ accountId: primary.key.accountId, region }, primary.key.keyId))
    }
    if (next === primary) {
      throw new ServiceError(
        'UnsupportedOperationException',
        `${primary.arn} is already the primary key.`,
      )
    }
    assertKeyFits('UpdatePrimaryRegion', { states: FOR_PRIMARY_CHANGE }, next)
  },

  async handle(_input, { primary, next }, scope) {
    assert(next !== undefined, 'the new primary was looked for before')
    const family = await familyOf(scope.tx, primary, scope)
    const regions = family.map((member) => member.key.region)
    await changeFamily(scope, family, {
      primaryRegion: next.key.region,
      replicaRegions: regions.filter((region) => region !== next.key.region),
    })
    return undefined
  },

  resources: ({ primary }) => [keyResource(primary)],
  audit: (input, target) => ({
    requestParameters: { keyId: input.KeyId, primaryRegion: input.PrimaryRegion },
    responseElements: keyIdElement(target?.primary),
    ...(target?.next && {
      elsewhere: {
        region: target.next.key.region,
        eventName: 'UpdatePrimaryRegion',
        requestParameters: { keyId: target.next.arn, primaryRegion: input.PrimaryRegion },
        responseElements: keyIdElement(target.next),
        resources: [],
      },
    }),
  }),
})
