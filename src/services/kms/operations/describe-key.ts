import { keyPermission } from '../authorization/key-permission.ts'
import { requestTraits } from '../authorization/request-traits.ts'
import { keyMetadata } from '../keys/key-metadata.ts'
import { type ResolvedKey, resolveKey } from '../keys/key-resolver.ts'
import { withLiveFamily } from '../keys/multi-region.ts'
import { predefinedService } from '../keys/predefined-keys.ts'
import { type KeyToMake, keyToMakePermission } from '../keys/service-keys.ts'
import { defineOperation, type KmsScope, keyResource } from '../kms-operation.ts'
import { importFactsOf } from '../material/imported-material.ts'
import type { DescribeKeyRequest } from '../model.ts'

type Target = ResolvedKey | KeyToMake

const LOOKUP = { operation: 'DescribeKey', accepts: 'idArnOrAlias', hasInvalidArn: true } as const

const isToMake = (target: Target): target is KeyToMake => 'service' in target

/** The AWS managed key that a predefined alias is for, while there is none. */
async function findToMake(
  { KeyId }: DescribeKeyRequest,
  { call, records, serviceKeys }: KmsScope,
): Promise<KeyToMake | undefined> {
  const service = predefinedService(KeyId, call)
  if (service === undefined) return undefined
  const present = await serviceKeys.findManaged(service, call, records)
  return present === undefined ? { service, keyId: serviceKeys.newKeyId() } : undefined
}

/** The key that a predefined alias names, made now if it is still not there. */
async function makeKey({ service, keyId }: KeyToMake, scope: KmsScope): Promise<ResolvedKey> {
  const made = await scope.serviceKeys.ensureManaged(service, scope.call, keyId)
  return resolveKey(made, LOOKUP, scope)
}

/**
 * The metadata of a key, in every state. A predefined alias that has no key yet gets its AWS managed key,
 * for callers who may look at it.
 * Source: AWS KMS API Reference, DescribeKey.
 */
export const describeKey = defineOperation({
  name: 'DescribeKey',
  effect: 'read',

  resolve: async (input, scope): Promise<Target> =>
    (await findToMake(input, scope)) ?? resolveKey(input.KeyId, LOOKUP, scope),
  permissions(input, target, scope) {
    if (isToMake(target)) return [keyToMakePermission(target, input, scope)]
    const request = requestTraits('DescribeKey', input, scope.call.via !== undefined)
    return [keyPermission({ operation: 'DescribeKey', request }, target, scope)]
  },
  keysOf: (target) => (isToMake(target) ? [] : [target]),

  async handle(_input, found, scope) {
    const target = isToMake(found) ? await makeKey(found, scope) : found
    return {
      KeyMetadata: keyMetadata(
        await withLiveFamily(scope.records, target, scope),
        await importFactsOf(scope.records, target.key, scope.call.time),
      ),
    }
  },

  resources(target, output) {
    if (!isToMake(target)) return [keyResource(target)]
    const made = output?.KeyMetadata
    if (made?.Arn === undefined || made.AWSAccountId === undefined) return []
    return [{ accountId: made.AWSAccountId, type: 'AWS::KMS::Key', arn: made.Arn }]
  },
  audit: (input) => ({ requestParameters: { keyId: input.KeyId } }),
})
