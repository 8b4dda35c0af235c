import type { OidcProvider } from '../../core/identity.ts'
import { oidcProviderArn, parseIdentityArn } from '../../core/identity-arns.ts'
import { OIDC_PROVIDERS } from '../../core/identity-tables.ts'
import {
  defineEntityOperation,
  type EntityDefinition,
  type EntityKind,
  type OperationNaming,
} from './entity-operations.ts'
import type { Effects } from './iam-operation.ts'
import { QUOTAS } from './quotas.ts'
import { invalidInput, providerNotFound, validationError } from './refusals.ts'

const PROVIDER_ARN = /^arn:[a-z-]+:iam::\d{12}:oidc-provider\/[\x21-\x7e]+$/

const PROVIDER: EntityKind<OidcProvider> = {
  find({ records, home }, arn) {
    if (!PROVIDER_ARN.test(arn)) throw invalidInput(`ARN ${arn} is not valid.`)
    const ref = parseIdentityArn(arn, home.partition)
    return ref?.kind === 'oidc-provider' && ref.accountId === home.accountId
      ? records.find(OIDC_PROVIDERS, [home.accountId, ref.url])
      : Promise.resolve(undefined)
  },
  arnOf: ({ partition }, provider) => oidcProviderArn(partition, provider),
  arnOfNone: (_home, arn) => arn,
  notFound: providerNotFound,
  label: '',
  tagsOf: (provider) => provider.tags,
}

/** Defines an operation on the identity provider that `OpenIDConnectProviderArn` names. */
export const defineProviderOperation = <
  Name extends OperationNaming<'OpenIDConnectProviderArn'>,
  Effect extends keyof Effects,
  Prepared = undefined,
>(
  definition: EntityDefinition<Name, Effect, OidcProvider, Prepared>,
) => defineEntityOperation(PROVIDER, (input) => input.OpenIDConnectProviderArn, definition)

/** Without user, port, query and fragment: what an issuer's URL may be. */
const PROVIDER_URL = /^https:\/\/([A-Za-z0-9.-]+(?:\/[A-Za-z0-9._~%!$&'()*+,;=:@-]+)*\/?)$/

/** The URL without its scheme, as it stands in ARNs: a slash at its end is part of an issuer's name. @throws ServiceError ValidationException */
export function parseProviderUrl(url: string): string {
  const [, place] = PROVIDER_URL.exec(url) ?? []
  if (place === undefined) throw validationError('Invalid Open ID Connect Provider URL')
  return place
}

const HEX = /^[0-9a-fA-F]{40}$/

/** @throws ServiceError InvalidInputException */
export function assertThumbprints(thumbprints: readonly string[]): void {
  if (thumbprints.length > QUOTAS.ThumbprintsPerOpenIdConnectProvider) {
    throw invalidInput('Thumbprint list must contain fewer than 5 entries.')
  }
  if (!thumbprints.every((thumbprint) => HEX.test(thumbprint))) {
    throw invalidInput('Invalid thumbprint: it takes 40 hexadecimal digits.')
  }
}
