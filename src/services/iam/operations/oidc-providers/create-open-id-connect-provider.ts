import type { OidcProvider } from '../../../../core/identity.ts'
import { oidcProviderArn } from '../../../../core/identity-arns.ts'
import { OIDC_PROVIDERS } from '../../../../core/identity-tables.ts'
import { creationPermissions } from '../../entity-operations.ts'
import { defineOperation } from '../../iam-operation.ts'
import { assertThumbprints, parseProviderUrl } from '../../oidc-providers.ts'
import { assertBelow, assertRoom } from '../../quotas.ts'
import { providerTaken } from '../../refusals.ts'
import { shownTagsIfAny, withTags } from '../../tags.ts'

/**
 * Lets the tokens of an identity provider be taken for roles whose trust policy names it. Nothing is
 * fetched: thumbprints that are not given are not found out.
 * Source: AWS IAM API Reference, CreateOpenIDConnectProvider.
 */
export const createOpenIDConnectProvider = defineOperation({
  name: 'CreateOpenIDConnectProvider',
  effect: 'write',
  check(input) {
    parseProviderUrl(input.Url)
    assertThumbprints(input.ThumbprintList ?? [])
  },
  resolve: () => undefined,
  permissions({ Url: url, Tags: tags }, _target, home) {
    const { partition, accountId } = home
    const arn = oidcProviderArn(partition, { accountId, url: parseProviderUrl(url) })
    return creationPermissions(
      ['iam:CreateOpenIDConnectProvider', 'iam:TagOpenIDConnectProvider'],
      home,
      { arn, shownAs: arn, tags },
    )
  },

  async handle(input, _target, { tx, call, home }) {
    const { accountId } = home
    const provider: OidcProvider = {
      accountId,
      url: parseProviderUrl(input.Url),
      clientIds: [...new Set(input.ClientIDList)],
      thumbprints: input.ThumbprintList ?? [],
      createdAt: call.time,
      tags: withTags({}, input.Tags),
    }
    assertBelow('ClientIdsPerOpenIdConnectProvider', provider.clientIds.length - 1)
    if ((await tx.find(OIDC_PROVIDERS, [accountId, provider.url])) !== undefined) {
      throw providerTaken(input.Url)
    }
    const quota = 'OpenIdConnectProvidersPerAccount'
    await assertRoom(tx, OIDC_PROVIDERS, { index: 'key', accountId, quota })
    await tx.insert(OIDC_PROVIDERS, provider)
    return {
      OpenIDConnectProviderArn: oidcProviderArn(home.partition, provider),
      ...shownTagsIfAny(provider.tags),
    }
  },
})
