import { ConflictError } from '../../core/errors.ts'
import type { Instant } from '../../core/ids.ts'
import type { RecordsTransaction, Stored } from '../../core/records.ts'
import type { Table } from '../../core/tables.ts'
import type { ServiceEvent } from '../../pipeline/operation.ts'
import type { DeletionParts } from './keys/key-deletion.ts'

/** How many records one round looks at. */
const RECORDS_PER_ROUND = 100

/** What timed work needs. */
export type TimedWorkParts = DeletionParts

/** What a piece of timed work may touch, inside its transaction. */
export interface TimedScope {
  readonly tx: RecordsTransaction
  recordEvent(event: ServiceEvent): Promise<void>
  readonly call: { readonly time: Instant }
}

/**
 * Does something that no call asked for in one transaction, with the records of what it does; settles once
 * they are in the log. @throws {ConflictError} when somebody was faster
 */
export async function commitRecorded(
  parts: TimedWorkParts,
  time: Instant,
  work: (scope: TimedScope) => Promise<void>,
): Promise<void> {
  const frames = await parts.records.transaction(async (tx) => {
    const made: { readonly outboxId: number; readonly frame: string }[] = []
    const recordEvent = async (event: ServiceEvent): Promise<void> => {
      const frame = frameOf(parts, event, time)
      made.push({ frame, outboxId: await tx.addOutbox(frame) })
    }
    await work({ tx, recordEvent, call: { time } })
    return made
  })
  await parts.trail.recordAllCommitted(frames)
}

/**
 * Does a piece of timed work, as `commitRecorded`. The work looks again at what it found due: another node
 * may have been faster, and is then left to it.
 */
export async function doTimedWork(
  parts: TimedWorkParts,
  time: Instant,
  work: (scope: TimedScope) => Promise<void>,
): Promise<void> {
  try {
    await commitRecorded(parts, time, work)
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error
    parts.log.info({}, 'another node does this timed work')
  }
}

const frameOf = (parts: TimedWorkParts, event: ServiceEvent, time: Instant): string =>
  parts.frames.serviceEvent({
    eventId: parts.random.uuid(),
    time,
    accountId: event.accountId,
    region: event.region,
    eventSource: 'kms.amazonaws.com',
    eventName: event.name,
    resources: event.resources,
    serviceEventDetailsJson: event.details && JSON.stringify(event.details),
    ownCall: event.responseElements && {
      requestId: parts.random.uuid(),
      responseElementsJson: JSON.stringify(event.responseElements),
    },
  })

/** Records that have become due, as an index over dates gives them. */
export interface Due<R> {
  readonly table: Table<R>
  readonly index: string
  /** The date that the index has of a record. */
  dateOf(record: R): Instant | undefined
}

/**
 * Does some work for every record that is due, one after the other. What fails does not keep the rest
 * from being done; the first failure is thrown in the end.
 * @returns how many were found due
 */
export async function workThrough<R>(
  { records }: TimedWorkParts,
  { table, index, dateOf }: Due<R>,
  time: Instant,
  work: (record: R) => Promise<void>,
): Promise<number> {
  const failures: unknown[] = []
  let found = 0
  let last: Stored<R> | undefined
  do {
    const date = last && dateOf(last.record)
    const after = last && date !== undefined ? [date, ...table.keyOf(last.record)] : undefined
    const query = { index, equals: [], upTo: time, limit: RECORDS_PER_ROUND }
    const due = await records.page(table, after === undefined ? query : { ...query, after })
    for (const { record } of due) {
      await work(record).catch((error: unknown) => void failures.push(error))
    }
    found += due.length
    last = due.length < RECORDS_PER_ROUND ? undefined : due.at(-1)
  } while (last !== undefined)
  if (failures.length > 0) throw failures[0]
  return found
}
