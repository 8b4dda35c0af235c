import { unreachable } from '../core/assert.ts'
import type { AllowedWay, Condition, ConditionalStatement, Reach } from '../core/explanations.ts'
import type { Grant } from '../core/tables.ts'
import type { AccessRequest } from './access-request.ts'
import type { KeyAccess } from './decide.ts'
import { CONTEXT_OPERATIONS, granteeOf, namingOf } from './grant-match.ts'
import type { NamedPolicy, PrincipalPolicies } from './policies.ts'
import type { OpenQuestion, OpenResourceVerdict, OpenVerdict, PartialContext } from './residual.ts'
import { judgeOpen, judgeResourceOpen } from './residual.ts'
import { questionOf } from './verdict.ts'

/** A request of which only a part is known. */
export interface OpenRequest extends Omit<AccessRequest, 'context'> {
  readonly context: PartialContext
}

/** What a decision about a key looks at, whatever the request: its encryption context is not known. */
export type OpenAccess = Pick<KeyAccess, 'policy' | 'operation' | 'isCrossAccount' | 'grants'>

/** What a layer must have: one of these statements. Undefined where it has none. */
type Requirement = readonly ConditionalStatement[] | undefined

/** One statement without conditions is enough, and then the others say nothing. */
function anyOf(allows: readonly ConditionalStatement[]): Requirement {
  const certain = allows.find(({ conditions }) => conditions.length === 0)
  if (certain !== undefined) return [certain]
  return allows.length === 0 ? undefined : allows
}

/** What all the policies say that come with a principal, as in `PrincipalSide`. */
interface OpenSide {
  readonly isRoot: boolean
  readonly serviceControl: OpenVerdict | undefined
  readonly identity: OpenVerdict
  readonly boundary: OpenVerdict | undefined
  readonly session: OpenVerdict | undefined
}

function judgeSide(question: OpenQuestion, policies: PrincipalPolicies): OpenSide {
  const judgeIfAny = (some: readonly NamedPolicy[] | undefined) => some && judgeOpen(some, question)
  return {
    isRoot: question.request.principal.type === 'Account',
    serviceControl: judgeIfAny(policies.serviceControl),
    identity: judgeOpen(policies.identity, question),
    boundary: policies.boundary && judgeOpen([policies.boundary], question),
    session: judgeIfAny(policies.session),
  }
}

/** Collects what must be, and knows whether it can be. */
class Requirements {
  readonly #required: (readonly ConditionalStatement[])[] = []
  #isPossible = true

  /** One of these statements must apply. */
  need(allows: readonly ConditionalStatement[]): this {
    const requirement = anyOf(allows)
    if (requirement === undefined) this.#isPossible = false
    else this.#required.push(requirement)
    return this
  }

  /** As `need` where the layer is there: without one nothing is capped. */
  needIfAny(verdict: OpenVerdict | undefined): this {
    return verdict === undefined ? this : this.need(verdict.allows)
  }

