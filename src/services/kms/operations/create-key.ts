import type { Permission } from '../../../authz/permission.ts'
import { assert } from '../../../core/assert.ts'
import { ServiceError } from '../../../core/errors.ts'
import { type KeyId, parseKeyId } from '../../../core/ids.ts'
import type { BackingKey, Key, KeyOrigin } from '../../../core/key.ts'
import { isSpecIn, type KeySpec, type KeyUsage, keySpecRow } from '../../../core/key-specs.ts'
import type { NewMaterial } from '../../../core/key-store.ts'
import { partitionOf } from '../../../core/regions.ts'
import { BACKING_KEYS, KEY_POLICIES, KEYS } from '../../../core/tables.ts'
import type { Call } from '../../../pipeline/call.ts'
import { auditStructure } from '../audit-values.ts'
import { servicePermission } from '../authorization/key-permission.ts'
import { newKeyPolicy } from '../authorization/new-key-policy.ts'
import { requestTraits } from '../authorization/request-traits.ts'
import {
  assertStoreState,
  getCustomKeyStore,
  noMaterialInStore,
} from '../custom-key-stores/custom-key-stores.ts'
import { specNotInRegion, validationError } from '../keys/key-errors.ts'
import { keyMetadata } from '../keys/key-metadata.ts'
import { assertKeyPolicy, defaultKeyPolicy } from '../keys/key-policies.ts'
import { auditTags, tagValues, withTags } from '../keys/tags.ts'
import { defineOperation, type KmsScope } from '../kms-operation.ts'
import type { CreateKeyRequest } from '../model.ts'
import { assertRoomForKey } from '../quotas/key-quota.ts'

/** What is drawn before the transaction. */
interface NewKey {
  readonly keyId: KeyId
  /** Absent where the material comes from outside. */
  readonly made: NewMaterial | undefined
}

const specOf = (input: CreateKeyRequest): KeySpec =>
  input.KeySpec ?? input.CustomerMasterKeySpec ?? 'SYMMETRIC_DEFAULT'
const usageOf = (input: CreateKeyRequest): KeyUsage => input.KeyUsage ?? 'ENCRYPT_DECRYPT'
const originOf = (input: CreateKeyRequest): KeyOrigin => input.Origin ?? 'AWS_KMS'

/** Spec and usage, in the order in which AWS tells them. @throws ServiceError ValidationException */
function checkSpec(input: CreateKeyRequest): void {
  if (input.KeySpec !== undefined && input.CustomerMasterKeySpec !== undefined) {
    throw validationError(
      'You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.',
    )
  }
  const spec = specOf(input)
  if (spec !== 'SYMMETRIC_DEFAULT' && input.KeyUsage === undefined) {
    throw validationError(
      'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
    )
  }
  const usage = usageOf(input)
  if (!keySpecRow(spec).usages.includes(usage)) {
    throw validationError(`KeyUsage ${usage} is not compatible with KeySpec ${spec}`)
  }
}

const isInCustomStore = (origin: KeyOrigin): boolean =>
  origin === 'AWS_CLOUDHSM' || origin === 'EXTERNAL_KEY_STORE'

/** What an origin asks of the other members. @throws ServiceError */
function checkOrigin(input: CreateKeyRequest): void {
  const origin = originOf(input)
  const spec = specOf(input)
  if (isInCustomStore(origin) !== (input.CustomKeyStoreId !== undefined)) {
    throw validationError(
      'CustomKeyStoreId is required for, and valid only for, keys with origin AWS_CLOUDHSM or EXTERNAL_KEY_STORE.',
    )
  }
  if ((origin === 'EXTERNAL_KEY_STORE') !== (input.XksKeyId !== undefined)) {
    throw validationError(
      'XksKeyId is required for, and valid only for, keys with origin EXTERNAL_KEY_STORE.',
    )
  }
  if (isInCustomStore(origin) && (spec !== 'SYMMETRIC_DEFAULT' || input.MultiRegion === true)) {
    throw new ServiceError(
      'UnsupportedOperationException',
      `Keys with origin ${origin} are single-Region symmetric encryption keys.`,
    )
  }
  if (origin === 'EXTERNAL' && !keySpecRow(spec).importable) {
    throw new ServiceError(
      'UnsupportedOperationException',
      `Key material cannot be imported into keys with KeySpec ${spec}.`,
    )
  }
}

/** @throws ServiceError UnsupportedOperationException for a spec that this partition does not have */
function assertSpecInPartition(spec: KeySpec, call: Call): void {
  if (!isSpecIn(spec, partitionOf(call.region))) throw specNotInRegion('KeySpec', spec)
}

function drawKeyId({ random }: KmsScope, isMultiRegion: boolean): KeyId {
  const uuid = random.uuid()
  const keyId = parseKeyId(isMultiRegion ? `mrk-${uuid.replaceAll('-', '')}` : uuid)
  assert(keyId !== undefined, 'a UUID is a key id, and its digits are that of a multi-Region key')
  return keyId
}

