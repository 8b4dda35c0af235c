import type { KeyObject } from 'node:crypto'
import { assert } from '../core/assert.ts'
import type { AccessKeyId, AccountId } from '../core/ids.ts'
import { instant, parseAccountId } from '../core/ids.ts'
import type { Random } from '../core/ports.ts'
import type { SessionFacts } from '../core/principal.ts'
import { Secret } from '../core/secret.ts'
import { isJsonObject } from '../core/strict-json.ts'
import { createOneTimeCipher, NONCE_BYTES, type OneTimeCipher } from '../crypto/one-time-cipher.ts'

/** Whose session it is, by what never changes: a role that is made again is another one. */
export type SessionSubject =
  | { readonly kind: 'root' | 'federated' }
  | { readonly kind: 'user' | 'role'; readonly id: string }

/** What a session token says. */
export interface SessionContent {
  readonly accountId: AccountId
  readonly subject: SessionSubject
  readonly facts: SessionFacts
}

/** `SRT` and the version of what follows. Every version begins like this. */
const PREFIX = Uint8Array.of(0x53, 0x52, 0x54, 0x01)
/** What the text of every token of ours begins with, whatever its version. */
const PREFIX_TEXT = 'U1JU'
const LABEL = 'strongroom session token v1'
/**
 * Longer texts are none of ours. Nearly all are below the 8 KiB that common proxies let a header line have; what may
 * come together at most (`SESSION_PACK_BYTES_MAX`, `FEDERATED_KEYS_BYTES_MAX`) is above it.
 */
const SESSION_TOKEN_CHARS_MAX = 10_240
const SECRET_BYTES_MAX = 255

/** Whether a text looks like a token of ours, genuine or not. */
export const isSessionToken = (token: string): boolean => token.startsWith(PREFIX_TEXT)

/**
 * Session tokens: self-contained, so that any node with the store verifies them and none has to remember
 * them. A token opens only together with the access key id that it was made with.
 * **Source:** docs/formats/session-tokens.md.
 */
export class SessionTokens {
  readonly #cipher: OneTimeCipher
  readonly #random: Random

  constructor(key: KeyObject, random: Random) {
    this.#cipher = createOneTimeCipher(key, { label: LABEL, prefix: PREFIX })
    this.#random = random
  }

  /** `secretAccessKey` is borrowed. */
  seal(accessKeyId: AccessKeyId, secretAccessKey: Secret, content: SessionContent): string {
    const secret = secretAccessKey.expose()
    assert(secret.length <= SECRET_BYTES_MAX, 'the length of a secret access key fits a byte')
    const json = new TextEncoder().encode(JSON.stringify(encodeContent(content)))
    using payload = new Secret(new Uint8Array(1 + secret.length + json.length))
    const bytes = payload.expose()
    bytes[0] = secret.length
    bytes.set(secret, 1)
    bytes.set(json, 1 + secret.length)
    const sealed = this.#cipher.encrypt(payload, [accessKeyId], this.#random.bytes(NONCE_BYTES))
    const token = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length).toString('base64url')
    assert(token.length <= SESSION_TOKEN_CHARS_MAX, 'a session token is within its bound')
    return token
  }

  /** What a token says; undefined for a text that `seal` did not write with this access key id. */
  open(accessKeyId: AccessKeyId, token: string): SessionContent | undefined {
    using payload = this.#payload(accessKeyId, token)
    if (payload === undefined) return undefined
    const bytes = payload.expose()
    const json = new TextDecoder().decode(bytes.subarray(1 + (bytes[0] ?? 0)))
    return decodeContent(JSON.parse(json))
  }

  /** The secret access key inside a token that has been opened before. The caller owns it. */
  secretOf(accessKeyId: AccessKeyId, token: string): Secret {
    using payload = this.#payload(accessKeyId, token)
    assert(payload !== undefined, 'a token that was opened opens again')
    const bytes = payload.expose()
    return new Secret(new Uint8Array(bytes.subarray(1, 1 + (bytes[0] ?? 0))))
  }

  #payload(accessKeyId: AccessKeyId, token: string): Secret | undefined {
    if (token.length > SESSION_TOKEN_CHARS_MAX || !isSessionToken(token)) return undefined
    const bytes = Buffer.from(token, 'base64url')
    // One token has one text: what decodes alike must not pass for it.
    if (bytes.toString('base64url') !== token) return undefined
    if (PREFIX.some((byte, at) => bytes[at] !== byte)) return undefined
    return this.#cipher.decrypt(bytes, [accessKeyId])
  }
}

