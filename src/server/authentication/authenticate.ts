import { createSecretKey, type KeyObject } from 'node:crypto'
import { isOfPartition, type User } from '../../core/identity.ts'
import { USERS } from '../../core/identity-tables.ts'
import {
  type AccessKeyId,
  type AccountId,
  parseAccessKeyId,
  parseAccountId,
} from '../../core/ids.ts'
import type { Clock } from '../../core/ports.ts'
import { type Principal, rootPrincipal } from '../../core/principal.ts'
import type { Records, Stored } from '../../core/records.ts'
import { type Partition, partitionOf } from '../../core/regions.ts'
import { CREDENTIALS, type Credential } from '../../core/tables.ts'
import type { HttpRequest } from '../../core/transport.ts'
import type { IdentityUses } from '../../identity/identity-uses.ts'
import { userPrincipal } from '../../identity/principals.ts'
import { isSessionToken } from '../../identity/session-tokens.ts'
import type { Session, Sessions } from '../../identity/sessions.ts'
import { userIdentityJson } from '../../identity/user-identity.ts'
import type { Caller } from '../../pipeline/call.ts'
import type { Authenticate, Identity, Service } from '../../pipeline/service.ts'
import { type Signature, SignatureParser, verifySignature } from '../../protocol/sigv4.ts'
import {
  sessionExpired,
  signatureDiffers,
  unrecognizedClient,
} from '../../protocol/sigv4-errors.ts'
import { SigningKeys } from '../../protocol/sigv4-keys.ts'
import { SessionCallers } from './session-callers.ts'

export interface AuthenticationParts {
  readonly records: Records
  /** The service's clock: sessions end by it. */
  readonly clock: Clock
  /** The machine's own clock, never a moved one: signatures age by it. */
  readonly machine: Clock
  readonly sessions: Sessions
  /** Told of each use of an access key or a role. */
  readonly uses: IdentityUses
  /** The account of access key ids that were never issued and name none: only where any secret is accepted. */
  readonly openAccount: AccountId | undefined
}

/** What temporary credentials are told by; each of them has a session token. */
const TEMPORARY = 'ASIA'

/** A caller, and the record of its user, if it is one: it is made again when the record was. */
interface KnownCaller {
  readonly user: Stored<User> | undefined
  readonly caller: Caller
}

/** What a cached credential record carries along: it lives exactly as long as the record is cached. */
interface KnownCredential {
  readonly keys: SigningKeys
  readonly callers: Map<Partition, KnownCaller>
}

function callerOf(principal: Principal, accessKeyId: AccessKeyId): Caller {
  const { accountId, arn, userId } = principal
  return {
    accountId,
    principal,
    arn,
    userId,
    accessKeyId,
    userIdentityJson: userIdentityJson(principal, accessKeyId, undefined),
  }
}

/** Verifies signatures against the credentials in the store and the sessions that were made of them. */
export class Authenticator {
  readonly #parts: AuthenticationParts
  readonly #parser = new SignatureParser()
  readonly #sessionCallers: SessionCallers
  readonly #known = new WeakMap<Stored<Credential>, KnownCredential>()
  /** One principal for all access keys of a user. */
  readonly #principals = new WeakMap<Stored<User>, Map<Partition, Principal>>()
  readonly #sessionKeys = new WeakMap<Session, SigningKeys>()
  /** Unknown ids are verified against this, so that they cost what known ones cost. */
  readonly #dummyKey: KeyObject

  constructor(parts: AuthenticationParts, dummySecret: Uint8Array) {
    this.#parts = parts
    this.#sessionCallers = new SessionCallers(parts.records, parts.uses)
    this.#dummyKey = createSecretKey(dummySecret)
  }

  // Not async: a credential that is at hand costs no promise.
  readonly authenticate: Authenticate = (request, service) => {
    const signature = this.#parse(request, service)
    const accessKeyId = parseAccessKeyId(signature.accessKeyId)
    if (accessKeyId === undefined) return this.#admitUnknown(signature, undefined)
    if (accessKeyId.startsWith(TEMPORARY))
      return this.#verifySession(signature, accessKeyId, service)
    const known = this.#parts.records.peek(CREDENTIALS, [accessKeyId])
    return known === undefined
      ? this.#lookUp(signature, accessKeyId)
      : this.#verify(signature, known)
  }

