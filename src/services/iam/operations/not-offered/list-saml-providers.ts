import { defineListing } from '../../iam-operation.ts'

/**
 * Identity providers are taken for OpenID Connect alone: there are none for SAML.
 * Source: AWS IAM API Reference, ListSAMLProviders.
 */
export const listSAMLProviders = defineListing({
  name: 'ListSAMLProviders',
  handle: () => ({ SAMLProviderList: [] }),
})
