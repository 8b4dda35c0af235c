import { compilePolicy } from '../../../authz/compiled-policy.ts'
import type { SubjectKind } from '../../../core/explanations.ts'
import type { Role, User } from '../../../core/identity.ts'
import { nameKey } from '../../../core/identity-tables.ts'
import { type AccountId, anotherAccount, instant, type Region } from '../../../core/ids.ts'
import { rootPrincipal, type SessionFacts } from '../../../core/principal.ts'
import type { Records } from '../../../core/records.ts'
import type { Partition } from '../../../core/regions.ts'
import { isKeptAccount } from '../../../identity/principal-ids.ts'
import { rolePrincipal, userPrincipal } from '../../../identity/principals.ts'
import type { KnownPrincipal } from './key-context.ts'
import type { Mentions } from './mentions.ts'

/** Somebody who may or may not be allowed. */
export interface Subject extends KnownPrincipal {
  readonly kind: SubjectKind
  /** As `Access.principal`. */
  readonly name: string
  readonly accountId?: AccountId | undefined
  /** Whether its own policies are not looked into: they may allow. */
  readonly isHidden?: true
  /** Where a listing goes on behind it. */
  readonly position: string
}

/** Whose identities are looked for, and how far one may look. */
export interface SubjectScope {
  readonly records: Records
  readonly partition: Partition
  /** The Region of the key. */
  readonly region: Region
  /** The account of the key. */
  readonly home: AccountId
  readonly mentions: Mentions
  /** Whether identities of other accounts than the key's are looked into, as only an operator may. */
  readonly seesAll: boolean
}

/** Of no session in particular: no session has this name. */
export const ANY_SESSION: SessionFacts = {
  issuedAt: instant(0),
  expiresAt: instant(Number.MAX_SAFE_INTEGER),
  name: '*',
  tags: {},
  transitiveTagKeys: [],
  policyArns: [],
}

const taggable = new WeakMap<Role, boolean>()

/** Whether the trust policy lets sessions of a role bring tags, which win over the role's. */
function bringsTags(role: Role): boolean {
  let brings = taggable.get(role)
  if (brings === undefined) {
    const { text, principalIds } = role.trustPolicy
    brings = compilePolicy(text, principalIds)
      .statementsFor('sts:tagsession')
      .some(({ effect }) => effect === 'Allow')
    taggable.set(role, brings)
  }
  return brings
}

export const userSubject = (partition: Partition, user: User): Subject => {
  const principal = userPrincipal(partition, user, undefined)
  const position = `${user.accountId}/user/${nameKey(user.name)}/${user.userId}`
  const { accountId } = user
  return { kind: 'user', name: principal.arn, accountId, principal, position }
}

/** All sessions of a role, or the one of a name. */
export const roleSubject = (partition: Partition, role: Role, session?: string): Subject => {
  const facts = session === undefined ? ANY_SESSION : { ...ANY_SESSION, name: session }
  const principal = rolePrincipal(partition, role, facts)
  const { accountId } = role
  const known = { accountId, principal, bringsTags: bringsTags(role) }
  const position = `${accountId}/role/${nameKey(role.name)}/${role.roleId}`
  return session === undefined
    ? { ...known, kind: 'role', name: principal.principalArn, isAnySession: true, position }
    : {
        ...known,
        kind: 'role-session',
        name: principal.arn,
        position: `mentioned/${principal.arn}`,
      }
}

export const rootSubject = (partition: Partition, accountId: AccountId): Subject => {
  const principal = rootPrincipal(partition, accountId)
  return { kind: 'root', name: principal.arn, accountId, principal, position: `${accountId}/root` }
}

/** An account that is not looked into. */
export const accountSubject = (partition: Partition, accountId: AccountId): Subject => ({
  ...rootSubject(partition, accountId),
  kind: 'account',
  name: accountId,
  isHidden: true,
  position: `mentioned/${accountId}`,
})

/** Stands for every account that is not looked into: its number is that of none that is. */
export const anyoneSubject = ({ partition, home }: SubjectScope): Subject => ({
  ...accountSubject(partition, anotherAccount(home)),
  kind: 'anyone',
  name: '*',
  accountId: undefined,
  isAnyone: true,
  position: 'mentioned/*',
})

/** Whether the identities of an account may be looked into. */
export const isOpen = async (
  { records, home, seesAll }: SubjectScope,
  accountId: AccountId,
): Promise<boolean> => accountId === home || (seesAll && (await isKeptAccount(records, accountId)))

/** Whether all identities of an account are listed, rather than those that are named one by one. */
export const isListed = async (scope: SubjectScope, accountId: AccountId): Promise<boolean> =>
  accountId === scope.home ||
  ((scope.mentions.isEveryone || scope.mentions.accounts.has(accountId)) &&
    (await isOpen(scope, accountId)))