type Members = Readonly<Record<string, unknown>>

/** The JSON of a token's content. Absent members are left out; names are short because each token has them. */
function encodeContent({ accountId, subject, facts }: SessionContent): Members {
  return {
    a: accountId,
    k: subject.kind,
    i: 'id' in subject ? subject.id : undefined,
    t: facts.issuedAt,
    e: facts.expiresAt,
    m: facts.mfaAt,
    f: facts.issuerId,
    n: facts.name,
    g: isEmpty(facts.tags) ? undefined : facts.tags,
    v: facts.transitiveTagKeys.length === 0 ? undefined : facts.transitiveTagKeys,
    s: facts.sourceIdentity,
    w: facts.federatedProvider,
    c: facts.federatedKeys,
    p: facts.policy,
    r: facts.policyArns.length === 0 ? undefined : facts.policyArns,
  }
}

const isEmpty = (members: object): boolean => Object.keys(members).length === 0

function subjectOf(kind: unknown, id: unknown): SessionSubject {
  if (kind === 'root' || kind === 'federated') return { kind }
  assert(kind === 'user' || kind === 'role', 'a sealed session has a subject')
  assert(typeof id === 'string', 'the subject of a sealed session has an id')
  return { kind, id }
}

/** The seal proves that `encodeContent` wrote this: what is not of its form is a bug, not an attack. */
function decodeContent(members: unknown): SessionContent {
  assert(isJsonObject(members), 'a sealed session is an object')
  const accountId = parseAccountId(textOf(members['a']))
  assert(accountId !== undefined, 'a sealed session has an account')
  return {
    accountId,
    subject: subjectOf(members['k'], members['i']),
    facts: {
      issuedAt: instant(numberOf(members['t'])),
      expiresAt: instant(numberOf(members['e'])),
      mfaAt: members['m'] === undefined ? undefined : instant(numberOf(members['m'])),
      issuerId: optionalText(members['f']),
      name: optionalText(members['n']),
      tags: tagsOf(members['g']),
      transitiveTagKeys: textsOf(members['v']),
      sourceIdentity: optionalText(members['s']),
      federatedProvider: optionalText(members['w']),
      federatedKeys: federatedKeysOf(members['c']),
      policy: optionalText(members['p']),
      policyArns: textsOf(members['r']),
    },
  }
}

function textOf(value: unknown): string {
  assert(typeof value === 'string', 'a member of a sealed session is a text')
  return value
}

function numberOf(value: unknown): number {
  assert(typeof value === 'number', 'a member of a sealed session is a number')
  return value
}

const optionalText = (value: unknown): string | undefined =>
  value === undefined ? undefined : textOf(value)

function textsOf(value: unknown): readonly string[] {
  if (value === undefined) return []
  assert(Array.isArray(value), 'a member of a sealed session is a list')
  return value.map(textOf)
}

function tagsOf(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {}
  assert(isJsonObject(value), 'the tags of a sealed session are an object')
  return Object.fromEntries(Object.entries(value).map(([key, tag]) => [key, textOf(tag)]))
}

function federatedKeysOf(value: unknown): SessionFacts['federatedKeys'] {
  if (value === undefined) return undefined
  assert(isJsonObject(value), 'the federated keys of a sealed session are an object')
  return Object.fromEntries(
    Object.entries(value).map(([key, held]) => [
      key,
      Array.isArray(held) ? textsOf(held) : textOf(held),
    ]),
  )
}
