import { OIDC_PROVIDERS } from '../../../../core/identity-tables.ts'
import { defineProviderOperation } from '../../oidc-providers.ts'
import { assertBelow } from '../../quotas.ts'

/**
 * Lets tokens for one more audience be taken; one that is known stays.
 * Source: AWS IAM API Reference, AddClientIDToOpenIDConnectProvider.
 */
export const addClientIDToOpenIDConnectProvider = defineProviderOperation({
  name: 'AddClientIDToOpenIDConnectProvider',
  effect: 'write',
  async handle({ ClientID: clientId }, { stored }, { tx }) {
    const { record } = stored
    if (record.clientIds.includes(clientId)) return undefined
    assertBelow('ClientIdsPerOpenIdConnectProvider', record.clientIds.length)
    const clientIds = [...record.clientIds, clientId]
    await tx.update(OIDC_PROVIDERS, stored, { ...record, clientIds })
    return undefined
  },
})
