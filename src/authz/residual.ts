import type { Condition, ConditionalStatement } from '../core/explanations.ts'
import type { ConditionContext } from './access-request.ts'
import type { CompiledStatement } from './compiled-policy.ts'
import type { NamedPolicy } from './policies.ts'
import { REACH } from './principal-matcher.ts'
import { groundOf, type Question } from './verdict.ts'

/** The condition keys of a request that is not there yet: some are known, of the others nothing is. */
export interface PartialContext extends ConditionContext {
  /** Whether `get` tells what every such request has for a key, by its lower-case name. */
  knows(key: string): boolean
}

/** A question about every request that agrees with what is known. */
export interface OpenQuestion extends Question {
  readonly known: PartialContext
}

/** What the policies of one layer say to some requests. */
export interface OpenVerdict {
  readonly denies: readonly ConditionalStatement[]
  readonly allows: readonly ConditionalStatement[]
}

/**
 * What remains to be asked of a request for a statement to apply: nothing in an empty list; undefined where
 * it applies to none.
 */
function residueOf(
  { resources, resourceTexts, clauses }: CompiledStatement,
  { known, resource }: OpenQuestion,
): readonly Condition[] | undefined {
  const residue: Condition[] = []
  if (resource !== undefined) {
    if (resources === undefined || resourceTexts === undefined) return undefined
    const { element, texts, reads } = resourceTexts
    const isCertain = texts.every((text) => text === '*') || reads.every((key) => known.knows(key))
    if (isCertain && !resources(resource, known)) return undefined
    // A text with variables: the pattern is the condition.
    if (!isCertain) residue.push({ operator: element, key: element, values: texts })
  }
  for (const { operator, key, values, holds, reads } of clauses) {
    if (!reads.every((name) => known.knows(name))) residue.push({ operator, key, values })
    else if (!holds(known)) return undefined
  }
  return residue
}

/** A statement that may apply, with what remains to be asked. */
function openStatement(
  named: NamedPolicy,
  statement: CompiledStatement,
  question: OpenQuestion,
): ConditionalStatement | undefined {
  const conditions = residueOf(statement, question)
  return conditions && { statement: groundOf(named, statement), conditions }
}

/** Policies of a principal, asked as by `judge`. */
export function judgeOpen(policies: readonly NamedPolicy[], question: OpenQuestion): OpenVerdict {
  const denies: ConditionalStatement[] = []
  const allows: ConditionalStatement[] = []
  for (const named of policies) {
    for (const statement of named.policy.statementsFor(question.action)) {
      const open = openStatement(named, statement, question)
      if (open === undefined) continue
      if (statement.effect === 'Deny') denies.push(open)
      else allows.push(open)
    }
  }
  return { denies, allows }
}

/** The policy of a resource, asked as by `judgeResource`: its allows by how they reach the principal. */
export interface OpenResourceVerdict {
  readonly denies: readonly ConditionalStatement[]
  readonly direct: readonly ConditionalStatement[]
  readonly role: readonly ConditionalStatement[]
  readonly account: readonly ConditionalStatement[]
}

/** @param question whose principal is certain: a statement reaches it or does not */
export function judgeResourceOpen(named: NamedPolicy, question: OpenQuestion): OpenResourceVerdict {
  const denies: ConditionalStatement[] = []
  const direct: ConditionalStatement[] = []
  const role: ConditionalStatement[] = []
  const account: ConditionalStatement[] = []
  for (const statement of named.policy.statementsFor(question.action)) {
    const reach = statement.principals?.(question.request.principal) ?? REACH.none
    const open = reach === REACH.none ? undefined : openStatement(named, statement, question)
    if (open === undefined) continue
    if (statement.effect === 'Deny') denies.push(open)
    else {
      if ((reach & REACH.direct) !== 0) direct.push(open)
      if ((reach & REACH.role) !== 0) role.push(open)
      if ((reach & REACH.account) !== 0) account.push(open)
    }
  }
  return { denies, direct, role, account }
}
