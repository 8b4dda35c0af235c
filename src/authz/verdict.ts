import type { AccessRequest } from './access-request.ts'
import { ResourceName } from './arn-pattern.ts'
import type { CompiledStatement } from './compiled-policy.ts'
import type { Ground } from './decision.ts'
import type { NamedPolicy } from './policies.ts'
import { REACH } from './principal-matcher.ts'

/** A request as statements are asked about it. */
export interface Question {
  readonly request: AccessRequest
  /** In lower case. */
  readonly action: string
  /** Absent for trust policies, whose statements name no resources. */
  readonly resource: ResourceName | undefined
}

/** What the policies of one layer say: a Deny, or the first statement that allows, or nothing. */
export interface Verdict {
  readonly deny?: Ground | undefined
  readonly allow?: Ground | undefined
}

/** What the policy of a resource says. */
export interface ResourceVerdict {
  readonly deny?: Ground | undefined
  /** The first statement that allows, by how it reaches the principal. */
  readonly direct?: Ground | undefined
  readonly role?: Ground | undefined
  readonly account?: Ground | undefined
}

export const questionOf = (request: AccessRequest): Question => ({
  request,
  action: request.action.toLowerCase(),
  resource: new ResourceName(request.resourceArn),
})

/** How a decision names a statement. */
export const groundOf = ({ layer, name }: NamedPolicy, statement: CompiledStatement): Ground => ({
  layer,
  policy: name,
  statement: statement.index,
  sid: statement.sid,
  effect: statement.effect,
})

/** Whether a statement that speaks of the action also speaks of the resource, under its conditions. */
function applies(statement: CompiledStatement, { request, resource }: Question): boolean {
  const { resources, condition } = statement
  const { context } = request
  if (resource !== undefined && !(resources?.(resource, context) ?? false)) return false
  return condition === undefined || condition(context)
}

/** Policies of a principal. A Deny anywhere wins over every Allow. */
export function judge(policies: readonly NamedPolicy[], question: Question): Verdict {
  let allow: Ground | undefined
  for (const named of policies) {
    for (const statement of named.policy.statementsFor(question.action)) {
      if (statement.effect === 'Allow' && allow !== undefined) continue
      if (!applies(statement, question)) continue
      const ground = groundOf(named, statement)
      if (statement.effect === 'Deny') return { deny: ground }
      allow = ground
    }
  }
  return { allow }
}

/** The policy of a resource. */
export function judgeResource(named: NamedPolicy, question: Question): ResourceVerdict {
  let direct: Ground | undefined
  let role: Ground | undefined
  let account: Ground | undefined
  for (const statement of named.policy.statementsFor(question.action)) {
    const reach = statement.principals?.(question.request.principal) ?? REACH.none
    if (reach === REACH.none || !applies(statement, question)) continue
    const ground = groundOf(named, statement)
    if (statement.effect === 'Deny') return { deny: ground }
    if ((reach & REACH.direct) !== 0) direct ??= ground
    if ((reach & REACH.role) !== 0) role ??= ground
    if ((reach & REACH.account) !== 0) account ??= ground
  }
  return { direct, role, account }
}
