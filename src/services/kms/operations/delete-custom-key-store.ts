import { ServiceError } from '../../../core/errors.ts'
import { CUSTOM_KEY_STORES, KEYS } from '../../../core/tables.ts'
import { servicePermission } from '../authorization/key-permission.ts'
import {
  assertStoreState,
  auditStore,
  getCustomKeyStore,
} from '../custom-key-stores/custom-key-stores.ts'
import { defineOperation } from '../kms-operation.ts'

/**
 * Deletes a custom key store that is disconnected and has no keys, those that wait for their deletion
 * included. Source: AWS KMS API Reference, DeleteCustomKeyStore.
 */
export const deleteCustomKeyStore = defineOperation({
  name: 'DeleteCustomKeyStore',
  effect: 'write',
  resolve: (input, { records, call }) => getCustomKeyStore(records, call, input.CustomKeyStoreId),
  authorizesFirst: true,
  permissions: (_input, _target, scope) => [servicePermission('DeleteCustomKeyStore', scope)],
  admit: (_input, store) => assertStoreState(store, 'delete'),

  async handle(_input, store, { tx }) {
    const equals = [store.record.storeId]
    if ((await tx.count(KEYS, { index: 'by_custom_key_store', equals, atMost: 1 })) > 0) {
      throw new ServiceError(
        'CustomKeyStoreHasCMKsException',
        `The custom key store ${store.record.storeId} still has KMS keys.`,
      )
    }
    await tx.remove(CUSTOM_KEY_STORES, store)
    return {}
  },

  audit: (input, store) => ({
    requestParameters: { customKeyStoreId: input.CustomKeyStoreId },
    ...auditStore(store),
  }),
})