/** The records of a new key. */
function recordsOf(
  input: CreateKeyRequest,
  { accountId, region, time }: Call,
  { keyId, made }: NewKey,
): { key: Key; backingKey: BackingKey | undefined } {
  const home = { accountId, region, keyId, createdAt: time }
  const key: Key = {
    ...home,
    spec: specOf(input),
    usage: usageOf(input),
    origin: originOf(input),
    description: input.Description ?? '',
    state: { name: made === undefined ? 'PendingImport' : 'Enabled' },
    tags: withTags({}, input.Tags ?? []),
    onDemandRotations: 0,
    ...(made && { currentMaterialId: made.materialId }),
    ...(input.MultiRegion === true && {
      multiRegion: { primaryRegion: region, replicaRegions: [] },
    }),
  }
  const backingKey = made && {
    ...home,
    materialId: made.materialId,
    generation: 1,
    state: 'CURRENT' as const,
    ...(made.publicKey && { publicKey: Buffer.from(made.publicKey).toString('base64') }),
  }
  return { key, backingKey }
}

/** A key with tags asks for the permission to tag it as well. */
function* newKeyPermissions(input: CreateKeyRequest, scope: KmsScope): Iterable<Permission> {
  const { region } = scope.call
  const multiRegion =
    input.MultiRegion === true ? { primaryRegion: region, replicaRegions: [] } : undefined
  const key = {
    spec: specOf(input),
    usage: usageOf(input),
    origin: originOf(input),
    region,
    multiRegion,
  }
  const request = requestTraits('CreateKey', input, scope.call.via !== undefined)
  const requestTags = tagValues(input.Tags)
  yield servicePermission('CreateKey', scope, { key, request, requestTags })
  if (requestTags !== undefined) yield servicePermission('TagResource', scope, { key, requestTags })
}

/**
 * Makes a KMS key with its first key material, unless that is to be imported, and its policy.
 * Source: AWS KMS API Reference, CreateKey.
 */
export const createKey = defineOperation({
  name: 'CreateKey',
  effect: 'write',
  check(input) {
    checkSpec(input)
    checkOrigin(input)
    withTags({}, input.Tags ?? [])
    if (input.Policy !== undefined) assertKeyPolicy(input.Policy)
  },

  drawsMaterial: true,
  async prepare(input, scope): Promise<NewKey> {
    assertSpecInPartition(specOf(input), scope.call)
    const keyId = drawKeyId(scope, input.MultiRegion === true)
    const isMadeHere = originOf(input) === 'AWS_KMS'
    const made = isMadeHere ? await scope.keystore.createMaterial(specOf(input), keyId) : undefined
    return { keyId, made }
  },
  resolve: (input, { records, call }) =>
    input.CustomKeyStoreId === undefined
      ? undefined
      : getCustomKeyStore(records, call, input.CustomKeyStoreId),
  authorizesFirst: true,
  permissions: (input, _store, scope) => newKeyPermissions(input, scope),
  admit(input, store) {
    if (store === undefined) return
    if (store.record.type !== originOf(input)) {
      throw validationError(
        `The custom key store ${store.record.storeId} has keys with origin ${store.record.type} only.`,
      )
    }
    assertStoreState(store, 'use')
  },

  async handle(input, store, scope, drawn: NewKey) {
    const { tx, call, quotas } = scope
    if (store !== undefined) throw noMaterialInStore(store)
    await assertRoomForKey(tx, call, quotas)
    const { key, backingKey } = recordsOf(input, call, drawn)
    const text = input.Policy ?? defaultKeyPolicy(key.accountId, key.region)
    const isLockoutAllowed = input.BypassPolicyLockoutSafetyCheck === true
    const policy = await newKeyPolicy(text, { key, isLockoutAllowed }, scope)
    await tx.insert(KEYS, key)
    if (backingKey !== undefined) await tx.insert(BACKING_KEYS, backingKey, drawn.made?.material)
    await tx.insert(KEY_POLICIES, policy)
    return { KeyMetadata: keyMetadata(key) }
  },

  resources(_store, output) {
    const made = output?.KeyMetadata
    if (made?.Arn === undefined || made.AWSAccountId === undefined) return []
    return [{ accountId: made.AWSAccountId, type: 'AWS::KMS::Key', arn: made.Arn }]
  },
  audit: (input, _target, output) => ({
    requestParameters: {
      policy: input.Policy,
      description: input.Description ?? '',
      origin: originOf(input),
      keySpec: specOf(input),
      customerMasterKeySpec: specOf(input),
      keyUsage: usageOf(input),
      multiRegion: input.MultiRegion ?? false,
      bypassPolicyLockoutSafetyCheck: input.BypassPolicyLockoutSafetyCheck ?? false,
      customKeyStoreId: input.CustomKeyStoreId,
      xksKeyId: input.XksKeyId,
      tags: auditTags(input.Tags),
    },
    responseElements:
      output?.KeyMetadata === undefined
        ? null
        : { keyMetadata: auditStructure(output.KeyMetadata) },
  }),
})
