import { OperatorError } from '../../core/errors.ts'
import type { OidcKeys } from '../../core/identity.ts'
import { OIDC_KEYS } from '../../core/identity-tables.ts'
import type { ProviderKeySummary } from '../../core/operator.ts'
import type { Clock } from '../../core/ports.ts'
import type { RecordStore, Records } from '../../core/records.ts'
import { parseKeySet } from '../../identity/oidc/key-set.ts'

interface OidcKeysParts {
  readonly records: RecordStore
  readonly clock: Clock
}

/** Unit: UTF-16 code units. */
const KEY_SET_MAX = 262_144
const KEYS_PER_PAGE = 1000
const PROVIDER_URL = /^https?:\/\/([\x21-\x7e]{1,255})$/

/** The URL of a provider without its scheme, as records have it. @throws OperatorError */
function parseProviderUrl(given: unknown): string {
  const [, url] = typeof given === 'string' ? (PROVIDER_URL.exec(given) ?? []) : []
  if (url === undefined) {
    throw new OperatorError(
      'that is not the URL of an identity provider',
      'give it as the provider’s tokens name their issuer, such as https://token.example.com',
    )
  }
  return url
}

function shown({ url, jwks, updatedAt }: OidcKeys): ProviderKeySummary {
  const keys = parseKeySet(jwks).keys ?? []
  return {
    providerUrl: `https://${url}`,
    keys: keys.map(({ jwk }) => jwk.kid ?? jwk.kty ?? ''),
    updatedAt: new Date(updatedAt).toISOString(),
  }
}

/** @throws OperatorError for what is no set of public keys that tokens can be verified with */
function assertKeySet(text: unknown): asserts text is string {
  if (typeof text !== 'string' || text.length > KEY_SET_MAX) {
    throw new OperatorError('the file is no JSON Web Key Set')
  }
  const set = parseKeySet(text)
  if (set.keys === undefined) {
    throw new OperatorError(
      `the file is no JSON Web Key Set: ${set.problem}`,
      'it is what the provider answers at the jwks_uri of its /.well-known/openid-configuration',
    )
  }
  if (set.hasPrivateKeys) {
    throw new OperatorError(
      'the file has private keys: they belong to the provider and nowhere else',
      'give the public keys alone, and replace the private ones if others may have read the file',
    )
  }
  if (set.keys.length === 0) {
    throw new OperatorError(
      'the file has no key that tokens can be verified with',
      'RSA keys of up to 8192 bits, the curves P-256, P-384 and P-521, and Ed25519 are known',
    )
  }
}

/**
 * Sets the keys of an identity provider, for every account that knows it: nothing is fetched from it then.
 * @throws OperatorError
 */
export async function setOidcKeys(
  { records, clock }: OidcKeysParts,
  request: { readonly providerUrl: unknown; readonly keySet: unknown },
): Promise<ProviderKeySummary> {
  const url = parseProviderUrl(request.providerUrl)
  const jwks = request.keySet
  assertKeySet(jwks)
  const made = { url, jwks, updatedAt: clock.now() }
  await records.transaction(async (tx) => {
    const stored = await tx.find(OIDC_KEYS, [url])
    await (stored ? tx.update(OIDC_KEYS, stored, made) : tx.insert(OIDC_KEYS, made))
  })
  return shown(made)
}

/** The providers whose keys were given. */
export async function listOidcKeys(records: Records): Promise<readonly ProviderKeySummary[]> {
  const page = await records.page(OIDC_KEYS, { index: 'key', equals: [], limit: KEYS_PER_PAGE })
  return page.map(({ record }) => shown(record))
}

/** @throws OperatorError where there are none */
export async function removeOidcKeys({ records }: OidcKeysParts, given: unknown): Promise<string> {
  const url = parseProviderUrl(given)
  await records.transaction(async (tx) => {
    const stored = await tx.find(OIDC_KEYS, [url])
    if (stored === undefined) {
      throw new OperatorError(
        'no keys were given for this identity provider',
        'strongroom oidc list shows those there are',
      )
    }
    await tx.remove(OIDC_KEYS, stored)
  })
  return `https://${url}`
}