  async #lookUp(signature: Signature, accessKeyId: AccessKeyId): Promise<Identity> {
    const stored = await this.#parts.records.find(CREDENTIALS, [accessKeyId])
    return stored === undefined
      ? this.#admitUnknown(signature, accessKeyId)
      : this.#verify(signature, stored)
  }

  #parse(request: HttpRequest, service: Service): Signature {
    const now = this.#parts.machine.now()
    const { name, signing } = service
    // Nearly every request is of a service that signs as all do: no spread for it.
    const rules =
      signing === undefined ? { now, service: name } : { ...signing, now, service: name }
    return this.#parser.parse(request, rules)
  }

  /** @throws ServiceError UnrecognizedClientException, InvalidSignatureException */
  #verify(signature: Signature, stored: Stored<Credential>): Identity | Promise<Identity> {
    const known = this.#knownOf(stored)
    const isGenuine = verifySignature(signature, known.keys.get(signature))
    const { status, principal } = stored.record
    // A long-term credential has no session token; a deleted one is told apart from an unknown one by nothing.
    if (status !== 'Active' || signature.sessionToken !== undefined) throw unrecognizedClient()
    if (principal.type === 'Root') {
      if (!isGenuine) throw signatureDiffers()
      return this.#identity(signature, stored, undefined)
    }
    const finish = (user: Stored<User> | undefined): Identity => {
      // As AWS has it, credentials of one partition are none in the others.
      if (user === undefined || !isOfPartition(user.record, partitionOf(signature.region))) {
        throw unrecognizedClient()
      }
      if (!isGenuine) throw signatureDiffers()
      return this.#identity(signature, stored, user)
    }
    const user = this.#parts.records.peek(USERS, [principal.userId])
    return user === undefined
      ? this.#parts.records.find(USERS, [principal.userId]).then(finish)
      : finish(user)
  }

  /** Who calls with a long-term credential whose signature is genuine. */
  #identity(
    signature: Signature,
    stored: Stored<Credential>,
    user: Stored<User> | undefined,
  ): Identity {
    const { accessKeyId, accountId } = stored.record
    const { region, service } = signature
    const partition = partitionOf(region)
    this.#parts.uses.record(accessKeyId, service, region)
    const { callers } = this.#knownOf(stored)
    const known = callers.get(partition)
    if (known !== undefined && known.user === user) return { caller: known.caller, region }
    const principal =
      user === undefined
        ? rootPrincipal(partition, accountId)
        : this.#userPrincipal(user, partition)
    const caller = callerOf(principal, accessKeyId)
    callers.set(partition, { user, caller })
    return { caller, region }
  }

  #userPrincipal(user: Stored<User>, partition: Partition): Principal {
    let principals = this.#principals.get(user)
    if (principals === undefined) {
      principals = new Map()
      this.#principals.set(user, principals)
    }
    let principal = principals.get(partition)
    if (principal === undefined) {
      principal = userPrincipal(partition, user.record, undefined)
      principals.set(partition, principal)
    }
    return principal
  }

  /** @throws ServiceError UnrecognizedClientException, ExpiredTokenException, InvalidSignatureException */
  #verifySession(
    signature: Signature,
    accessKeyId: AccessKeyId,
    service: Service,
  ): Identity | Promise<Identity> {
    const token = signature.sessionToken
    const session = token === undefined ? undefined : this.#parts.sessions.find(accessKeyId, token)
    if (session === undefined) {
      // Where any secret is accepted, so are the temporary credentials of AWS itself.
      const isForeign = token !== undefined && !isSessionToken(token)
      if (isForeign) return this.#admitUnknown(signature, accessKeyId)
      verifySignature(signature, this.#dummyKey)
      throw unrecognizedClient()
    }
    const isGenuine = verifySignature(signature, this.#sessionKeysOf(session).get(signature))
    if (session.facts.expiresAt <= this.#parts.clock.now()) throw sessionExpired()
    // Source: AWS STS API Reference, GetSessionToken, GetFederationToken.
    if (service.isClosedToUserSessions === true && session.subject.kind !== 'role') {
      throw unrecognizedClient()
    }
    return this.#sessionCallers.identify(session, signature, () => {
      if (!isGenuine) throw signatureDiffers()
    })
  }

  /** @throws ServiceError UnrecognizedClientException unless any secret is accepted here */
  #admitUnknown(signature: Signature, accessKeyId: AccessKeyId | undefined): Identity {
    const { openAccount } = this.#parts
    if (openAccount === undefined || accessKeyId === undefined) {
      verifySignature(signature, this.#dummyKey)
      throw unrecognizedClient()
    }
    const accountId = parseAccountId(accessKeyId) ?? openAccount
    const principal = rootPrincipal(partitionOf(signature.region), accountId)
    return { caller: callerOf(principal, accessKeyId), region: signature.region }
  }

  #knownOf(stored: Stored<Credential>): KnownCredential {
    const known = this.#known.get(stored)
    if (known !== undefined) return known
    const { records } = this.#parts
    const keys = new SigningKeys(() => records.unwrap(CREDENTIALS, stored))
    const made = { keys, callers: new Map<Partition, KnownCaller>() }
    this.#known.set(stored, made)
    return made
  }

  #sessionKeysOf(session: Session): SigningKeys {
    let keys = this.#sessionKeys.get(session)
    if (keys === undefined) {
      keys = new SigningKeys(() => session.revealSecret())
      this.#sessionKeys.set(session, keys)
    }
    return keys
  }
}
