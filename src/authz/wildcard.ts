import type { PatternCodes, PatternSpan } from './pattern-codes.ts'
import { ANY_ONE, ANY_RUN, pushPattern } from './pattern-codes.ts'
import { findPattern } from './wildcard-search.ts'

const fits = (code: number | undefined, text: string, position: number): boolean =>
  code === ANY_ONE || code === text.charCodeAt(position)

/**
 * Whether a pattern matches the text from `from` up to `to`. What stands before the first `*` can only be at
 * the beginning, what stands behind the last one only at the end; for all between the first place is
 * right, because a longer run before it cannot help.
 */
export function matchesSpan(pattern: PatternSpan, text: string, from: number, to: number): boolean {
  const { codes } = pattern
  let { start, end } = pattern
  let position = from
  let last = to
  for (; start < end && codes[start] !== ANY_RUN; start++, position++) {
    if (position === last || !fits(codes[start], text, position)) return false
  }
  if (start === end) return position === last
  for (; codes[end - 1] !== ANY_RUN; end--, last--) {
    if (position === last || !fits(codes[end - 1], text, last - 1)) return false
  }
  return matchesBetween({ codes, start, end }, text, position, last)
}

/** The same for a pattern that begins and ends with `*`. */
function matchesBetween(pattern: PatternSpan, text: string, from: number, to: number): boolean {
  const { codes, end } = pattern
  let { start } = pattern
  let position = from
  while (true) {
    while (start < end && codes[start] === ANY_RUN) start++
    if (start === end) return true
    const next = codes.indexOf(ANY_RUN, start)
    const found = findPattern({ codes, start, end: next }, text, position, to)
    if (found === -1) return false
    position = found + next - start
    start = next
  }
}

/** Whether a whole pattern matches a whole text. */
export const matchesCodes = (codes: PatternCodes, text: string): boolean =>
  matchesSpan({ codes, start: 0, end: codes.length }, text, 0, text.length)

/** Whether a text has a wildcard. */
export const hasWildcard = (text: string): boolean => text.includes('*') || text.includes('?')

/** Texts with any run between them, and before and behind: the next one at its first place is always right. */
function compileRuns(pieces: readonly string[]): (text: string) => boolean {
  const first = pieces[0] ?? ''
  const last = pieces.at(-1) ?? ''
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '')
  const lengthMin = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return (text) => {
    if (text.length < lengthMin || !text.startsWith(first) || !text.endsWith(last)) return false
    let position = first.length
    for (const piece of middle) {
      const found = text.indexOf(piece, position)
      if (found === -1) return false
      position = found + piece.length
    }
    return position <= text.length - last.length
  }
}

/** A test for a pattern with the wildcards `*` and `?`; the common forms need no search. */
export function compileWildcard(pattern: string): (text: string) => boolean {
  if (!hasWildcard(pattern)) return (text) => text === pattern
  if (/^\*+$/.test(pattern)) return () => true
  if (!pattern.includes('?')) return compileRuns(pattern.split('*'))
  const codes: number[] = []
  pushPattern(codes, pattern)
  return (text) => matchesCodes(codes, text)
}
