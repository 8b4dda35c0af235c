import { OIDC_PROVIDERS } from '../../../../core/identity-tables.ts'
import { defineProviderOperation } from '../../oidc-providers.ts'

/**
 * Lets tokens for an audience be taken no longer; one that is not known is passed over.
 * Source: AWS IAM API Reference, RemoveClientIDFromOpenIDConnectProvider.
 */
export const removeClientIDFromOpenIDConnectProvider = defineProviderOperation({
  name: 'RemoveClientIDFromOpenIDConnectProvider',
  effect: 'write',
  async handle(input, { stored }, { tx }) {
    const { record } = stored
    const clientIds = record.clientIds.filter((known) => known !== input.ClientID)
    await tx.update(OIDC_PROVIDERS, stored, { ...record, clientIds })
    return undefined
  },
})
