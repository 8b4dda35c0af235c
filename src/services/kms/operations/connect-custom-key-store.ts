import { CUSTOM_KEY_STORES } from '../../../core/tables.ts'
import { servicePermission } from '../authorization/key-permission.ts'
import {
  assertStoreState,
  auditStore,
  getCustomKeyStore,
} from '../custom-key-stores/custom-key-stores.ts'
import { defineOperation } from '../kms-operation.ts'

/**
 * Starts to connect a custom key store. The reply does not wait for the outcome, which
 * DescribeCustomKeyStores shows; a store that is connected or connecting stays so.
 * Source: AWS KMS API Reference, ConnectCustomKeyStore.
 */
export const connectCustomKeyStore = defineOperation({
  name: 'ConnectCustomKeyStore',
  effect: 'write',
  resolve: (input, { records, call }) => getCustomKeyStore(records, call, input.CustomKeyStoreId),
  authorizesFirst: true,
  permissions: (_input, _target, scope) => [servicePermission('ConnectCustomKeyStore', scope)],
  admit: (_input, store) => assertStoreState(store, 'connect'),

  async handle(_input, store, { tx, call }) {
    const { record } = store
    if (record.connectionState === 'DISCONNECTED') {
      const connecting = { connectionState: 'CONNECTING', changingSince: call.time } as const
      await tx.update(CUSTOM_KEY_STORES, store, { ...record, ...connecting })
    }
    return {}
  },

  audit: (input, store) => ({
    requestParameters: { customKeyStoreId: input.CustomKeyStoreId },
    ...auditStore(store),
  }),
})
