import { keyArn } from '../../../core/arn.ts'
import { ServiceError } from '../../../core/errors.ts'
import type { Region } from '../../../core/ids.ts'
import { isGone, type Key } from '../../../core/key.ts'
import type { Stored } from '../../../core/records.ts'
import { parseRegion } from '../../../core/regions.ts'
import { KEY_POLICIES, KEYS } from '../../../core/tables.ts'
import type { Call } from '../../../pipeline/call.ts'
import type { RecordElsewhere } from '../../../pipeline/operation.ts'
import { auditStructure } from '../audit-values.ts'
import { keyPermission, servicePermission } from '../authorization/key-permission.ts'
import { newKeyPolicy } from '../authorization/new-key-policy.ts'
import { requestTraits } from '../authorization/request-traits.ts'
import { keyMetadata } from '../keys/key-metadata.ts'
import { assertKeyPolicy, defaultKeyPolicy } from '../keys/key-policies.ts'
import { deletionEvent, removeKey } from '../keys/key-removal.ts'
import { type ResolvedKey, resolvedKey, resolveKey } from '../keys/key-resolver.ts'
import { FOR_REPLICATION } from '../keys/key-states.ts'
import {
  assertPrimary,
  assertRelatedRegion,
  changeFamily,
  familyOf,
  synchronizationEvent,
} from '../keys/multi-region.ts'
import { auditTags, tagValues, withTags } from '../keys/tags.ts'
import { assertKeyFits, defineOperation, keyResource } from '../kms-operation.ts'
import { copyGenerations } from '../material/generations.ts'
import type { ReplicateKeyRequest, ReplicateKeyResponse } from '../model.ts'
import { assertRoomForKey } from '../quotas/key-quota.ts'

interface Target {
  readonly primary: ResolvedKey
  /** The key of this id in the replica Region, past its deletion date or not. */
  readonly present: Stored<Key> | undefined
}

const LOOKUP = { operation: 'ReplicateKey', accepts: 'idOrArn', hasInvalidArn: true } as const

/** Our wording. */
const alreadyReplicated = ({ arn }: ResolvedKey): ServiceError =>
  new ServiceError(
    'AlreadyExistsException',
    `The replica Region already has a related key: ${arn}.`,
  )

/** The record of a replica: what is shared is the primary's, everything else is its own. */
function replicaOf(
  { key }: ResolvedKey,
  input: ReplicateKeyRequest,
  call: Call,
  replicaRegions: readonly Region[],
): Key {
  return {
    ...key,
    region: assertRelatedRegion(input.ReplicaRegion, key.region),
    description: input.Description ?? '',
    tags: withTags({}, input.Tags ?? []),
    createdAt: call.time,
    // Imported material has to be imported there again, and expires there on its own.
    materialValidTo: undefined,
    state: { name: key.origin === 'EXTERNAL' ? 'PendingImport' : 'Enabled' },
    multiRegion: { primaryRegion: key.region, replicaRegions },
  }
}

/** What the request says of the replica, with its defaults. */
const auditReplica = (input: ReplicateKeyRequest) => ({
  policy: input.Policy,
  description: input.Description ?? '',
  bypassPolicyLockoutSafetyCheck: input.BypassPolicyLockoutSafetyCheck ?? false,
  tags: auditTags(input.Tags),
})

/** The replica Region records that a key was made there. */
function creationElsewhere(
  input: ReplicateKeyRequest,
  { primary: { key } }: Target,
  { ReplicaKeyMetadata: made }: ReplicateKeyResponse,
): RecordElsewhere {
  const { accountId } = key
  const region = assertRelatedRegion(input.ReplicaRegion, key.region)
  const arn = keyArn({ accountId, region }, key.keyId)
  return {
    region,
    eventName: 'CreateKey',
    requestParameters: {
      ...auditReplica(input),
      origin: key.origin,
      keySpec: key.spec,
      customerMasterKeySpec: key.spec,
      keyUsage: key.usage,
      multiRegion: true,
    },
    responseElements: made === undefined ? null : { keyMetadata: auditStructure(made) },
    resources: [{ accountId, type: 'AWS::KMS::Key', arn }],
  }
}

