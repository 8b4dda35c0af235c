/** A thing of the service with a value: a right that is `held` or `gone`, a description. */
export interface Cell {
  readonly register: string
  readonly value: string
}

/** One call, as the client that made it saw it. All times are of one clock, in milliseconds. */
export interface HistoryEntry {
  /** For people: who, what, where. */
  readonly call: string
  /** Before the first byte was sent. */
  readonly startMs: number
  /** After the last byte of the answer came, or when the client gave up. */
  readonly endMs: number
  /** `unknown`: no answer, or one that says that the service failed. It may have happened, or happen later. */
  readonly outcome: 'done' | 'refused' | 'unknown'
  /** What it sets, if it happens. */
  readonly writes?: readonly Cell[]
  /** What its answer shows: each of these was so at some moment of the call. */
  readonly shows?: readonly Cell[]
  /** … and at least one of these. */
  readonly showsOneOf?: readonly Cell[]
  /** What the answer was, where it can never be right. */
  readonly unexpected?: string
  /** The id that the service gave it, where it must be in the audit log. */
  readonly recordedAs?: string
}

/** What must not have happened, in words. */
export interface Violation {
  readonly kind: 'stale' | 'unexpected' | 'audit'
  readonly what: string
}

interface WriteSpan {
  readonly value: string
  readonly startMs: number
  /** Infinity where nobody knows when it happens. */
  readonly endMs: number
  readonly isDone: boolean
}

/**
 * Whether every answer can be explained: each value that an answer shows was written by a call that had
 * begun before the answer came, and not replaced by one that began afterwards and had returned before
 * the answer was asked for. So no right is used that was taken away before, and reads follow writes,
 * whichever nodes they went to.
 */
export function checkHistory(history: readonly HistoryEntry[]): readonly Violation[] {
  const spans = spansOf(history)
  return history.flatMap((entry): readonly Violation[] => {
    if (entry.unexpected !== undefined) {
      return [{ kind: 'unexpected', what: `${entry.call}: ${entry.unexpected}` }]
    }
    const isPossible = ({ register, value }: Cell): boolean =>
      possibleValues(spans.get(register) ?? [], entry).has(value)
    const wrong = (entry.shows ?? []).filter((cell) => !isPossible(cell))
    const choice = entry.showsOneOf ?? []
    if (!choice.some(isPossible)) wrong.push(...choice.slice(0, 1))
    return wrong.map((cell) => ({ kind: 'stale', what: describe(entry, cell) }))
  })
}

/** @param records how often each request id stands in the logs of all nodes */
export function checkRecords(
  history: readonly HistoryEntry[],
  records: ReadonlyMap<string, number>,
): readonly Violation[] {
  const missing = history.flatMap(({ call, recordedAs }): readonly Violation[] =>
    recordedAs === undefined || records.has(recordedAs)
      ? []
      : [{ kind: 'audit', what: `${call}: answered, and in no audit log (${recordedAs})` }],
  )
  const repeated = [...records].flatMap(([id, times]): readonly Violation[] =>
    times === 1 ? [] : [{ kind: 'audit', what: `${id} is in the audit logs ${times} times` }],
  )
  return [...missing, ...repeated]
}

function spansOf(history: readonly HistoryEntry[]): ReadonlyMap<string, readonly WriteSpan[]> {
  const spans = new Map<string, WriteSpan[]>()
  for (const { writes = [], outcome, startMs, endMs } of history) {
    // A refusal says that nothing was done.
    if (outcome === 'refused') continue
    const isDone = outcome === 'done'
    for (const { register, value } of writes) {
      const list = spans.get(register) ?? []
      list.push({ value, startMs, endMs: isDone ? endMs : Infinity, isDone })
      spans.set(register, list)
    }
  }
  return spans
}

/** The values that a register may have had at a moment of the call. */
function possibleValues(
  writes: readonly WriteSpan[],
  { startMs, endMs }: HistoryEntry,
): ReadonlySet<string> {
  // Whatever had returned before this began has been replaced.
  let replacedUntilMs = -Infinity
  for (const write of writes) {
    if (write.isDone && write.endMs < startMs) {
      replacedUntilMs = Math.max(replacedUntilMs, write.startMs)
    }
  }
  return new Set(
    writes
      .filter((write) => write.startMs < endMs && write.endMs >= replacedUntilMs)
      .map(({ value }) => value),
  )
}

const describe = ({ call, startMs, endMs }: HistoryEntry, { register, value }: Cell): string =>
  `${call} from ${startMs.toFixed(1)} to ${endMs.toFixed(1)} saw ${register} = ${value}`
