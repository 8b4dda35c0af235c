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

/** Calls `visit` with the place of each member of the object that begins at `at`; returns one past the object. */
function eachMember(
  json: string,
  at: number,
  visit: (name: string, start: number, end: number) => void,
): number {
  if (json.charCodeAt(at) !== OPEN_OBJECT) throw broken()
  let next = at + 1
  if (json.charCodeAt(next) === CLOSE_OBJECT) return next + 1
  for (;;) {
    if (json.charCodeAt(next) !== QUOTE) throw broken()
    const nameEnd = endOfString(json, next)
    if (json.charCodeAt(nameEnd) !== COLON) throw broken()
    const end = endOfValue(json, nameEnd + 1)
    visit(json.slice(next + 1, nameEnd - 1), nameEnd + 1, end)
    const code = json.charCodeAt(end)
    if (code === CLOSE_OBJECT) return end + 1
    if (code !== COMMA) throw broken()
    next = end + 1
  }
}

/** The text of a string; empty for any other value. */
function textAt(json: string, start: number, end: number): string {
  if (json.charCodeAt(start) !== QUOTE) return ''
  // A JSON string of its own, so it gives a string.
  return JSON.parse(json.slice(start, end)) as string
}

function recordAt(json: string, at: number): { record: FrameRecordText; end: number } {
  let accountId = ''
  let region = ''
  let eventTime = ''
  const end = eachMember(json, at, (name, start, stop) => {
    if (name === 'recipientAccountId') accountId = textAt(json, start, stop)
    else if (name === 'awsRegion') region = textAt(json, start, stop)
    else if (name === 'eventTime') eventTime = textAt(json, start, stop)
  })
  return { record: { text: json.slice(at, end), accountId, region, eventTime }, end }
}

/**
 * The CloudTrail records of a frame. Texts are cut out, not parsed and written again: that would reorder members that
 * look like numbers and spell escapes anew.
 * @throws {IntegrityError} for what `FrameWriter` cannot have written
 */
export function recordsOf(frame: string): readonly FrameRecordText[] {
  // Most frames without a record say so at their end.
  if (frame.endsWith('"records":[]}')) return []
  const records: FrameRecordText[] = []
  eachMember(frame, 0, (name, start) => {
    if (name !== 'records') return
    if (frame.charCodeAt(start) !== OPEN_LIST) throw broken()
    for (let next = start + 1; frame.charCodeAt(next) !== CLOSE_LIST; ) {
      const { record, end } = recordAt(frame, next)
      records.push(record)
      next = frame.charCodeAt(end) === COMMA ? end + 1 : end
    }
  })
  return records
}
