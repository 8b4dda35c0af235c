import { defineProviderOperation } from '../../oidc-providers.ts'
import { shownTags } from '../../tags.ts'

/**
 * An identity provider; its URL is shown without the scheme.
 * Source: AWS IAM API Reference, GetOpenIDConnectProvider.
 */
export const getOpenIDConnectProvider = defineProviderOperation({
  name: 'GetOpenIDConnectProvider',
  effect: 'read',
  handle: (_input, { stored: { record } }) => ({
    Url: record.url,
    ClientIDList: record.clientIds,
    ThumbprintList: record.thumbprints,
    CreateDate: record.createdAt,
    Tags: shownTags(record.tags),
  }),
})
