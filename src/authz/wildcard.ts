/** Stands for `*` among the codes of a pattern. */
export const ANY_RUN = -1
/** Stands for `?` among the codes of a pattern: exactly one character. */
export const ANY_ONE = -2

const ASTERISK = 0x2a
const QUESTION_MARK = 0x3f

/** A pattern, code by code: UTF-16 codes that stand for themselves, `ANY_RUN` and `ANY_ONE`. */
export type PatternCodes = readonly number[]

/** Appends the codes of a text in which `*` and `?` are wildcards. */
export function pushPattern(codes: number[], pattern: string): void {
  for (let at = 0; at < pattern.length; at++) {
    const code = pattern.charCodeAt(at)
    codes.push(code === ASTERISK ? ANY_RUN : code === QUESTION_MARK ? ANY_ONE : code)
  }
}

/** Appends the codes of a text in which nothing is a wildcard. */
export function pushLiteral(codes: number[], text: string): void {
  for (let at = 0; at < text.length; at++) codes.push(text.charCodeAt(at))
}

/** Part of a pattern: its codes from `start` up to `end`. */
export interface PatternSpan {
  readonly codes: PatternCodes
  readonly start: number
  readonly end: number
}

/**
 * Whether a pattern matches the text from `from` up to `to`. On a mismatch it goes back to the last `*`
 * alone, because a longer run for an earlier one cannot help: the time is at most the product of both
 * lengths, whatever the number of wildcards.
 */
export function matchesSpan(pattern: PatternSpan, text: string, from: number, to: number): boolean {
  const { codes, end } = pattern
  let at = pattern.start
  let position = from
  let afterRun = -1
  let retryFrom = from
  while (position < to) {
    const code = at < end ? codes[at] : undefined
    if (code === ANY_RUN) {
      afterRun = ++at
      retryFrom = position
    } else if (code === ANY_ONE || code === text.charCodeAt(position)) {
      at++
      position++
    } else if (afterRun !== -1) {
      at = afterRun
      position = ++retryFrom
    } else return false
    // A pattern that ends in a run matches whatever is left.
    if (at === end && afterRun === end) return true
  }
  while (at < end && codes[at] === ANY_RUN) at++
  return at === end
}

/** Whether a whole pattern matches a whole text. */
export const matchesCodes = (codes: PatternCodes, text: string): boolean =>
  matchesSpan({ codes, start: 0, end: codes.length }, text, 0, text.length)

/** Whether a text has a wildcard. */
export const hasWildcard = (text: string): boolean => text.includes('*') || text.includes('?')

/** A test for a pattern with the wildcards `*` and `?`; the common forms need no search. */
export function compileWildcard(pattern: string): (text: string) => boolean {
  if (!hasWildcard(pattern)) return (text) => text === pattern
  if (/^\*+$/.test(pattern)) return () => true
  const prefix = pattern.slice(0, -1)
  if (pattern.endsWith('*') && !hasWildcard(prefix)) return (text) => text.startsWith(prefix)
  const codes: number[] = []
  pushPattern(codes, pattern)
  return (text) => matchesCodes(codes, text)
}
