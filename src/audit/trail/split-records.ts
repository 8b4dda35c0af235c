const START = Buffer.from('{"Records":[')
const END = Buffer.from(']}')

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPENING: ReadonlySet<number> = new Set([0x7b, 0x5b])
const CLOSING: ReadonlySet<number> = new Set([0x7d, 0x5d])

/**
 * The records of a log file, byte for byte as they stand in it; undefined where it is not `{"Records":[…]}` without
 * white space around them. Whether each is JSON is for the caller to see.
 */
export function splitRecords(file: Buffer): Buffer[] | undefined {
  const end = file.length - END.length
  const isFramed =
    end >= START.length &&
    file.subarray(0, START.length).equals(START) &&
    file.subarray(end).equals(END)
  if (!isFramed) return undefined
  const records: Buffer[] = []
  let from = START.length
  if (from === end) return records
  let depth = 0
  for (let at = from; at < end; at += 1) {
    // Bytes of UTF-8 beyond ASCII are above all of these.
    const byte = file[at] ?? 0
    if (byte === QUOTE) {
      at = endOfString(file, at, end)
    } else if (OPENING.has(byte)) {
      depth += 1
    } else if (CLOSING.has(byte)) {
      depth -= 1
      if (depth < 0) return undefined
    } else if (byte === COMMA && depth === 0) {
      records.push(file.subarray(from, at))
      from = at + 1
    }
  }
  records.push(file.subarray(from, end))
  return depth === 0 ? records : undefined
}

/** Where the closing quote stands; `end` where there is none. */
function endOfString(file: Buffer, start: number, end: number): number {
  for (let at = start + 1; at < end; at += 1) {
    const byte = file[at]
    if (byte === BACKSLASH) at += 1
    else if (byte === QUOTE) return at
  }
  return end
}
