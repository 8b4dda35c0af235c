import { OIDC_PROVIDERS } from '../../../../core/identity-tables.ts'
import { defineProviderOperation } from '../../oidc-providers.ts'

/**
 * Removes an identity provider: its tokens are taken no longer, whatever trust policies say.
 * Source: AWS IAM API Reference, DeleteOpenIDConnectProvider.
 */
export const deleteOpenIDConnectProvider = defineProviderOperation({
  name: 'DeleteOpenIDConnectProvider',
  effect: 'write',
  async handle(_input, { stored }, { tx }) {
    await tx.remove(OIDC_PROVIDERS, stored)
    return undefined
  },
})
