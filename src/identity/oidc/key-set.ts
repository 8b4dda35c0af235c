import type { CryptoKey, JWK } from 'jose'
import { isJsonObject, parseStrictJson } from '../../core/strict-json.ts'

/** Keys of one set that are looked at. Source: AWS IAM User Guide, OIDC identity providers, limits. */
const KEYS_MAX = 100
/** Base64url characters of an RSA modulus of 8,192 bits: longer ones would cost too much to verify with. */
const MODULUS_CHARS_MAX = 1366
/** Exponents of at most 33 bits. */
const EXPONENT_CHARS_MAX = 6
/** Parts of secret and private keys. Source: RFC 7518, section 6. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

interface AlgorithmKeys {
  readonly kty: string
  readonly crv?: string
}

const RSA: AlgorithmKeys = { kty: 'RSA' }
const ED25519: AlgorithmKeys = { kty: 'OKP', crv: 'Ed25519' }

/**
 * The algorithms that tokens may be signed with, and their keys: signatures by private keys alone, so that
 * nobody passes a public key off as the secret of a MAC.
 */
const ALGORITHMS: ReadonlyMap<string, AlgorithmKeys> = new Map([
  ['RS256', RSA],
  ['RS384', RSA],
  ['RS512', RSA],
  ['PS256', RSA],
  ['PS384', RSA],
  ['PS512', RSA],
  ['ES256', { kty: 'EC', crv: 'P-256' }],
  ['ES384', { kty: 'EC', crv: 'P-384' }],
  ['ES512', { kty: 'EC', crv: 'P-521' }],
  ['EdDSA', ED25519],
  ['Ed25519', ED25519],
])

export const isTokenAlgorithm = (algorithm: string): boolean => ALGORITHMS.has(algorithm)

/** A public key of an identity provider. */
export interface ProviderKey {
  readonly jwk: JWK
  /** By algorithm: imported for the first token. */
  readonly imported: Map<string, CryptoKey | Uint8Array>
}

/** The keys of a set, or what is wrong with it. */
export type KeySet =
  | { readonly keys: readonly ProviderKey[]; readonly hasPrivateKeys: boolean }
  | { readonly keys?: undefined; readonly problem: string }

const isText = (value: unknown, charsMax = Number.POSITIVE_INFINITY): boolean =>
  typeof value === 'string' && value !== '' && value.length <= charsMax

/** Whether a member is a key that some algorithm of ours verifies with. */
function isUsable(member: Readonly<Record<string, unknown>>): boolean {
  const { kty, crv, n, e, x, y, kid, key_ops: uses } = member
  if (kid !== undefined && typeof kid !== 'string') return false
  if (uses !== undefined && !Array.isArray(uses)) return false
  switch (kty) {
    case 'RSA':
      return isText(n, MODULUS_CHARS_MAX) && isText(e, EXPONENT_CHARS_MAX)
    case 'EC':
      return isText(crv) && isText(x) && isText(y)
    case 'OKP':
      return crv === ED25519.crv && isText(x)
    default:
      return false
  }
}

/** Reads a JSON Web Key Set. Keys that nothing of ours verifies with are passed over. Source: RFC 7517. */
export function parseKeySet(text: string): KeySet {
  const parsed = parseStrictJson(text)
  if (!parsed.ok || !isJsonObject(parsed.value)) return { problem: 'it is not a JSON object' }
  const listed: unknown = parsed.value['keys']
  if (!Array.isArray(listed)) return { problem: 'it has no list of keys' }
  if (listed.length > KEYS_MAX) return { problem: `it has more than ${KEYS_MAX} keys` }
  const members = listed.filter((member: unknown) => isJsonObject(member))
  const hasPrivateKeys = members.some((member) =>
    PRIVATE_MEMBERS.some((name) => Object.hasOwn(member, name)),
  )
  const keys = members.filter(isUsable).map(
    (member): ProviderKey => ({
      // `isUsable` has looked at the members that matter here.
      jwk: publicPart(member as JWK),
      imported: new Map(),
    }),
  )
  return { keys, hasPrivateKeys }
}

/** What a private key would add is never kept. */
const publicPart = (jwk: JWK): JWK =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => !PRIVATE_MEMBERS.includes(name)))

/** What a token's header says about its signature. */
export interface TokenHeader {
  readonly alg: string
  readonly kid: string | undefined
}

/** The keys of a set that may have signed a token: of its algorithm, and of its key id where it names one. */
export const keysFor = (
  keys: readonly ProviderKey[],
  { alg, kid }: TokenHeader,
): readonly ProviderKey[] => {
  const wanted = ALGORITHMS.get(alg)
  if (wanted === undefined) return []
  return keys.filter(
    ({ jwk }) =>
      jwk.kty === wanted.kty &&
      (wanted.crv === undefined || jwk.crv === wanted.crv) &&
      (kid === undefined || jwk.kid === kid) &&
      (jwk.alg === undefined || jwk.alg === alg) &&
      (jwk.use === undefined || jwk.use === 'sig') &&
      (jwk.key_ops === undefined || jwk.key_ops.includes('verify')),
  )
}
