import type { AccessRequest, ConditionValue } from '../../../authz/access-request.ts'
import { ResourceName } from '../../../authz/arn-pattern.ts'
import {
  type CompiledPolicy,
  type CompiledStatement,
  compilePolicy,
} from '../../../authz/compiled-policy.ts'
import { REACH } from '../../../authz/principal-matcher.ts'
import type { AccountId } from '../../../core/ids.ts'
import type { Principal } from '../../../core/principal.ts'
import type { ContextEntry, EvaluationResult, Statement } from '../model.ts'
import { invalidInput } from '../refusals.ts'
import type { PolicySource } from './policy-sources.ts'
import { contextKeysOf, type StatementSpan, statementSpans } from './policy-text.ts'

interface CompiledSource {
  readonly source: PolicySource
  readonly policy: CompiledPolicy
  readonly spans: readonly StatementSpan[]
}

const compileSource = (source: PolicySource): CompiledSource => ({
  source,
  policy: compilePolicy(source.text),
  spans: statementSpans(source.text),
})

/** What a simulation decides by. */
export interface SimulatedPolicies {
  readonly identity: readonly PolicySource[]
  /** Empty where there is no boundary. */
  readonly boundary: readonly PolicySource[]
  /** Empty where the account has none. */
  readonly control: readonly PolicySource[]
  /** Empty where none is given. */
  readonly resource: readonly PolicySource[]
}

export interface SimulationSubject {
  readonly principal: Principal
  readonly resourceAccount: AccountId
  readonly context: ReadonlyMap<string, ConditionValue>
}

/** The condition keys that a request gives. @throws ServiceError InvalidInputException for one that comes twice */
export function contextOf(
  entries: readonly ContextEntry[] | undefined,
): ReadonlyMap<string, ConditionValue> {
  const context = new Map<string, ConditionValue>()
  for (const entry of entries ?? []) {
    const { ContextKeyName: name = '', ContextKeyValues: values = [] } = entry
    const key = name.toLowerCase()
    if (context.has(key)) throw invalidInput(`Duplicate context key: ${name}`)
    const isList = entry.ContextKeyType?.endsWith('List') === true || values.length > 1
    const [only] = values
    if (isList) context.set(key, values)
    else if (only !== undefined) context.set(key, only)
  }
  return context
}

/** A statement that speaks of a request. */
interface Hit {
  readonly from: CompiledSource
  readonly statement: CompiledStatement
  /** How a statement of the resource's policy reaches the principal. */
  readonly reach: number
}

/** Every statement that speaks of a request, not only the first that decides. */
function hitsOf(sources: readonly CompiledSource[], request: AccessRequest): readonly Hit[] {
  const { principal, resourceArn, context } = request
  const resource = new ResourceName(resourceArn)
  const hits: Hit[] = []
  for (const from of sources) {
    for (const statement of from.policy.statementsFor(request.action.toLowerCase())) {
      const reach = statement.principals?.(principal) ?? REACH.direct
      if (reach === REACH.none || statement.resources?.(resource, context) !== true) continue
      if (statement.condition?.(context) ?? true) hits.push({ from, statement, reach })
    }
  }
  return hits
}

const allows = (hits: readonly Hit[]): readonly Hit[] =>
  hits.filter(({ statement }) => statement.effect === 'Allow')

const denies = (hits: readonly Hit[]): readonly Hit[] =>
  hits.filter(({ statement }) => statement.effect === 'Deny')

const shownHit = ({ from: { source, spans }, statement }: Hit): Statement => ({
  SourcePolicyId: source.id,
  SourcePolicyType: source.type,
  ...spans[statement.index],
})

interface Layers {
  readonly identity: readonly Hit[]
  readonly boundary: readonly Hit[] | undefined
  readonly control: readonly Hit[] | undefined
  readonly resource: readonly Hit[]
}

const permits = (layer: readonly Hit[] | undefined): boolean =>
  layer === undefined || allows(layer).length > 0

/** Whether what is not denied is allowed. Source: IAM User Guide, Policy evaluation logic. */
function isAllowed({ identity, boundary, control, resource }: Layers, isForeign: boolean): boolean {
  if (!permits(control)) return false
  const byIdentity = allows(identity).length > 0 && permits(boundary)
  const opened = allows(resource)
  if (isForeign) return byIdentity && opened.length > 0
  const isDirect = opened.some(({ reach }) => (reach & REACH.direct) !== 0)
  const isRole = opened.some(({ reach }) => (reach & REACH.role) !== 0)
  return byIdentity || isDirect || (isRole && permits(boundary))
}

function decide(
  layers: Layers,
  isForeign: boolean,
): Pick<EvaluationResult, 'EvalDecision' | 'MatchedStatements'> {
  const { identity, boundary = [], control = [], resource } = layers
  const denying = denies([...control, ...resource, ...identity, ...boundary])
  if (denying.length > 0) {
    return { EvalDecision: 'explicitDeny', MatchedStatements: denying.map(shownHit) }
  }
  const matched = allows([...identity, ...resource]).map(shownHit)
  const decision = isAllowed(layers, isForeign) ? 'allowed' : 'implicitDeny'
  return { EvalDecision: decision, MatchedStatements: matched }
}

const isPermitted = (layer: readonly Hit[]): boolean =>
  allows(layer).length > 0 && denies(layer).length === 0

/** Tells what policies would decide, without a call being made. */
export class Simulator {
  readonly #subject: SimulationSubject
  readonly #compiled: Readonly<Record<keyof SimulatedPolicies, readonly CompiledSource[]>>
  readonly #missing: readonly string[]

  constructor(policies: SimulatedPolicies, subject: SimulationSubject) {
    const { identity, boundary, control, resource } = policies
    this.#subject = subject
    this.#compiled = {
      identity: identity.map(compileSource),
      boundary: boundary.map(compileSource),
      control: control.map(compileSource),
      resource: resource.map(compileSource),
    }
    const texts = [...identity, ...boundary, ...control, ...resource].map(({ text }) => text)
    this.#missing = contextKeysOf(texts).filter((key) => !subject.context.has(key.toLowerCase()))
  }

  evaluate(action: string, resourceArn: string): EvaluationResult {
    const { principal, resourceAccount, context } = this.#subject
    const request = { action, principal, resourceArn, resourceAccount, context }
    const { identity, boundary, control, resource } = this.#compiled
    const layers = {
      identity: hitsOf(identity, request),
      boundary: boundary.length === 0 ? undefined : hitsOf(boundary, request),
      control: control.length === 0 ? undefined : hitsOf(control, request),
      resource: hitsOf(resource, request),
    }
    return {
      EvalActionName: action,
      EvalResourceName: resourceArn,
      ...decide(layers, principal.accountId !== resourceAccount),
      MissingContextValues: this.#missing,
      ...(layers.control && {
        OrganizationsDecisionDetail: { AllowedByOrganizations: isPermitted(layers.control) },
      }),
      ...(layers.boundary && {
        PermissionsBoundaryDecisionDetail: {
          AllowedByPermissionsBoundary: isPermitted(layers.boundary),
        },
      }),
    }
  }
}