/**
 * Makes a related key with the same material in another Region. Policy, description and tags are the
 * replica's own. Source: AWS KMS API Reference, ReplicateKey.
 */
export const replicateKey = defineOperation({
  name: 'ReplicateKey',
  effect: 'write',
  check(input) {
    withTags({}, input.Tags ?? [])
    if (input.Policy !== undefined) assertKeyPolicy(input.Policy)
  },

  async resolve(input, scope): Promise<Target> {
    const primary = await resolveKey(input.KeyId, LOOKUP, scope)
    const region = parseRegion(input.ReplicaRegion)
    const present = region && (await scope.records.find(KEYS, [region, primary.key.keyId]))
    return { primary, present }
  },
  *permissions(input, { primary }, scope) {
    const request = requestTraits('ReplicateKey', input, scope.call.via !== undefined)
    yield keyPermission({ operation: 'ReplicateKey', request }, primary, scope)
    const { spec, usage, origin, multiRegion } = primary.key
    // As the replica will be, in its Region.
    const region = parseRegion(input.ReplicaRegion) ?? scope.call.region
    const key = { spec, usage, origin, multiRegion, region }
    const requestTags = tagValues(input.Tags)
    const creation = requestTraits('CreateKey', input, scope.call.via !== undefined)
    yield servicePermission('CreateKey', scope, { key, request: creation, requestTags, region })
    if (requestTags !== undefined)
      yield servicePermission('TagResource', scope, { key, requestTags, region })
  },
  admit(input, { primary, present }, call) {
    // AWS tells this before it looks at the state.
    assertPrimary(primary)
    assertKeyFits('ReplicateKey', { states: FOR_REPLICATION }, primary)
    assertRelatedRegion(input.ReplicaRegion, primary.key.region)
    if (present !== undefined && !isGone(present.record, call.time))
      throw alreadyReplicated(resolvedKey(present, call.time))
  },

  async handle(input, { primary, present }, scope) {
    const { tx, call } = scope
    if (present !== undefined) {
      // It is past its deletion date, and makes room before the worker came by.
      await removeKey(tx, present, call.time)
      await scope.recordEvent(deletionEvent(present.record))
    }
    const family = await familyOf(tx, primary, scope)
    const region = assertRelatedRegion(input.ReplicaRegion, primary.key.region)
    await assertRoomForKey(tx, { accountId: primary.key.accountId, region }, scope.quotas)
    const others = family.map((member) => member.key.region)
    const replicaRegions = [...others.filter((other) => other !== primary.key.region), region]
    const replica = replicaOf(primary, input, call, replicaRegions)
    await changeFamily(scope, family, { primaryRegion: primary.key.region, replicaRegions })
    await tx.insert(KEYS, replica)
    await copyGenerations(tx, primary.key, region)
    const text = input.Policy ?? defaultKeyPolicy(replica.accountId, region)
    const isLockoutAllowed = input.BypassPolicyLockoutSafetyCheck === true
    await tx.insert(
      KEY_POLICIES,
      await newKeyPolicy(text, { key: replica, isLockoutAllowed }, scope),
    )
    await scope.recordEvent(synchronizationEvent(primary.key))
    // As AWS answers: the replica is still being made, and its material not yet told.
    const creating: Key = { ...replica, state: { name: 'Creating' }, currentMaterialId: undefined }
    return {
      ReplicaKeyMetadata: keyMetadata(creating),
      ReplicaPolicy: text,
      ReplicaTags: input.Tags !== undefined && input.Tags.length > 0 ? input.Tags : undefined,
    }
  },

  resources: ({ primary }) => [keyResource(primary)],
  audit: (input, target, output) => ({
    requestParameters: {
      keyId: input.KeyId,
      replicaRegion: input.ReplicaRegion,
      ...auditReplica(input),
    },
    responseElements:
      output?.ReplicaKeyMetadata === undefined
        ? null
        : {
            replicaKeyMetadata: auditStructure(output.ReplicaKeyMetadata),
            replicaPolicy: output.ReplicaPolicy,
            replicaTags: auditTags(output.ReplicaTags),
          },
    ...(target && output && { elsewhere: creationElsewhere(input, target, output) }),
  }),
})
