import { keyMetadata } from '../key-metadata.ts'
import { ANY_STATE } from '../key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * The metadata of a key, in every state.
 * Source: AWS KMS API Reference, DescribeKey.
 */
export const describeKey = defineKeyOperation({
  name: 'DescribeKey',
  effect: 'read',
  key: { accepts: 'idArnOrAlias', states: ANY_STATE },
  handle: (_input, { key }) => ({ KeyMetadata: keyMetadata(key) }),
  audit: (input) => ({ requestParameters: { keyId: input.KeyId } }),
})
