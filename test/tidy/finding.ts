/** A file of the repository, read once. */
export interface RepositoryFile {
  /** From the root of the repository, with slashes. */
  readonly path: string
  readonly text: string
}

/** A rule that a file breaks. */
export interface Finding {
  readonly path: string
  /** From 1; absent where the whole file is meant. */
  readonly line?: number
  readonly rule: string
}

/** `src/core/key.ts:12: the rule` */
export const describeFinding = (finding: Finding): string =>
  `${finding.path}${finding.line === undefined ? '' : `:${finding.line}`}: ${finding.rule}`

/** From 1. */
export const lineOf = (text: string, index: number): number => {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < index; at = text.indexOf('\n', at + 1))
    line += 1
  return line
}

/** One finding for each match of a global pattern in `text`. */
export function findMatches(path: string, text: string, pattern: RegExp, rule: string): Finding[] {
  return [...text.matchAll(pattern)].map((match) => ({
    path,
    line: lineOf(text, match.index),
    rule,
  }))
}
