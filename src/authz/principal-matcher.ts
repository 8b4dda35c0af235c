import { assert, unreachable } from '../core/assert.ts'
import type { Principal } from '../core/principal.ts'
import { isJsonObject } from '../core/strict-json.ts'
import { listOf } from './condition.ts'

/** How a policy reaches a principal: bits, because several entries may. */
export const REACH = {
  none: 0,
  /** By its account, which may then decide with policies of its own. */
  account: 1,
  /** By its role: what caps the role caps this. */
  role: 2,
  /** By itself, or as everyone. */
  direct: 4,
} as const

/** Ids of principals by the ARN by which a policy names them. Source: `BoundPolicy`. */
export type PrincipalIds = Readonly<Record<string, string>>

/** Whom an element Principal or NotPrincipal names. */
export interface NamedPrincipals {
  /** Whether it is NotPrincipal. */
  readonly isNegated: boolean
  readonly isEveryone: boolean
  readonly accounts: ReadonlySet<string>
  /** Unique ids, and `AROA…:session`. */
  readonly ids: ReadonlySet<string>
  readonly arns: ReadonlySet<string>
  readonly services: ReadonlySet<string>
  readonly providers: ReadonlySet<string>
}

const ROOT_ARN = /^arn:[a-z0-9-]+:iam::(\d{12}):root$/
const ACCOUNT = /^\d{12}$/
const UNIQUE_ID = /^A[A-Z0-9]{15,127}(?::[\w+=,.@-]+)?$/

function readNames(
  value: unknown,
  isNegated: boolean,
  principalIds: PrincipalIds,
): NamedPrincipals {
  if (value === '*') return readNames({ AWS: '*' }, isNegated, principalIds)
  assert(isJsonObject(value), 'the principals of a stored policy are an object')
  const textsOf = (kind: string): readonly string[] =>
    Object.hasOwn(value, kind)
      ? listOf(value[kind]).filter((name): name is string => typeof name === 'string')
      : []
  const accounts = new Set<string>()
  const ids = new Set<string>()
  const arns = new Set<string>()
  for (const name of textsOf('AWS')) {
    const account = ACCOUNT.test(name) ? name : ROOT_ARN.exec(name)?.[1]
    const id = Object.hasOwn(principalIds, name) ? principalIds[name] : undefined
    if (account !== undefined) accounts.add(account)
    else if (id !== undefined) ids.add(id)
    else if (UNIQUE_ID.test(name)) ids.add(name)
    else if (name !== '*') arns.add(name)
  }
  return {
    isNegated,
    isEveryone: textsOf('AWS').includes('*'),
    accounts,
    ids,
    arns,
    services: new Set(textsOf('Service')),
    providers: new Set(textsOf('Federated')),
  }
}

const isNamedService = (named: NamedPrincipals, principal: Principal): boolean =>
  principal.serviceNames?.some((name) => named.services.has(name)) ?? false

const isNamedAccount = (named: NamedPrincipals, principal: Principal): boolean =>
  named.accounts.has(principal.accountId)

/** By the role alone, or by the identity provider that let the session in. */
const isNamedRole = (named: NamedPrincipals, principal: Principal): boolean =>
  named.arns.has(principal.principalArn) ||
  named.ids.has(principal.uniqueId) ||
  isNamedProvider(named, principal)

const isNamedProvider = (named: NamedPrincipals, { session }: Principal): boolean =>
  session?.federatedProvider !== undefined && named.providers.has(session.federatedProvider)

/** The session of a role by its own name; everyone else by the name or id there is. */
const isNamedItself = (named: NamedPrincipals, principal: Principal): boolean =>
  principal.type === 'AssumedRole'
    ? named.arns.has(principal.arn) || named.ids.has(principal.userId)
    : named.arns.has(principal.arn) ||
      (principal.type === 'User' && named.ids.has(principal.uniqueId)) ||
      (principal.type === 'FederatedUser' && isNamedProvider(named, principal))

/** How an element reaches a principal: `REACH` bits. */
export type PrincipalMatcher = (principal: Principal) => number

/** An element Principal or NotPrincipal. */
export interface CompiledPrincipals {
  readonly matches: PrincipalMatcher
  readonly named: NamedPrincipals
}

/** Services, and who comes from outside with a token: the identities of no account. */
const isOfNoAccount = (principal: Principal): boolean =>
  principal.type === 'Service' || principal.isVisitor === true

/** They are named by kinds of their own. */
const isNamedOutside = (named: NamedPrincipals, principal: Principal): boolean =>
  principal.type === 'Service'
    ? isNamedService(named, principal)
    : isNamedProvider(named, principal)

/**
 * `*` allows services and visitors nothing, and denies them everything: what is meant for the identities of
 * accounts must not let in whoever brings a token.
 */
const reachOf =
  (named: NamedPrincipals, isAllow: boolean): PrincipalMatcher =>
  (principal) => {
    if (isOfNoAccount(principal)) {
      const isMeant = isNamedOutside(named, principal) || (named.isEveryone && !isAllow)
      return isMeant ? REACH.direct : REACH.none
    }
    let reach: number = REACH.none
    if (isNamedAccount(named, principal)) reach |= REACH.account
    if (principal.type === 'AssumedRole' && isNamedRole(named, principal)) reach |= REACH.role
    if (named.isEveryone || isNamedItself(named, principal)) reach |= REACH.direct
    return reach
  }

/**
 * A Deny with NotPrincipal spares a principal only where every layer of it is named: the account, the
 * role, and the session or user.
 * Source: IAM User Guide, JSON policy elements: NotPrincipal.
 */
const isSpared = (named: NamedPrincipals, principal: Principal): boolean => {
  if (named.isEveryone) return true
  if (isOfNoAccount(principal)) return isNamedOutside(named, principal)
  switch (principal.type) {
    case 'Service':
      return isNamedService(named, principal)
    case 'Account':
      return isNamedAccount(named, principal)
    case 'AssumedRole':
      return (
        isNamedAccount(named, principal) &&
        isNamedRole(named, principal) &&
        isNamedItself(named, principal)
      )
    case 'User':
    case 'FederatedUser':
      return isNamedAccount(named, principal) && isNamedItself(named, principal)
    default:
      return unreachable(principal.type)
  }
}

/**
 * The matcher of an element Principal or NotPrincipal. Principals with an id in `principalIds` are matched
 * by that alone; others by their ARN as text.
 * @throws {AssertionFailure} for an element that is against the grammar
 */
export function compilePrincipals(
  element: { readonly value: unknown; readonly isNegated: boolean; readonly isAllow: boolean },
  principalIds: PrincipalIds,
): CompiledPrincipals {
  const { value, isNegated, isAllow } = element
  const named = readNames(value, isNegated, principalIds)
  const matches = reachOf(named, isAllow)
  if (!isNegated) return { named, matches }
  if (!isAllow) {
    return {
      named,
      matches: (principal) => (isSpared(named, principal) ? REACH.none : REACH.direct),
    }
  }
  // An Allow that leaves out any layer of a principal leaves out the principal. Services and visitors are never meant.
  return {
    named,
    matches: (principal) =>
      isOfNoAccount(principal) || matches(principal) !== REACH.none ? REACH.none : REACH.direct,
  }
}
