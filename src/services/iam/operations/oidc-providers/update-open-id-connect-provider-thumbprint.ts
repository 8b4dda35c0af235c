import { OIDC_PROVIDERS } from '../../../../core/identity-tables.ts'
import { assertThumbprints, defineProviderOperation } from '../../oidc-providers.ts'

/**
 * Replaces the thumbprints of an identity provider's certificates.
 * Source: AWS IAM API Reference, UpdateOpenIDConnectProviderThumbprint.
 */
export const updateOpenIDConnectProviderThumbprint = defineProviderOperation({
  name: 'UpdateOpenIDConnectProviderThumbprint',
  effect: 'write',
  check: (input) => assertThumbprints(input.ThumbprintList),
  async handle(input, { stored }, { tx }) {
    const thumbprints = input.ThumbprintList
    await tx.update(OIDC_PROVIDERS, stored, { ...stored.record, thumbprints })
    return undefined
  },
})
