import { IntegrityError } from '../../core/errors.ts'

/** A record of a frame, as far as the trail has to know it. */
export interface FrameRecordText {
  /** The JSON text as it stands in the frame, byte for byte. */
  readonly text: string
  readonly accountId: string
  readonly region: string
  /** ISO 8601, whole seconds. */
  readonly eventTime: string
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_LIST = 0x5b
const BACKSLASH = 0x5c
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

const broken = (): IntegrityError => new IntegrityError('a frame of the audit log is not JSON')

/** One past the string that begins at `at`. */
function endOfString(json: string, at: number): number {
  for (let quote = json.indexOf('"', at + 1); quote !== -1; quote = json.indexOf('"', quote + 1)) {
    let before = quote
    while (json.charCodeAt(before - 1) === BACKSLASH) before -= 1
    if ((quote - before) % 2 === 0) return quote + 1
  }
  throw broken()
}

/** One past the value that begins at `at`. What the log holds is JSON without white space; it is not checked again. */
function endOfValue(json: string, at: number): number {
  const first = json.charCodeAt(at)
  if (first === QUOTE) return endOfString(json, at)
  if (first !== OPEN_OBJECT && first !== OPEN_LIST) {
    for (let end = at; end < json.length; end += 1) {
      const code = json.charCodeAt(end)
      if (code === COMMA || code === CLOSE_OBJECT || code === CLOSE_LIST) return end
    }
    throw broken()
  }
  let depth = 0
  for (let next = at; next < json.length; next += 1) {
    const code = json.charCodeAt(next)
    if (code === QUOTE) next = endOfString(json, next) - 1
    else if (code === OPEN_OBJECT || code === OPEN_LIST) depth += 1
    else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      depth -= 1
      if (depth === 0) return next + 1
    }
  }
  throw broken()
}

/** A place of a member in the text. */
interface Member {
  readonly start: number
  readonly nameEnd: number
}

/** The member that begins at `at`, up to its value. */
function memberAt(json: string, at: number): Member {
  if (json.charCodeAt(at) !== QUOTE) throw broken()
  const nameEnd = endOfString(json, at)
  if (json.charCodeAt(nameEnd) !== COLON) throw broken()
  return { start: at, nameEnd }
}

const isNamed = (json: string, { start, nameEnd }: Member, quoted: string): boolean =>
  nameEnd - start === quoted.length && json.startsWith(quoted, start)

/** Where the next member begins behind a value that ends at `end`; undefined at the end of the object. */
function nextMember(json: string, end: number): number | undefined {
  const code = json.charCodeAt(end)
  if (code === COMMA) return end + 1
  if (code === CLOSE_OBJECT) return undefined
  throw broken()
}

/** The text of a string; empty for any other value. */
function textAt(json: string, start: number, end: number): string {
  if (json.charCodeAt(start) !== QUOTE) return ''
  const text = json.slice(start + 1, end - 1)
  // A JSON string of its own, so it gives a string.
  return text.includes('\\') ? (JSON.parse(json.slice(start, end)) as string) : text
}

/** The record that begins at `at`, and one past it. */
function recordAt(json: string, at: number): { record: FrameRecordText; end: number } {
  if (json.charCodeAt(at) !== OPEN_OBJECT) throw broken()
  let accountId = ''
  let region = ''
  let eventTime = ''
  let end = at + 1
  for (let next: number | undefined = end; next !== undefined; next = nextMember(json, end)) {
    const member = memberAt(json, next)
    const start = member.nameEnd + 1
    end = endOfValue(json, start)
    if (isNamed(json, member, '"recipientAccountId"')) accountId = textAt(json, start, end)
    else if (isNamed(json, member, '"awsRegion"')) region = textAt(json, start, end)
    else if (isNamed(json, member, '"eventTime"')) eventTime = textAt(json, start, end)
  }
  end += 1
  return { record: { text: json.slice(at, end), accountId, region, eventTime }, end }
}

/** Adds the records of the list that begins at `at`; returns one past it. */
function readRecords(json: string, at: number, records: FrameRecordText[]): number {
  if (json.charCodeAt(at) !== OPEN_LIST) throw broken()
  let next = at + 1
  while (json.charCodeAt(next) !== CLOSE_LIST) {
    const { record, end } = recordAt(json, next)
    records.push(record)
    next = json.charCodeAt(end) === COMMA ? end + 1 : end
  }
  return next + 1
}

/**
 * The CloudTrail records of a frame. Texts are cut out, not parsed and written again: that would reorder members that
 * look like numbers and spell escapes anew.
 * @throws {IntegrityError} for what `FrameWriter` cannot have written
 */
export function recordsOf(frame: string): readonly FrameRecordText[] {
  // Most frames without a record say so at their end.
  if (frame.endsWith('"records":[]}')) return []
  if (frame.charCodeAt(0) !== OPEN_OBJECT) throw broken()
  const records: FrameRecordText[] = []
  for (let next: number | undefined = 1; next !== undefined; ) {
    const member = memberAt(frame, next)
    const start = member.nameEnd + 1
    const end = isNamed(frame, member, '"records"')
      ? readRecords(frame, start, records)
      : endOfValue(frame, start)
    next = nextMember(frame, end)
  }
  return records
}
