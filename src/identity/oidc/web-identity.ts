import type { CryptoKey } from 'jose'
import { DependencyError } from '../../core/errors.ts'
import type { OidcProvider } from '../../core/identity.ts'
import { OIDC_PROVIDERS } from '../../core/identity-tables.ts'
import type { AccountId, Instant } from '../../core/ids.ts'
import type { Records } from '../../core/records.ts'
import { isJsonObject, parseStrictJson } from '../../core/strict-json.ts'
import {
  conditionKeysOf,
  type FederatedKeys,
  readTagClaims,
  type TagClaims,
  textClaims,
} from './claims.ts'
import { isTokenAlgorithm, type ProviderKey, type TokenHeader } from './key-set.ts'
import { NoKeysError, type ProviderKeys } from './provider-keys.ts'
import {
  invalidToken,
  missingClaim,
  noProvider,
  notAJwt,
  noVerificationKey,
  providerUnreachable,
  tokenNotYetValid,
  tokenPast,
  wrongAudience,
} from './token-errors.ts'

/** How far the clock of a provider may be off. */
const SKEW_SECONDS = 60
/** Keys that one token is tried with: sets with several of one id are rare, and each try costs. */
const TRIES_MAX = 8
/** Source: service model of STS, webIdentitySubjectType; AWS IAM User Guide, IAM quotas. */
const SUBJECT_CHARS_MAX = 255
const SECOND_MS = 1000

/** What a token of an identity provider proves. */
export interface WebIdentity {
  readonly provider: OidcProvider
  readonly subject: string
  /** The client that the token was issued to: one of the provider's client ids. */
  readonly audience: string
  /** Condition keys for the trust policy. */
  readonly conditionKeys: FederatedKeys
  /** Those of them that the session keeps. */
  readonly sessionKeys: FederatedKeys
  readonly tags: TagClaims
}

/** In whose account a provider is looked for, and when. */
export interface VerificationPlace {
  readonly records: Records
  readonly accountId: AccountId
  /** By the service's clock. */
  readonly time: Instant
}

type Claims = Readonly<Record<string, unknown>>

/**
 * Verifies tokens of OpenID Connect providers: of a provider that the account knows, for a client that it
 * named, signed by one of the provider's keys, at this time. All else a token says is only read after that.
 * Source: OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725; AWS STS API Reference, AssumeRoleWithWebIdentity.
 */
export class WebIdentityVerifier {
  readonly #keys: ProviderKeys

  constructor(keys: ProviderKeys) {
    this.#keys = keys
  }

  /** @throws ServiceError InvalidIdentityToken, ExpiredToken, IDPCommunicationError by their names in the model */
  async verify(token: string, place: VerificationPlace): Promise<WebIdentity> {
    const jose = await loadJose()
    const { header, claims } = readToken(token, jose)
    const { provider, issuer } = await findProvider(claims, place)
    const keys = await this.#candidates(place.records, { url: provider.url, issuer }, header)
    await assertSigned(token, { header, keys, jose })
    const audience = audienceOf(claims, provider)
    assertCurrent(claims, place.time)
    const subject = claims['sub']
    if (typeof subject !== 'string' || subject === '') throw missingClaim('sub')
    if (subject.length > SUBJECT_CHARS_MAX) throw invalidToken()
    return {
      provider,
      subject,
      audience,
      ...conditionKeysOf(provider.url, claims),
      tags: readTagClaims(claims),
    }
  }

  async #candidates(
    records: Records,
    provider: { readonly url: string; readonly issuer: string },
    header: TokenHeader,
  ): Promise<readonly ProviderKey[]> {
    try {
      const keys = await this.#keys.find(records, provider, header)
      if (keys.length === 0) throw noVerificationKey()
      return keys
    } catch (error) {
      if (error instanceof NoKeysError) throw noVerificationKey(error)
      if (error instanceof DependencyError) throw providerUnreachable(error)
      throw error
    }
  }
}

type Jose = typeof import('jose')

