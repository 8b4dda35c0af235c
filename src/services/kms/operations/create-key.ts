import { assert } from '../../../core/assert.ts'
import { ServiceError } from '../../../core/errors.ts'
import { type KeyId, type KeyMaterialId, parseKeyId } from '../../../core/ids.ts'
import { KEY_SPECS, type Key, type KeySpec } from '../../../core/key.ts'
import type { Secret } from '../../../core/secret.ts'
import { BACKING_KEYS, KEY_POLICIES, KEYS } from '../../../core/tables.ts'
import { keyMaterialIdOf } from '../../../crypto/key-material.ts'
import { auditStructure } from '../audit-values.ts'
import { validationError } from '../key-errors.ts'
import { keyMetadata } from '../key-metadata.ts'
import { assertKeyPolicy, defaultKeyPolicy } from '../key-policies.ts'
import { defineOperation } from '../kms-operation.ts'
import type { CreateKeyRequest } from '../model.ts'
import { auditTags, withTags } from '../tags.ts'

/** What is drawn before the transaction. */
interface NewKey {
  readonly keyId: KeyId
  readonly material: Secret
  readonly materialId: KeyMaterialId
}

const specOf = (input: CreateKeyRequest): string =>
  input.KeySpec ?? input.CustomerMasterKeySpec ?? 'SYMMETRIC_DEFAULT'

const isKnownSpec = (spec: string): spec is KeySpec => Object.hasOwn(KEY_SPECS, spec)

/** Rules between the members, in the order in which AWS tells them. @throws ServiceError */
function checkCombination(input: CreateKeyRequest): void {
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
  if (spec === 'SYMMETRIC_DEFAULT' && (input.KeyUsage ?? 'ENCRYPT_DECRYPT') !== 'ENCRYPT_DECRYPT') {
    throw validationError(`KeyUsage ${input.KeyUsage} is not compatible with KeySpec ${spec}`)
  }
  if (!isKnownSpec(spec)) unsupported(`KeySpec ${spec}`)
  if (input.Origin !== undefined && input.Origin !== 'AWS_KMS')
    unsupported(`Origin ${input.Origin}`)
  if (input.CustomKeyStoreId !== undefined || input.XksKeyId !== undefined) {
    throw validationError(
      'CustomKeyStoreId and XksKeyId are valid only for keys in custom key stores.',
    )
  }
  if (input.MultiRegion === true) unsupported('MultiRegion true')
}

function unsupported(what: string): never {
  throw new ServiceError('UnsupportedOperationException', `${what} is not supported.`)
}

/**
 * Makes a KMS key with its first key material and its policy.
 * Source: AWS KMS API Reference, CreateKey.
 */
export const createKey = defineOperation({
  name: 'CreateKey',
  effect: 'write',
  check(input) {
    checkCombination(input)
    withTags({}, input.Tags ?? [])
    if (input.Policy !== undefined) assertKeyPolicy(input.Policy)
  },

  prepare(_input, scope): NewKey {
    const keyId = parseKeyId(scope.random.uuid())
    assert(keyId !== undefined, 'a UUID is a key id')
    const material = scope.random.secret(KEY_SPECS.SYMMETRIC_DEFAULT.materialBytes)
    return { keyId, material, materialId: keyMaterialIdOf(keyId, material) }
  },
  resolve: () => undefined,
  permissions: () => [{ action: 'kms:CreateKey' }],

  async handle(input, _target, { tx, call }, drawn: NewKey) {
    const { keyId, materialId } = drawn
    const { accountId, region } = call
    const key: Key = {
      accountId,
      region,
      keyId,
      spec: 'SYMMETRIC_DEFAULT',
      usage: 'ENCRYPT_DECRYPT',
      origin: 'AWS_KMS',
      description: input.Description ?? '',
      createdAt: call.time,
      state: { name: 'Enabled' },
      tags: withTags({}, input.Tags ?? []),
      currentMaterialId: materialId,
    }
    const policy = input.Policy ?? defaultKeyPolicy(accountId, region)
    await tx.insert(KEYS, key)
    await tx.insert(
      BACKING_KEYS,
      { accountId, region, keyId, materialId, createdAt: call.time },
      drawn.material,
    )
    await tx.insert(KEY_POLICIES, { region, keyId, text: policy })
    return { KeyMetadata: keyMetadata(key) }
  },

  resources: (_target, output) => {
    const made = output?.KeyMetadata
    if (made?.Arn === undefined || made.AWSAccountId === undefined) return []
    return [{ accountId: made.AWSAccountId, type: 'AWS::KMS::Key', arn: made.Arn }]
  },
  audit: (input, _target, output) => ({
    requestParameters: {
      policy: input.Policy,
      description: input.Description ?? '',
      origin: input.Origin ?? 'AWS_KMS',
      keySpec: specOf(input),
      customerMasterKeySpec: specOf(input),
      keyUsage: input.KeyUsage ?? 'ENCRYPT_DECRYPT',
      multiRegion: input.MultiRegion ?? false,
      bypassPolicyLockoutSafetyCheck: input.BypassPolicyLockoutSafetyCheck ?? false,
      tags: auditTags(input.Tags),
    },
    responseElements:
      output?.KeyMetadata === undefined
        ? null
        : { keyMetadata: auditStructure(output.KeyMetadata) },
  }),
})
