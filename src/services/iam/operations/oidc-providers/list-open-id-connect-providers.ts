import { oidcProviderArn } from '../../../../core/identity-arns.ts'
import { OIDC_PROVIDERS } from '../../../../core/identity-tables.ts'
import { defineListing } from '../../iam-operation.ts'
import { QUOTAS } from '../../quotas.ts'

/**
 * The identity providers of the account, all at once.
 * Source: AWS IAM API Reference, ListOpenIDConnectProviders.
 */
export const listOpenIDConnectProviders = defineListing({
  name: 'ListOpenIDConnectProviders',
  async handle(_input, { records, home }) {
    const providers = await records.page(OIDC_PROVIDERS, {
      index: 'key',
      equals: [home.accountId],
      limit: QUOTAS.OpenIdConnectProvidersPerAccount,
    })
    return {
      OpenIDConnectProviderList: providers.map(({ record }) => ({
        Arn: oidcProviderArn(home.partition, record),
      })),
    }
  },
})
