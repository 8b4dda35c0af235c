import type { ConditionContext } from './access-request.ts'
import type { PatternCodes } from './pattern-codes.ts'
import { pushLiteral, pushPattern } from './pattern-codes.ts'

/** A piece of a text: as written, with wildcards where they are; literally; or what a variable stands for. */
type Piece =
  | { readonly kind: 'written' | 'literal'; readonly text: string }
  | { readonly kind: 'variable'; readonly key: string; readonly fallback: string | undefined }

/** A text of a policy whose variables have yet to be filled in. */
export interface Template {
  readonly pieces: readonly Piece[]
  /** Lower-case names of its variables. */
  readonly keys: readonly string[]
}

/** What a name cannot contain: what ends it, and what begins something else. */
const NAME_END = /[{}$*?,']/g
const ESCAPED = new Set(['*', '?', '$'])

interface Found {
  readonly piece: Piece
  /** The position behind it. */
  readonly end: number
}

/** `${*}`, `${?}` or `${$}`; or a name, and behind a comma a default in quotation marks. */
function parseVariable(text: string, start: number): Found | undefined {
  const inside = start + 2
  const escaped = text.charAt(inside)
  if (ESCAPED.has(escaped) && text.charAt(inside + 1) === '}') {
    return { piece: { kind: 'literal', text: escaped }, end: inside + 2 }
  }
  NAME_END.lastIndex = inside
  const nameEnd = NAME_END.exec(text)?.index ?? text.length
  const key = text.slice(inside, nameEnd).trim().toLowerCase()
  if (key === '') return undefined
  const ends = text.charAt(nameEnd)
  if (ends === '}')
    return { piece: { kind: 'variable', key, fallback: undefined }, end: nameEnd + 1 }
  if (ends !== ',') return undefined
  const quote = skipSpaces(text, nameEnd + 1)
  if (text.charAt(quote) !== "'") return undefined
  const closing = text.indexOf("'", quote + 1)
  const brace = skipSpaces(text, closing + 1)
  if (closing === -1 || text.charAt(brace) !== '}') return undefined
  const fallback = text.slice(quote + 1, closing)
  return { piece: { kind: 'variable', key, fallback }, end: brace + 1 }
}

function skipSpaces(text: string, from: number): number {
  let at = from
  while (text.charAt(at) === ' ') at++
  return at
}

/** The variables of a text; nothing is one in policies of version 2008-10-17. */
export function parseTemplate(text: string, hasVariables: boolean): Template {
  const pieces: Piece[] = []
  let written = 0
  let at = hasVariables ? text.indexOf('${') : -1
  while (at !== -1) {
    const found = parseVariable(text, at)
    if (found !== undefined) {
      if (at > written) pieces.push({ kind: 'written', text: text.slice(written, at) })
      pieces.push(found.piece)
      written = found.end
    }
    at = text.indexOf('${', found?.end ?? at + 2)
  }
  if (written < text.length) pieces.push({ kind: 'written', text: text.slice(written) })
  return { pieces, keys: pieces.flatMap((piece) => (piece.kind === 'variable' ? [piece.key] : [])) }
}

/** Only a single value can be filled in; a key of several values is like one that the request has not. */
function valueOf(piece: Piece, context: ConditionContext): string | undefined {
  if (piece.kind !== 'variable') return piece.text
  const value = context.get(piece.key)
  if (value === undefined) return piece.fallback
  return typeof value === 'string' ? value : undefined
}

/**
 * Whether the text with its variables filled in is the given one; false where one has no value and no
 * default. Stops where more is filled in than fits, so that no policy makes texts of any length.
 */
export function fillsTo({ pieces }: Template, text: string, context: ConditionContext): boolean {
  let position = 0
  for (const piece of pieces) {
    const value = valueOf(piece, context)
    if (value === undefined || !text.startsWith(value, position)) return false
    position += value.length
  }
  return position === text.length
}

/**
 * The pattern with its variables filled in, or undefined where one has no value and no default. What is
 * filled in is literal: a user named `*` gets no more than what is named so. Undefined, too, where more is
 * filled in than a text of `lengthMax` characters can match.
 */
export function fillPattern(
  { pieces }: Template,
  context: ConditionContext,
  lengthMax: number,
): PatternCodes | undefined {
  const codes: number[] = []
  let filled = 0
  for (const piece of pieces) {
    const value = valueOf(piece, context)
    if (value === undefined) return undefined
    if (piece.kind === 'written') {
      pushPattern(codes, value)
      continue
    }
    filled += value.length
    if (filled > lengthMax) return undefined
    pushLiteral(codes, value)
  }
  return codes
}
