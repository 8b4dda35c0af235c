import type { Records } from '../../../core/records.ts'
import { partitionOf } from '../../../core/regions.ts'
import type { Grant, GrantConstraints } from '../../../core/tables.ts'
import { arnOfId, namedPrincipal } from '../../../identity/principal-ids.ts'
import type { Scope } from '../../../pipeline/operation.ts'
import {
  isOwnInfrastructure,
  regionalServiceName,
  serviceOfInfrastructure,
} from '../../../pipeline/service-callers.ts'
import { invalidPrincipal } from '../grants/grant-principals.ts'
import type { GrantTerms } from '../grants/grant-requests.ts'

/** The unique id of a principal that a grant names; undefined where it has none. @throws ServiceError InvalidArnException */
async function idOf(text: string, { records, call }: Scope): Promise<string | undefined> {
  if (isOwnInfrastructure(text, call)) return undefined
  const place = { partition: partitionOf(call.region), home: call.accountId }
  const named = await namedPrincipal(records, text, place)
  if (named === undefined || named.kind === 'anyone') throw invalidPrincipal(text)
  return named.kind === 'bound' ? named.id : undefined
}

/**
 * Keeps the unique ids of the principals that a grant names, so that it is for those who exist now.
 * @throws ServiceError InvalidArnException for one that does not exist
 */
export async function bindGrant(terms: GrantTerms, scope: Scope): Promise<GrantTerms> {
  const { granteePrincipal, retiringPrincipal } = terms
  const granteeId = granteePrincipal && (await idOf(granteePrincipal, scope))
  const retiringId = retiringPrincipal && (await idOf(retiringPrincipal, scope))
  return {
    ...terms,
    ...(granteeId !== undefined && { granteeId }),
    ...(retiringId !== undefined && { retiringId }),
  }
}

/** Under what a principal is looked for among grants: its id where it has one now. */
export async function principalIndex(name: string, { records, call }: Scope): Promise<string> {
  const place = { partition: partitionOf(call.region), home: call.accountId }
  const named = await namedPrincipal(records, name, place)
  return named?.kind === 'bound' ? named.id : name
}

/**
 * A principal of a grant as listings show it: by its present ARN, and by its id once it is deleted; the
 * service for a part of its infrastructure. Source: AWS KMS API Reference, ListGrants.
 */
async function shown(
  records: Records,
  region: Grant['region'],
  name: string | undefined,
  id: string | undefined,
): Promise<string | undefined> {
  if (id === undefined) {
    const service = name && serviceOfInfrastructure(name)
    return service ? regionalServiceName(service, region) : name
  }
  return (await arnOfId(records, id, partitionOf(region))) ?? id
}

/** The grant with its principals as listings show them. */
export async function shownGrant(records: Records, grant: Grant): Promise<Grant> {
  const { region, granteePrincipal, granteeId, retiringPrincipal, retiringId } = grant
  return {
    ...grant,
    granteePrincipal: await shown(records, region, granteePrincipal, granteeId),
    retiringPrincipal: await shown(records, region, retiringPrincipal, retiringId),
  }
}

type Pairs = Readonly<Record<string, string>>

const lowerPairs = (pairs: Pairs): ReadonlyMap<string, string> =>
  new Map(Object.entries(pairs).map(([name, value]) => [name.toLowerCase(), value]))

/** Whether `wider` has all pairs of `narrower`. Names are compared without case, values with it. */
function includes(wider: Pairs, narrower: Pairs): boolean {
  const has = lowerPairs(wider)
  return [...lowerPairs(narrower)].every(([name, value]) => has.get(name) === value)
}

const isSame = (one: Pairs, other: Pairs): boolean => includes(one, other) && includes(other, one)

/** Whether one set of constraints admits nothing that another does not. */
function isAsStrict(child: GrantConstraints, parent: GrantConstraints): boolean {
  const { encryptionContextEquals: exact, encryptionContextSubset: some, sourceArn } = parent
  if (sourceArn !== undefined && child.sourceArn !== sourceArn) return false
  const childExact = child.encryptionContextEquals
  if (exact !== undefined && (childExact === undefined || !isSame(childExact, exact))) return false
  if (some === undefined) return true
  const childPairs = childExact ?? child.encryptionContextSubset
  return childPairs !== undefined && includes(childPairs, some)
}

/**
 * Whether a grant lets its grantee make another: for a part of its operations, under constraints that are at
 * least as strict. Source: AWS KMS Developer Guide, Granting CreateGrant permission.
 */
export const delegates = (
  parent: Grant,
  child: { readonly operations: readonly string[]; readonly constraints: GrantConstraints },
): boolean =>
  child.operations.every((operation) => parent.operations.includes(operation)) &&
  isAsStrict(child.constraints, parent.constraints ?? {})
