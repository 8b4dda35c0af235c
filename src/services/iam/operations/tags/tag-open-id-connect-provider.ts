import { OIDC_PROVIDERS } from '../../../../core/identity-tables.ts'
import { defineProviderOperation } from '../../oidc-providers.ts'
import { givenTags, withTags } from '../../tags.ts'

/**
 * Puts tags on an identity provider, in place of those with the same keys.
 * Source: AWS IAM API Reference, TagOpenIDConnectProvider.
 */
export const tagOpenIDConnectProvider = defineProviderOperation({
  name: 'TagOpenIDConnectProvider',
  effect: 'write',
  conditions: (input) => ({ requestTags: givenTags(input.Tags) }),
  async handle(input, { stored }, { tx }) {
    const tags = withTags(stored.record.tags, input.Tags)
    await tx.update(OIDC_PROVIDERS, stored, { ...stored.record, tags })
    return undefined
  },
})
