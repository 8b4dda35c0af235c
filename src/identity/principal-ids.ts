import type { NameKind, Role, User } from '../core/identity.ts'
import { parseIdentityArn, roleArn, roleSessionArn, userArn } from '../core/identity-arns.ts'
import { IDENTITY_NAMES, nameKey, ROLES, USERS } from '../core/identity-tables.ts'
import { type AccountId, parseAccountId } from '../core/ids.ts'
import type { Records, Stored } from '../core/records.ts'
import type { Partition } from '../core/regions.ts'
import { ACCOUNTS } from '../core/tables.ts'

/** What a text that names a principal of AWS comes to. */
export type NamedPrincipal =
  /** Everybody. */
  | { readonly kind: 'anyone' }
  /** An account with all that is in it. */
  | { readonly kind: 'account'; readonly accountId: AccountId }
  /** A user, a role or a session of a role that is there; `id` as in `BoundPolicy`. */
  | { readonly kind: 'bound'; readonly accountId: AccountId; readonly id: string }
  /** Something that has no id here: a federated user, or an identity of an account that is not kept here. */
  | { readonly kind: 'unbound'; readonly accountId: AccountId }

const USER_ID = /^AIDA[A-Z0-9]{12,124}$/
const ROLE_ID = /^AROA[A-Z0-9]{12,124}$/

export interface PrincipalPlace {
  readonly partition: Partition
  /** The caller's own account: what it names there must exist. */
  readonly home: AccountId
}

async function findId(
  records: Records,
  accountId: AccountId,
  kind: NameKind,
  name: string,
): Promise<string | undefined> {
  const named = await records.find(IDENTITY_NAMES, [accountId, kind, nameKey(name)])
  return named?.record.id
}

/** The user of a name, whatever its case. */
export async function findUser(
  records: Records,
  accountId: AccountId,
  name: string,
): Promise<Stored<User> | undefined> {
  const id = await findId(records, accountId, 'user', name)
  return id === undefined ? undefined : records.find(USERS, [id])
}

/** The role of a name, whatever its case. */
export async function findRole(
  records: Records,
  accountId: AccountId,
  name: string,
): Promise<Stored<Role> | undefined> {
  const id = await findId(records, accountId, 'role', name)
  return id === undefined ? undefined : records.find(ROLES, [id])
}

/** Whether the identities of an account are kept here, so that one which is not found does not exist. */
async function isKept(
  records: Records,
  accountId: AccountId,
  { home }: PrincipalPlace,
): Promise<boolean> {
  return accountId === home || isKeptAccount(records, accountId)
}

/** Whether an account is one of this node, with identities or without. */
export async function isKeptAccount(records: Records, accountId: AccountId): Promise<boolean> {
  if ((await records.find(ACCOUNTS, [accountId])) !== undefined) return true
  const any = { index: 'key', equals: [accountId], atMost: 1 }
  return (await records.count(IDENTITY_NAMES, any)) > 0
}

/** The live user or role of a unique id. */
async function findById(records: Records, id: string): Promise<NamedPrincipal | undefined> {
  const stored = USER_ID.test(id)
    ? await records.find(USERS, [id])
    : ROLE_ID.test(id)
      ? await records.find(ROLES, [id])
      : undefined
  return stored && { kind: 'bound', accountId: stored.record.accountId, id }
}

/** The unique id behind an ARN whose every character counts: IAM's ARNs tell case and path. */
async function idOfArn(
  records: Records,
  text: string,
  { partition }: PrincipalPlace,
): Promise<string | undefined> {
  const ref = parseIdentityArn(text, partition)
  if (ref?.kind === 'user') {
    const user = (await findUser(records, ref.accountId, ref.name))?.record
    return user && userArn(partition, user) === text ? user.userId : undefined
  }
  if (ref?.kind === 'role') {
    const role = (await findRole(records, ref.accountId, ref.name))?.record
    return role && roleArn(partition, role) === text ? role.roleId : undefined
  }
  if (ref?.kind !== 'role-session') return undefined
  const role = (await findRole(records, ref.accountId, ref.roleName))?.record
  return role && roleSessionArn(partition, role, ref.session) === text
    ? `${role.roleId}:${ref.session}`
    : undefined
}

/**
 * Finds what a policy or a grant names. Undefined for what is no principal: malformed, a group, a policy,
 * another partition's, or an identity that does not exist though its account is kept here.
 */
export async function namedPrincipal(
  records: Records,
  text: string,
  place: PrincipalPlace,
): Promise<NamedPrincipal | undefined> {
  if (text === '*') return { kind: 'anyone' }
  const account = parseAccountId(text)
  if (account !== undefined) return { kind: 'account', accountId: account }
  const ref = parseIdentityArn(text, place.partition)
  if (ref === undefined) return findById(records, text)
  const { kind, accountId } = ref
  if (kind === 'root') return { kind: 'account', accountId }
  if (kind === 'federated-user') return { kind: 'unbound', accountId }
  if (kind !== 'user' && kind !== 'role' && kind !== 'role-session') return undefined
  const id = await idOfArn(records, text, place)
  if (id !== undefined) return { kind: 'bound', accountId, id }
  return (await isKept(records, accountId, place)) ? undefined : { kind: 'unbound', accountId }
}

/** The ARN that an id of a `BoundPolicy` or a grant stands for today; undefined once it is deleted. */
export async function arnOfId(
  records: Records,
  id: string,
  partition: Partition,
): Promise<string | undefined> {
  const [unique = '', session] = id.split(':')
  if (USER_ID.test(unique)) {
    const user = (await records.find(USERS, [unique]))?.record
    return user && userArn(partition, user)
  }
  const role = (await records.find(ROLES, [unique]))?.record
  if (role === undefined) return undefined
  return session === undefined ? roleArn(partition, role) : roleSessionArn(partition, role, session)
}
