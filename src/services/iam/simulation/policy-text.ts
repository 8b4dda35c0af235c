import { isJsonObject, parseStrictJson } from '../../../core/strict-json.ts'

/** A place in a text, as simulations tell it. */
export interface TextPosition {
  /** From 1. */
  readonly Line: number
  /** Characters in front of it. */
  readonly Column: number
}

/** Where a statement stands in the text of its policy. */
export interface StatementSpan {
  readonly StartPosition: TextPosition
  readonly EndPosition: TextPosition
}

function positionAt(text: string, offset: number): TextPosition {
  const before = text.slice(0, offset).split('\n')
  return { Line: before.length, Column: before.at(-1)?.length ?? 0 }
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]]/g

/**
 * The statements of a well-formed policy, in their order: its only objects that are in nothing but the
 * policy itself and perhaps a list.
 */
export function statementSpans(text: string): readonly StatementSpan[] {
  const spans: StatementSpan[] = []
  const open: { readonly bracket: string; readonly at: number }[] = []
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') open.push({ bracket: token, at: index })
    if (token !== '}' && token !== ']') continue
    const start = open.pop()
    const outer = open.map(({ bracket }) => bracket).join('')
    if (start === undefined || token === ']' || (outer !== '{' && outer !== '{[')) continue
    spans.push({
      StartPosition: positionAt(text, start.at),
      EndPosition: positionAt(text, index + 1),
    })
  }
  return spans
}

/** `${aws:username}`, with or without a default. The escapes `${*}`, `${?}` and `${$}` name no key. */
const VARIABLE = /\$\{\s*([A-Za-z0-9][^,}]*?)\s*(?:,[^}]*)?\}/g

function collectVariables(value: unknown, add: (key: string) => void): void {
  if (typeof value === 'string') {
    for (const [, key] of value.matchAll(VARIABLE)) if (key !== undefined) add(key)
  } else if (Array.isArray(value)) {
    for (const item of value) collectVariables(item, add)
  } else if (isJsonObject(value)) {
    for (const item of Object.values(value)) collectVariables(item, add)
  }
}

function collectConditionKeys(condition: unknown, add: (key: string) => void): void {
  if (!isJsonObject(condition)) return
  for (const keys of Object.values(condition)) {
    if (isJsonObject(keys)) for (const key of Object.keys(keys)) add(key)
  }
}

/**
 * The condition keys and variables that well-formed policies read, as they are written there; of
 * spellings that differ in case alone the first.
 */
export function contextKeysOf(texts: readonly string[]): readonly string[] {
  const found = new Map<string, string>()
  const add = (key: string): void => {
    if (!found.has(key.toLowerCase())) found.set(key.toLowerCase(), key)
  }
  for (const text of texts) {
    const parsed = parseStrictJson(text)
    if (!parsed.ok || !isJsonObject(parsed.value)) continue
    const { Statement: given, Version: version } = parsed.value
    for (const statement of Array.isArray(given) ? given : [given]) {
      if (!isJsonObject(statement)) continue
      collectConditionKeys(statement['Condition'], add)
      // Older policies have no variables.
      if (version !== '2012-10-17') continue
      collectVariables([statement['Resource'], statement['NotResource']], add)
      collectVariables(statement['Condition'], add)
    }
  }
  return [...found.values()]
}