/** Loaded for the first token and not before: it takes some 40 ms, which a start should not pay. */
const loadJose = (): Promise<Jose> => import('jose')

/** Header and claims as they stand there: nothing of it is verified. */
function readToken(
  token: string,
  jose: Jose,
): { readonly header: TokenHeader; readonly claims: Claims } {
  const [, payload = '', ...rest] = token.split('.')
  if (rest.length !== 1) throw notAJwt()
  const { alg, kid, crit } = readHeader(token, jose)
  const parsed = parseStrictJson(Buffer.from(payload, 'base64url').toString('utf8'))
  if (!parsed.ok || !isJsonObject(parsed.value)) throw notAJwt()
  // Extensions that change what a signature means are none that we know.
  if (alg === undefined || !isTokenAlgorithm(alg) || crit !== undefined) throw invalidToken()
  if (kid !== undefined && typeof kid !== 'string') throw invalidToken()
  return { header: { alg, kid }, claims: parsed.value }
}

function readHeader(token: string, jose: Jose): ReturnType<Jose['decodeProtectedHeader']> {
  try {
    return jose.decodeProtectedHeader(token)
  } catch {
    throw notAJwt()
  }
}

async function findProvider(
  claims: Claims,
  { records, accountId }: VerificationPlace,
): Promise<{ readonly provider: OidcProvider; readonly issuer: string }> {
  const issuer = claims['iss']
  if (typeof issuer !== 'string') throw missingClaim('iss')
  // Which http issuers may be asked for keys, if any, is for those to say who fetch them.
  const [, url] = /^https?:\/\/([\x21-\x7e]{1,255})$/.exec(issuer) ?? []
  const stored =
    url === undefined ? undefined : await records.find(OIDC_PROVIDERS, [accountId, url])
  if (stored === undefined) throw noProvider(issuer)
  return { provider: stored.record, issuer }
}

/** @throws ServiceError unless one of the keys made the signature */
async function assertSigned(
  token: string,
  by: {
    readonly header: TokenHeader
    readonly keys: readonly ProviderKey[]
    readonly jose: Jose
  },
): Promise<void> {
  const { alg } = by.header
  for (const key of by.keys.slice(0, TRIES_MAX)) {
    try {
      const imported = await importedKey(key, alg, by.jose)
      await by.jose.compactVerify(token, imported, { algorithms: [alg] })
      return
    } catch {
      // The next key may be the one; a failure of the last is the refusal below.
    }
  }
  throw invalidToken()
}

async function importedKey(
  key: ProviderKey,
  alg: string,
  jose: Jose,
): Promise<CryptoKey | Uint8Array> {
  const known = key.imported.get(alg)
  if (known !== undefined) return known
  const imported = await jose.importJWK(key.jwk, alg)
  key.imported.set(alg, imported)
  return imported
}

/**
 * The client that a token was issued to: the authorized party where it names one, else its audience. It must
 * be one that the account named.
 * Source: AWS IAM User Guide, Available keys for AWS OIDC federation.
 */
function audienceOf(claims: Claims, { clientIds }: OidcProvider): string {
  const party = claims['azp']
  if (party !== undefined && typeof party !== 'string') throw invalidToken()
  const audiences = party === undefined ? textClaims(claims['aud']) : [party]
  if (audiences === undefined || claims['aud'] === undefined) throw missingClaim('aud')
  const known = audiences.find((audience) => clientIds.includes(audience))
  if (known === undefined) throw wrongAudience()
  return known
}

/** @throws ServiceError for a token before or after its time */
function assertCurrent(claims: Claims, time: Instant): void {
  const now = Math.floor(time / SECOND_MS)
  const expires = claims['exp']
  if (typeof expires !== 'number') throw missingClaim('exp')
  if (now >= expires + SKEW_SECONDS) throw tokenPast(now, Math.floor(expires))
  for (const name of ['nbf', 'iat']) {
    const from = claims[name]
    if (from === undefined) continue
    if (typeof from !== 'number') throw invalidToken()
    if (from > now + SKEW_SECONDS) throw tokenNotYetValid()
  }
}