  /** Undefined where it cannot be. */
  way(path: AllowedWay['path'], grant?: AllowedWay['grant']): AllowedWay | undefined {
    if (!this.#isPossible) return undefined
    return { path, ...(grant && { grant }), requires: this.#required }
  }
}

const requirements = (side: OpenSide): Requirements =>
  new Requirements().needIfAny(side.serviceControl)

const capped = (needs: Requirements, side: OpenSide): Requirements =>
  needs.needIfAny(side.boundary).needIfAny(side.session)

/** The principal's own policies must allow, but for the root, which needs none. */
const ownPolicies = (needs: Requirements, side: OpenSide): Requirements =>
  capped(side.isRoot ? needs : needs.need(side.identity.allows), side)

const pathOf = (side: OpenSide): AllowedWay['path'] => (side.isRoot ? 'root' : 'identity-policy')

/** Within the account: as `decideWithin`. */
const waysWithin = (side: OpenSide, resource: OpenResourceVerdict) => [
  requirements(side).need(resource.direct).way('resource-policy'),
  capped(requirements(side).need(resource.role), side).way('resource-policy'),
  ownPolicies(requirements(side).need(resource.account), side).way(pathOf(side)),
]

/** Across accounts both sides must allow: as `decideAcross`. */
const waysAcross = (side: OpenSide, { direct, role, account }: OpenResourceVerdict) => [
  ownPolicies(requirements(side).need([...direct, ...role, ...account]), side).way(pathOf(side)),
]

function waysByPolicy(
  { principal, resourceAccount }: OpenRequest,
  side: OpenSide,
  resource: OpenResourceVerdict,
  isCrossAccount: boolean,
): readonly (AllowedWay | undefined)[] {
  if (principal.type === 'Service') {
    return [requirements(side).need(resource.direct).way('resource-policy')]
  }
  if (principal.accountId === resourceAccount) return waysWithin(side, resource)
  return isCrossAccount ? waysAcross(side, resource) : []
}

const pairTexts = (pairs: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(pairs).map(([name, value]) => `${name}=${value}`)

/** What a request must have for the constraints of a grant to hold; undefined where none can. */
function grantConditions(
  { constraints, operations }: Grant,
  operation: string,
  known: PartialContext,
): readonly Condition[] | undefined {
  const { encryptionContextEquals, encryptionContextSubset, sourceArn } = constraints ?? {}
  const conditions: Condition[] = []
  if (sourceArn !== undefined) {
    if (!known.knows('aws:sourcearn')) {
      conditions.push({ operator: 'SourceArn', key: 'aws:SourceArn', values: [sourceArn] })
    } else if (known.get('aws:sourcearn') !== sourceArn) return undefined
  }
  if (CONTEXT_OPERATIONS.has(operation)) {
    const key = 'encryption context'
    if (encryptionContextEquals !== undefined) {
      const values = pairTexts(encryptionContextEquals)
      conditions.push({ operator: 'EncryptionContextEquals', key, values })
    }
    if (encryptionContextSubset !== undefined && Object.keys(encryptionContextSubset).length > 0) {
      const values = pairTexts(encryptionContextSubset)
      conditions.push({ operator: 'EncryptionContextSubset', key, values })
    }
  }
  // A grant lets its grantee give away no more than it has itself.
  if (operation === 'CreateGrant') {
    const key = 'operations and constraints'
    conditions.push({ operator: 'Delegation', key, values: operations })
  }
  return conditions
}

/** The way by one grant, where it names the principal and lists the operation. */
function wayByGrant(
  grant: Grant,
  { principal, context }: OpenRequest,
  side: OpenSide,
  operation: string,
): AllowedWay | undefined {
  const naming = namingOf(granteeOf(grant), principal)
  if (naming === undefined || !grant.operations.includes(operation)) return undefined
  const conditions = grantConditions(grant, operation, context)
  if (conditions === undefined) return undefined
  const { grantId, name, granteePrincipal, granteeServicePrincipal } = grant
  const grantee = granteePrincipal ?? granteeServicePrincipal ?? ''
  const told = { grantId, name, grantee, conditions }
  switch (naming) {
    case 'itself':
      return requirements(side).way('grant', told)
    case 'role':
      return capped(requirements(side), side).way('grant', told)
    case 'account':
      return ownPolicies(requirements(side), side).way('grant', told)
    default:
      return unreachable(naming)
  }
}

/** Whether nothing of a request is left to ask about. */
const isCertain = ({ requires, grant }: AllowedWay): boolean =>
  (grant === undefined || grant.conditions.length === 0) &&
  requires.every((statements) => statements.some(({ conditions }) => conditions.length === 0))

const deniesOf = (verdict: OpenVerdict | undefined): readonly ConditionalStatement[] =>
  verdict?.denies ?? []

/**
 * What a principal may do to a key, by the rules of `decideOnKey`, before there is a request: condition keys
 * that the context knows are evaluated, the others remain as conditions. What is `always` allowed,
 * `decideOnKey` allows for every request that agrees with what is known, and it allows none of what is
 * `never`. A grant token is not asked for.
 */
export function reachOnKey(
  request: OpenRequest,
  policies: PrincipalPolicies,
  access: OpenAccess,
): Reach {
  const question: OpenQuestion = { ...questionOf(request), known: request.context }
  const side = judgeSide(question, policies)
  const resource = judgeResourceOpen(access.policy, question)
  const denies = [
    ...deniesOf(side.serviceControl),
    ...resource.denies,
    ...side.identity.denies,
    ...deniesOf(side.boundary),
    ...deniesOf(side.session),
  ]
  if (denies.some(({ conditions }) => conditions.length === 0)) {
    return { outcome: 'never', ways: [], denies }
  }
  const ways = [
    ...waysByPolicy(request, side, resource, access.isCrossAccount),
    ...access.grants.map((grant) => wayByGrant(grant, request, side, access.operation)),
  ].filter((way) => way !== undefined)
  if (ways.length === 0) return { outcome: 'never', ways, denies }
  const isAlways = denies.length === 0 && ways.some(isCertain)
  return { outcome: isAlways ? 'always' : 'conditional', ways, denies }
}
