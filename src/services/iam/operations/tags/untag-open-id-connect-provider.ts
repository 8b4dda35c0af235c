import { OIDC_PROVIDERS } from '../../../../core/identity-tables.ts'
import { defineProviderOperation } from '../../oidc-providers.ts'
import { withoutTags } from '../../tags.ts'

/**
 * Takes tags from an identity provider; those that it has not are passed over.
 * Source: AWS IAM API Reference, UntagOpenIDConnectProvider.
 */
export const untagOpenIDConnectProvider = defineProviderOperation({
  name: 'UntagOpenIDConnectProvider',
  effect: 'write',
  conditions: (input) => ({ tagKeys: input.TagKeys }),
  async handle(input, { stored }, { tx }) {
    const tags = withoutTags(stored.record.tags, input.TagKeys)
    await tx.update(OIDC_PROVIDERS, stored, { ...stored.record, tags })
    return undefined
  },
})
