/** How deep lists and objects may nest. The deepest input of any service model has five levels. */
export const JSON_DEPTH_MAX = 32

const COLON = 0x3a
const BACKSLASH = 0x5c
const LIST_START = 0x5b
const LIST_END = 0x5d
const OBJECT_START = 0x7b
const OBJECT_END = 0x7d

/** Why a text was refused. Without a problem in words it is no JSON at all. */
class Refused extends Error {
  readonly problem: string | undefined

  constructor(problem?: string) {
    super(problem)
    this.problem = problem
  }
}

const refuse = (problem?: string): never => {
  throw new Refused(problem)
}

/** The value of a text, or what is wrong with it: nothing in words where it is no JSON at all. */
export type StrictJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: string | undefined }

/**
 * Parses an untrusted JSON text, more strictly than `JSON.parse`: two programs that read the same
 * text must not see two different documents. Refused are escapes of lone surrogates, two members of
 * one name however they are spelled, `__proto__` members, and nesting deeper than `JSON_DEPTH_MAX`.
 */
export function parseStrictJson(text: string): StrictJson {
  try {
    return { ok: true, value: parse(text) }
  } catch (error) {
    if (error instanceof Refused) return { ok: false, problem: error.problem }
    throw error
  }
}

function parse(text: string): unknown {
  const separators = countMemberSeparators(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    refuse()
  }
  // JSON.parse keeps one member of each name, so any that was repeated is missing from the count.
  if (countMembers(value) !== separators) refuse('Duplicate member found where not expected')
  // Only these texts can hold what needs the slow look: `\\u` also spells names that `includes` misses.
  if (text.includes('\\u') || text.includes('__proto__')) assertPlainText(value)
  return value
}

/**
 * The number of colons outside strings, which in well-formed text is the number of members. It jumps
 * from quote to quote, so it looks at few characters itself. Ill-formed text gives any number.
 * @throws {Refused} when the text nests too deep, before it is parsed.
 */
const countMemberSeparators = (text: string): number => {
  let count = 0
  let depth = 0
  let position = 0
  while (position < text.length) {
    const quote = text.indexOf('"', position)
    const end = quote === -1 ? text.length : quote
    for (; position < end; position++) {
      const code = text.charCodeAt(position)
      if (code === COLON) count++
      else if (code === OBJECT_START || code === LIST_START) {
        if (++depth > JSON_DEPTH_MAX) refuse('The request is nested too deeply')
      } else if (code === OBJECT_END || code === LIST_END) depth--
    }
    if (quote !== -1) position = endOfString(text, quote)
  }
  return count
}

/** The position behind the string that starts at `quote`, or the end of a text that does not close it. */
const endOfString = (text: string, quote: number): number => {
  let end = text.indexOf('"', quote + 1)
  while (end !== -1) {
    if (text.charCodeAt(end - 1) !== BACKSLASH) return end + 1
    let slashes = 1
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++
    // An even run of backslashes escapes only itself. The opening quote ends every run.
    if (slashes % 2 === 0) return end + 1
    end = text.indexOf('"', end + 1)
  }
  return text.length
}

const countMembers = (value: unknown): number => {
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) count += countMembers(item)
  } else if (isJsonObject(value)) {
    // What JSON.parse makes has no inherited enumerable names, and for-in allocates nothing.
    for (const name in value) {
      const member = value[name]
      count += typeof member === 'object' && member !== null ? 1 + countMembers(member) : 1
    }
  }
  return count
}

/** Whether a parsed value is an object, not a list. */
export const isJsonObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** @throws {Refused} for a lone surrogate or a `__proto__` member anywhere. */
const assertPlainText = (value: unknown): void => {
  if (typeof value === 'string' && !value.isWellFormed()) refuse('Ill-formed Unicode text')
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) {
    if (name === '__proto__') refuse('Member name is not allowed: __proto__')
    if (!name.isWellFormed()) refuse('Ill-formed Unicode text')
    assertPlainText(member)
  }
}
