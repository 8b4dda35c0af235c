import type { ConditionContext } from './access-request.ts'
import type { Template } from './policy-variables.ts'
import { fillPattern, parseTemplate } from './policy-variables.ts'
import type { PatternCodes } from './wildcard.ts'
import { compileWildcard, matchesSpan, pushPattern } from './wildcard.ts'

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
      const codes = fillPattern(template, context)
      return codes !== undefined && matchesArn(codes, text)
    }
  }
  if (/^\*+$/.test(only.text)) return () => true
  const codes: number[] = []
  pushPattern(codes, only.text)
  return (text) => matchesArn(codes, text)
}

/** A pattern of resources, and the lower-case names of the variables in it. */
export interface ResourcePattern {
  readonly test: TextTest
  readonly keys: readonly string[]
}

/**
 * An element of Resource or NotResource. Variables stand in its last part alone; missing parts are
 * completed with `*`. A variable without a value makes it match nothing.
 * Source: IAM User Guide, JSON policy elements: Resource.
 */
export function compileResource(pattern: string, hasVariables: boolean): ResourcePattern {
  if (/^\*+$/.test(pattern)) return { test: () => true, keys: [] }
  const parts = pattern.split(':')
  while (parts.length < ARN_PARTS) parts.push('*')
  const head = parts.slice(0, ARN_PARTS - 1).map(compileWildcard)
  const matchesHead = (text: string): number => {
    let from = 0
    for (const test of head) {
      const to = text.indexOf(':', from)
      if (to === -1 || !test(text.slice(from, to))) return -1
      from = to + 1
    }
    return from
  }
  const last = parts.slice(ARN_PARTS - 1).join(':')
  const template = parseTemplate(last, hasVariables)
  if (template.pieces.every((piece) => piece.kind === 'written')) {
    if (!/[*?]/.test(pattern) && parts.join(':') === pattern) {
      return { test: (text) => text === pattern, keys: [] }
    }
    const matchesLast = compileWildcard(last)
    const test: TextTest = (text) => {
      const from = matchesHead(text)
      return from !== -1 && matchesLast(text.slice(from))
    }
    return { test, keys: [] }
  }
  const test: TextTest = (text, context) => {
    const from = matchesHead(text)
    if (from === -1) return false
    const codes = fillPattern(template, context)
    const span = codes && { codes, start: 0, end: codes.length }
    return span !== undefined && matchesSpan(span, text, from, text.length)
  }
  return { test, keys: template.keys }
}
