import { defineProviderOperation } from '../../oidc-providers.ts'
import { pageOfTags } from '../../tags.ts'

/**
 * The tags of an identity provider, page by page.
 * Source: AWS IAM API Reference, ListOpenIDConnectProviderTags.
 */
export const listOpenIDConnectProviderTags = defineProviderOperation({
  name: 'ListOpenIDConnectProviderTags',
  effect: 'read',
  handle: (input, { arn, stored }, scope) => pageOfTags(scope, arn, stored.record.tags, input),
})
