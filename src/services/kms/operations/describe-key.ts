import { importFactsOf } from '../imported-material.ts'
import { keyMetadata } from '../key-metadata.ts'
import { ANY_STATE } from '../key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'
import { withLiveFamily } from '../multi-region.ts'

/**
 * The metadata of a key, in every state.
 * Source: AWS KMS API Reference, DescribeKey.
 */
export const describeKey = defineKeyOperation({
  name: 'DescribeKey',
  effect: 'read',
  key: { accepts: 'idArnOrAlias', states: ANY_STATE },
  handle: async (_input, target, scope) => ({
    KeyMetadata: keyMetadata(
      await withLiveFamily(scope.records, target, scope),
      await importFactsOf(scope.records, target.key, scope.call.time),
    ),
  }),
  audit: (input) => ({ requestParameters: { keyId: input.KeyId } }),
})
