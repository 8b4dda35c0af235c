import type { ConditionContext } from './access-request.ts'
import type { PatternCodes } from './pattern-codes.ts'
import { pushPattern } from './pattern-codes.ts'
import type { Template } from './policy-variables.ts'
import { fillPattern, parseTemplate } from './policy-variables.ts'
import { compileWildcard, matchesCodes, matchesSpan } from './wildcard.ts'

/** `arn:partition:service:region:account:resource`; the resource may have colons of its own. */
export const ARN_PARTS = 6
const COLON = 0x3a

/** A test of a text; it may ask the request for the value of a variable. */
export type TextTest = (text: string, context: ConditionContext) => boolean

/**
 * Whether a pattern matches an ARN, part by part: a wildcard in one of the first five does not reach
 * over a colon. False where either has fewer than six parts.
 */
export function matchesArn(codes: PatternCodes, arn: string): boolean {
  let start = 0
  let from = 0
  for (let part = 1; part < ARN_PARTS; part++) {
    const end = codes.indexOf(COLON, start)
    const to = arn.indexOf(':', from)
    if (end === -1 || to === -1 || !matchesSpan({ codes, start, end }, arn, from, to)) return false
    start = end + 1
    from = to + 1
  }
  return matchesSpan({ codes, start, end: codes.length }, arn, from, arn.length)
}

/** A pattern of ARNs as the operators ArnLike and ArnEquals take it. `*` alone matches everything. */
export function compileArnTemplate(template: Template): TextTest {
  const [only, ...others] = template.pieces
  if (others.length > 0 || only?.kind !== 'written') {
    return (text, context) => {
      const codes = fillPattern(template, context, text.length)
      return codes !== undefined && matchesArn(codes, text)
    }
  }
  if (/^\*+$/.test(only.text)) return () => true
  const codes: number[] = []
  pushPattern(codes, only.text)
  return (text) => matchesArn(codes, text)
}

/** A resource that a request is about, taken apart once for all statements, and only where one asks. */
export class ResourceName {
  readonly #arn: string
  #parts: readonly string[] | undefined

  constructor(arn: string) {
    this.#arn = arn
  }

  /** Six, or none of a text that is no ARN, such as `*`. */
  get parts(): readonly string[] {
    this.#parts ??= partsOf(this.#arn)
    return this.#parts
  }
}

function partsOf(arn: string): readonly string[] {
  const parts = arn.split(':')
  if (parts.length < ARN_PARTS) return []
  return [...parts.slice(0, ARN_PARTS - 1), parts.slice(ARN_PARTS - 1).join(':')]
}

/** A test of a resource; it may ask the request for the value of a variable. */
export type ResourceTest = (name: ResourceName, context: ConditionContext) => boolean

/** A pattern of resources, and the lower-case names of the variables in it. */
export interface ResourcePattern {
  readonly test: ResourceTest
  readonly keys: readonly string[]
}

const ALL = /^\*+$/

/**
 * An element of Resource or NotResource. Variables stand in its last part alone; missing parts are
 * completed with `*`. A variable without a value makes it match nothing.
 * Source: IAM User Guide, JSON policy elements: Resource.
 */
export function compileResource(pattern: string, hasVariables: boolean): ResourcePattern {
  if (ALL.test(pattern)) return { test: () => true, keys: [] }
  const parts = pattern.split(':')
  while (parts.length < ARN_PARTS) parts.push('*')
  const last = parts.splice(ARN_PARTS - 1).join(':')
  const tests = parts.flatMap((part, index) =>
    ALL.test(part) ? [] : [{ index, test: compileWildcard(part) }],
  )
  const template = parseTemplate(last, hasVariables)
  const matchesLast = compileLastPart(template, last)
  const test: ResourceTest = (name, context) => {
    const resource = name.parts[ARN_PARTS - 1]
    if (resource === undefined || !matchesLast(resource, context)) return false
    for (const part of tests) if (!part.test(name.parts[part.index] ?? '')) return false
    return true
  }
  return { test, keys: template.keys }
}

function compileLastPart(template: Template, written: string): TextTest {
  if (template.pieces.every((piece) => piece.kind === 'written')) return compileWildcard(written)
  return (text, context) => {
    const codes = fillPattern(template, context, text.length)
    return codes !== undefined && matchesCodes(codes, text)
  }
}
