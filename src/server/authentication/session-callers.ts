import { unreachable } from '../../core/assert.ts'
import { isOfPartition, type Role, type User } from '../../core/identity.ts'
import { ROLES, USERS } from '../../core/identity-tables.ts'
import type { Principal } from '../../core/principal.ts'
import type { Records, Stored } from '../../core/records.ts'
import { type Partition, partitionOf } from '../../core/regions.ts'
import type { IdentityUses } from '../../identity/identity-uses.ts'
import {
  federatedPrincipal,
  rolePrincipal,
  rootSessionPrincipal,
  userPrincipal,
} from '../../identity/principals.ts'
import type { Session } from '../../identity/sessions.ts'
import { type SessionIssuer, userIdentityJson } from '../../identity/user-identity.ts'
import type { Caller } from '../../pipeline/call.ts'
import type { Identity } from '../../pipeline/service.ts'
import type { Signature } from '../../protocol/sigv4.ts'
import { unrecognizedClient } from '../../protocol/sigv4-errors.ts'

/** The record of whoever a session was made of; a root has none. */
type Owner = Stored<Role> | Stored<User>

/** A caller, and the record that it was made from: it is made again when the record was. */
interface KnownCaller {
  readonly owner: Owner | undefined
  readonly caller: Caller
}

/** Where the record of a session's owner is, if it has one. */
const ownerKey = ({ subject, facts, accountId }: Session) => {
  switch (subject.kind) {
    case 'role':
      return { table: ROLES, id: subject.id } as const
    case 'user':
      return { table: USERS, id: subject.id } as const
    case 'federated':
      return facts.issuerId === undefined || facts.issuerId === accountId
        ? undefined
        : ({ table: USERS, id: facts.issuerId } as const)
    case 'root':
      return undefined
    default:
      return unreachable(subject)
  }
}

/** Who acts in sessions: looked up by unique id, so that a session ends with the role or user it was made of. */
export class SessionCallers {
  readonly #records: Records
  readonly #uses: IdentityUses
  readonly #known = new WeakMap<Session, Map<Partition, KnownCaller>>()

  constructor(records: Records, uses: IdentityUses) {
    this.#records = records
    this.#uses = uses
  }

  /**
   * The identity behind a session whose token and expiry have been checked. `assertGenuine` is asked once it
   * is known that there is somebody.
   * @throws ServiceError UnrecognizedClientException where the role or user is gone, or of another partition
   */
  identify(
    session: Session,
    signature: Signature,
    assertGenuine: () => void,
  ): Identity | Promise<Identity> {
    const key = ownerKey(session)
    const finish = (owner: Owner | undefined): Identity => {
      if (key !== undefined && owner?.record.accountId !== session.accountId) {
        throw unrecognizedClient()
      }
      const partition = partitionOf(signature.region)
      if (owner !== undefined && !isOfPartition(owner.record, partition)) throw unrecognizedClient()
      assertGenuine()
      if (session.subject.kind === 'role') {
        this.#uses.record(session.subject.id, signature.service, signature.region)
      }
      const caller = this.#callerOf(session, owner, partition)
      return { caller, region: signature.region }
    }
    if (key === undefined) return finish(undefined)
    // Each table with records of its own type.
    const owner: Owner | undefined =
      key.table === ROLES
        ? this.#records.peek(ROLES, [key.id])
        : this.#records.peek(USERS, [key.id])
    if (owner !== undefined) return finish(owner)
    const found: Promise<Owner | undefined> =
      key.table === ROLES
        ? this.#records.find(ROLES, [key.id])
        : this.#records.find(USERS, [key.id])
    return found.then(finish)
  }

  #callerOf(session: Session, owner: Owner | undefined, partition: Partition): Caller {
    let callers = this.#known.get(session)
    if (callers === undefined) {
      callers = new Map()
      this.#known.set(session, callers)
    }
    const known = callers.get(partition)
    if (known !== undefined && known.owner === owner) return known.caller
    const caller = makeCaller(session, owner, partition)
    callers.set(partition, { owner, caller })
    return caller
  }
}

const isRole = (owner: Owner | undefined): owner is Stored<Role> =>
  owner !== undefined && 'roleId' in owner.record

const isUser = (owner: Owner | undefined): owner is Stored<User> =>
  owner !== undefined && 'userId' in owner.record

function makeCaller(session: Session, owner: Owner | undefined, partition: Partition): Caller {
  const { principal, issuer } = principalOf(session, owner, partition)
  const { accountId, arn, userId } = principal
  const { accessKeyId } = session
  return {
    accountId,
    principal,
    arn,
    userId,
    accessKeyId,
    userIdentityJson: userIdentityJson(principal, accessKeyId, issuer),
  }
}

function principalOf(
  { accountId, subject, facts }: Session,
  owner: Owner | undefined,
  partition: Partition,
): { readonly principal: Principal; readonly issuer: SessionIssuer | undefined } {
  if (isRole(owner)) {
    const role = owner.record
    return { principal: rolePrincipal(partition, role, facts), issuer: { kind: 'role', role } }
  }
  if (subject.kind === 'federated') {
    const issuer: SessionIssuer = isUser(owner)
      ? { kind: 'user', user: owner.record }
      : { kind: 'root' }
    return { principal: federatedPrincipal(partition, accountId, facts), issuer }
  }
  if (isUser(owner)) {
    return { principal: userPrincipal(partition, owner.record, facts), issuer: undefined }
  }
  return { principal: rootSessionPrincipal(partition, accountId, facts), issuer: undefined }
}
