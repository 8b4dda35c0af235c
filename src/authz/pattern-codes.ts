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
