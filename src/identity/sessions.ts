import { timingSafeEqual } from 'node:crypto'
import { assert } from '../core/assert.ts'
import { type AccessKeyId, type AccountId, parseAccessKeyId, plusMs } from '../core/ids.ts'
import type { Random } from '../core/ports.ts'
import type { SessionFacts } from '../core/principal.ts'
import type { Secret } from '../core/secret.ts'
import { drawAccessKeyId, drawSecretAccessKey } from './access-keys.ts'
import type { SessionContent, SessionSubject, SessionTokens } from './session-tokens.ts'

/** Sessions that are held opened; the oldest go first. Each holds its token, 10 KiB at most. */
const HELD_MAX = 5000

/** A session whose token has been opened: the same object for as long as it is held. */
export interface Session extends SessionContent {
  readonly accessKeyId: AccessKeyId
  /** Opens the secret access key, for the caller to own. */
  revealSecret(): Secret
}

interface Held {
  readonly session: Session
  readonly token: Buffer
}

/** What a new session is for. */
export interface NewSession {
  readonly accountId: AccountId
  readonly subject: SessionSubject
  readonly facts: Omit<SessionFacts, 'expiresAt'>
  readonly durationSeconds: number
}

/** Credentials of a new session, to be given away once. Their receiver owns the secret. */
export interface IssuedSession {
  readonly accessKeyId: AccessKeyId
  readonly secretAccessKey: Secret
  readonly sessionToken: string
  readonly facts: SessionFacts
}

/** Makes sessions, and knows them again. Nothing of them is stored: a session is what its token says. */
export class Sessions {
  readonly #tokens: SessionTokens
  readonly #random: Random
  readonly #held = new Map<AccessKeyId, Held>()

  constructor(tokens: SessionTokens, random: Random) {
    this.#tokens = tokens
    this.#random = random
  }

  issue({ accountId, subject, facts, durationSeconds }: NewSession): IssuedSession {
    const accessKeyId = accessKeyIdOf(drawAccessKeyId(this.#random, 'ASIA'))
    const secretAccessKey = drawSecretAccessKey(this.#random)
    const whole = { ...facts, expiresAt: plusMs(facts.issuedAt, durationSeconds * 1000) }
    const content = { accountId, subject, facts: whole }
    const sessionToken = this.#tokens.seal(accessKeyId, secretAccessKey, content)
    return { accessKeyId, secretAccessKey, sessionToken, facts: whole }
  }

  /**
   * The session of an access key id and a token that belong together; undefined for all others. Whether it
   * has expired, or its role is still there, is not looked at.
   */
  find(accessKeyId: AccessKeyId, token: string): Session | undefined {
    const held = this.#held.get(accessKeyId)
    const bytes = Buffer.from(token, 'utf8')
    if (held !== undefined && isSame(held.token, bytes)) return held.session
    const content = this.#tokens.open(accessKeyId, token)
    if (content === undefined) return undefined
    const tokens = this.#tokens
    // A copy, as `bytes` is one: both may be slices of the request's head, which would live as long as they.
    const id = accessKeyIdOf(Buffer.from(accessKeyId, 'latin1').toString('latin1'))
    const revealSecret = (): Secret => tokens.secretOf(id, bytes.toString('utf8'))
    const session: Session = { ...content, accessKeyId: id, revealSecret }
    this.#keep({ session, token: bytes })
    return session
  }

  #keep(held: Held): void {
    const { accessKeyId } = held.session
    if (this.#held.size >= HELD_MAX && !this.#held.has(accessKeyId)) {
      const [oldest] = this.#held.keys()
      if (oldest !== undefined) this.#held.delete(oldest)
    }
    this.#held.set(accessKeyId, held)
  }
}

const isSame = (held: Buffer, given: Buffer): boolean =>
  held.length === given.length && timingSafeEqual(held, given)

function accessKeyIdOf(text: string): AccessKeyId {
  const id = parseAccessKeyId(text)
  assert(id !== undefined, 'an access key id of ours is well-formed')
  return id
}
