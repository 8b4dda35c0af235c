import { isJsonObject } from '../../core/strict-json.ts'
import { invalidToken } from './token-errors.ts'

/** Condition keys by lower-case name, as a principal's session has them. */
export type FederatedKeys = Readonly<Record<string, string | readonly string[]>>

type Claims = Readonly<Record<string, unknown>>

/** Bytes of the condition keys that a session keeps, as its token writes them. */
export const FEDERATED_KEYS_BYTES_MAX = 2048
/** Longer claims are no condition keys. */
const CLAIM_CHARS_MAX = 2048
const CLAIM_VALUES_MAX = 20

/** Claims of any provider. Source: AWS IAM User Guide, Available keys for AWS OIDC federation. */
const COMMON_CLAIMS = ['amr', 'email', 'sub'] as const
/** Claims of single providers, for their trust policies alone. Source: as above, cross-provider table. */
const CLAIMS_OF: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'token.actions.githubusercontent.com',
    [
      'actor',
      'actor_id',
      'enterprise_id',
      'environment',
      'job_workflow_ref',
      'ref',
      'repository',
      'repository_id',
      'repository_owner_id',
      'repository_visibility',
      'workflow',
    ],
  ],
])

/** The texts of a claim that is one text or a list of them; undefined for anything else. */
export function textClaims(value: unknown): readonly string[] | undefined {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  const texts = values.filter((item) => typeof item === 'string')
  const isSound =
    texts.length === values.length &&
    texts.length > 0 &&
    texts.length <= CLAIM_VALUES_MAX &&
    texts.every((text) => text.length <= CLAIM_CHARS_MAX)
  return isSound ? texts : undefined
}

/** A claim as a condition key has it: one value as a text. */
function valueOf(claim: unknown): string | readonly string[] | undefined {
  const texts = textClaims(claim)
  return texts?.length === 1 ? texts[0] : texts
}

/**
 * The condition keys that a verified token gives. Where it names an authorized party, that is its `aud`, and
 * the audience itself is `oaud`.
 */
export function conditionKeysOf(
  url: string,
  claims: Claims,
): { readonly conditionKeys: FederatedKeys; readonly sessionKeys: FederatedKeys } {
  const { azp, aud } = claims
  const named: Record<string, unknown> = { aud: azp ?? aud, azp }
  if (azp !== undefined) named['oaud'] = aud
  for (const name of COMMON_CLAIMS) named[name] = claims[name]
  const sessionKeys = keysOf(url, named)
  if (Buffer.byteLength(JSON.stringify(sessionKeys)) > FEDERATED_KEYS_BYTES_MAX) {
    throw invalidToken()
  }
  const own = (CLAIMS_OF.get(url) ?? []).map((name) => [name, claims[name]] as const)
  return { sessionKeys, conditionKeys: { ...sessionKeys, ...keysOf(url, Object.fromEntries(own)) } }
}

function keysOf(url: string, claims: Claims): FederatedKeys {
  const keys: Record<string, string | readonly string[]> = {}
  for (const [name, claim] of Object.entries(claims)) {
    const value = valueOf(claim)
    if (value !== undefined) keys[`${url}:${name}`.toLowerCase()] = value
  }
  return keys
}

/** Session tags and source identity that a token asks for. */
export interface TagClaims {
  readonly tags: readonly { readonly Key: string; readonly Value: string }[]
  readonly transitiveTagKeys: readonly string[]
  readonly sourceIdentity: string | undefined
}

const TAGS_CLAIM = 'https://aws.amazon.com/tags'
const SOURCE_IDENTITY_CLAIM = 'https://aws.amazon.com/source_identity'
const SOURCE_IDENTITY = /^[\w+=,.@-]{2,64}$/
const TAG_KEY = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u
const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u
const TAGS_MAX = 50

/** Source: AWS IAM User Guide, Passing session tags using AssumeRoleWithWebIdentity; source identity. */
export function readTagClaims(claims: Claims): TagClaims {
  const sourceIdentity = claims[SOURCE_IDENTITY_CLAIM]
  if (
    sourceIdentity !== undefined &&
    !(typeof sourceIdentity === 'string' && SOURCE_IDENTITY.test(sourceIdentity))
  ) {
    throw invalidToken()
  }
  const claim = claims[TAGS_CLAIM]
  if (claim === undefined) return { tags: [], transitiveTagKeys: [], sourceIdentity }
  if (!isJsonObject(claim)) throw invalidToken()
  const { principal_tags: tags = {}, transitive_tag_keys: keys = [] } = claim
  if (!isJsonObject(tags) || !Array.isArray(keys)) throw invalidToken()
  const entries = Object.entries(tags)
  if (entries.length > TAGS_MAX) throw invalidToken()
  const transitiveTagKeys = keys.map((key: unknown) => {
    if (typeof key !== 'string' || !TAG_KEY.test(key)) throw invalidToken()
    return key
  })
  return { tags: entries.map(readTag), transitiveTagKeys, sourceIdentity }
}

/** A tag's value is a list of one text. */
function readTag([key, values]: readonly [string, unknown]): { Key: string; Value: string } {
  const [value, ...more]: readonly unknown[] = Array.isArray(values) ? values : []
  if (more.length > 0 || typeof value !== 'string') throw invalidToken()
  if (!TAG_KEY.test(key) || !TAG_VALUE.test(value)) throw invalidToken()
  return { Key: key, Value: value }
}
