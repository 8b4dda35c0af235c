import { setTimeout as delay } from 'node:timers/promises'
import { factsOf, matches } from '../../audit/event-index/event-facts.ts'
import { followLog, type LogMark } from '../../audit/segments/follow-log.ts'
import { segmentNumbers } from '../../audit/segments/segment-catalog.ts'
import type { SegmentFiles } from '../../audit/segments/segment-files.ts'
import { SEGMENT_HEADER_BYTES } from '../../audit/segments/segment-format.ts'
import { recordsOf } from '../../audit/trail/frame-records.ts'
import type { EventReader } from '../../cli/program.ts'
import type { EventFilter, FoundEvent } from '../../core/audit-search.ts'
import { isJsonObject } from '../../core/strict-json.ts'

/** How often the log is looked at for what is new. */
const PAUSE_MS = 250

export interface FollowEventsOptions {
  readonly filter: EventFilter
  readonly to: EventReader
  /** Ends it. */
  readonly signal: AbortSignal
}

/** Hands over the events that are written from now on, read from the log itself, whoever writes it. */
export async function followEvents(
  files: SegmentFiles,
  { filter, to, signal }: FollowEventsOptions,
): Promise<void> {
  let mark = await endOf(files)
  await to.begins(mark?.sequence ?? 0)
  while (!signal.aborted) {
    for await (const batch of followLog(files, { after: mark, onDamage: () => undefined })) {
      mark = batch.mark
      for (const { sequence, text } of batch.frames) {
        for (const event of eventsOf(text, sequence, filter)) await to.write(event)
      }
      if (signal.aborted) return
    }
    // Rejects when it is to end, which the loop sees by itself.
    await delay(PAUSE_MS, undefined, { signal }).catch(() => undefined)
  }
}

/** Where the log ends now: only its newest segment is read. */
async function endOf(files: SegmentFiles): Promise<LogMark | undefined> {
  const segment = (await segmentNumbers(files)).at(-1)
  if (segment === undefined) return undefined
  const start = { sequence: 0, batches: 0, chain: '', outboxHigh: 0 }
  let mark: LogMark = { ...start, segment, offset: SEGMENT_HEADER_BYTES }
  for await (const batch of followLog(files, { after: mark, onDamage: () => undefined })) {
    mark = batch.mark
  }
  return mark
}

function eventsOf(frame: string, sequence: number, filter: EventFilter): readonly FoundEvent[] {
  const texts = recordsOf(frame)
  if (texts.length === 0) return []
  const parsed: unknown = JSON.parse(frame)
  const internal =
    isJsonObject(parsed) && isJsonObject(parsed['internal']) ? parsed['internal'] : {}
  return texts.flatMap(({ text }, record) => {
    const facts = factsOf(JSON.parse(text), internal['time'])
    return matches(facts, filter) ? [{ sequence, record, time: facts.time, text }] : []
  })
}
