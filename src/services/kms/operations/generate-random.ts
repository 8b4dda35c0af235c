import { ServiceError } from '../../../core/errors.ts'
import { servicePermission } from '../authorization/key-permission.ts'
import {
  assertStoreState,
  getCustomKeyStore,
  noMaterialInStore,
} from '../custom-key-stores/custom-key-stores.ts'
import { validationError } from '../keys/key-errors.ts'
import { defineOperation } from '../kms-operation.ts'

/**
 * Random bytes, 1 to 1,024 of them.
 * Source: AWS KMS API Reference, GenerateRandom.
 */
export const generateRandom = defineOperation({
  name: 'GenerateRandom',
  effect: 'read',
  check(input) {
    if (input.NumberOfBytes === undefined) throw validationError('NumberOfBytes is required.')
  },
  resolve: (input, { records, call }) =>
    input.CustomKeyStoreId === undefined
      ? undefined
      : getCustomKeyStore(records, call, input.CustomKeyStoreId),
  authorizesFirst: true,
  permissions: (_input, _target, scope) => [servicePermission('GenerateRandom', scope)],
  admit(_input, store) {
    if (store === undefined) return
    if (store.record.type === 'EXTERNAL_KEY_STORE') {
      throw new ServiceError(
        'UnsupportedOperationException',
        'An external key store does not generate random bytes.',
      )
    }
    assertStoreState(store, 'use')
  },
  handle(input, store, scope) {
    if (store !== undefined) throw noMaterialInStore(store)
    return { Plaintext: scope.random.secret(input.NumberOfBytes ?? 0) }
  },
  audit: () => ({ requestParameters: null }),
})
