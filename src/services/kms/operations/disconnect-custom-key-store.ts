import { CUSTOM_KEY_STORES } from '../../../core/tables.ts'
import { servicePermission } from '../authorization/key-permission.ts'
import {
  assertStoreState,
  auditStore,
  getCustomKeyStore,
} from '../custom-key-stores/custom-key-stores.ts'
import { defineOperation } from '../kms-operation.ts'

/**
 * Starts to disconnect a custom key store, also one that could not be connected. The reply does not wait
 * for the outcome. Source: AWS KMS API Reference, DisconnectCustomKeyStore.
 */
export const disconnectCustomKeyStore = defineOperation({
  name: 'DisconnectCustomKeyStore',
  effect: 'write',
  resolve: (input, { records, call }) => getCustomKeyStore(records, call, input.CustomKeyStoreId),
  authorizesFirst: true,
  permissions: (_input, _target, scope) => [servicePermission('DisconnectCustomKeyStore', scope)],
  admit: (_input, store) => assertStoreState(store, 'disconnect'),

  async handle(_input, store, { tx, call }) {
    await tx.update(CUSTOM_KEY_STORES, store, {
      ...store.record,
      connectionState: 'DISCONNECTING',
      connectionErrorCode: undefined,
      changingSince: call.time,
    })
    return {}
  },

  audit: (input, store) => ({
    requestParameters: { customKeyStoreId: input.CustomKeyStoreId },
    ...auditStore(store),
  }),
})
