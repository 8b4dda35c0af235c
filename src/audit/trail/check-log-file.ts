import { hash } from 'node:crypto'
import { isJsonObject } from '../../core/strict-json.ts'
import { gunzipPlain } from './gunzip.ts'
import { merkleRoot } from './merkle.ts'
import { splitRecords } from './split-records.ts'
import type { DigestLogFile, TrailPlace } from './trail-format.ts'

/** A log file against what its digest says of it. */
export interface CheckedLogFile {
  readonly records: number
  /** Sentences without a subject; the first ones say most. */
  readonly problems: readonly string[]
}

const PROBLEMS_MAX = 10

/**
 * Checks every byte of a log file, and that its records belong into it.
 * @param eventIds the ids that were met in the same digest before; those of this file are added
 */
export function checkLogFile(
  stored: Buffer,
  entry: DigestLogFile,
  place: TrailPlace,
  eventIds: Set<string>,
): CheckedLogFile {
  const content = gunzipPlain(stored)
  if (content === undefined) {
    return { records: 0, problems: ['was altered: it is no whole gzip file any more'] }
  }
  if (hash('sha256', content) !== entry.hashValue) {
    // Not looked at any further: what it says now is nobody's word, and may be made to be too much to look at.
    const altered = 'was altered: its hash is not the one that its digest names'
    return { records: 0, problems: [altered] }
  }
  const problems: string[] = []
  if (hash('sha256', stored) !== entry.gzipHash) {
    problems.push('was altered in its compressed bytes; its content is what its digest names')
  }
  const records = splitRecords(content)
  if (records === undefined) {
    return { records: 0, problems: [...problems, 'is no CloudTrail log file'] }
  }
  // An altered file is told once.
  if (problems.length === 0) {
    problems.push(
      ...countProblems(records, entry),
      ...recordProblems(records, entry, place, eventIds),
    )
  }
  return { records: records.length, problems: problems.slice(0, PROBLEMS_MAX) }
}

function countProblems(records: readonly Buffer[], entry: DigestLogFile): string[] {
  const problems: string[] = []
  if (records.length !== entry.recordCount) {
    problems.push(`has ${records.length} records, its digest says ${entry.recordCount}`)
  }
  if (merkleRoot(records) !== entry.merkleRoot) {
    problems.push('has another Merkle root than its digest says')
  }
  return problems
}

function recordProblems(
  records: readonly Buffer[],
  entry: DigestLogFile,
  { accountId, region }: TrailPlace,
  eventIds: Set<string>,
): string[] {
  const problems: string[] = []
  let oldest = '9'
  let newest = ''
  for (const [index, text] of records.entries()) {
    const record = parseRecord(text)
    const bad = (what: string): void => void problems.push(`record ${index + 1} ${what}`)
    if (record === undefined) {
      bad('is no CloudTrail record')
      continue
    }
    const { recipientAccountId, awsRegion, eventTime, eventID } = record
    if (recipientAccountId !== accountId) bad('belongs to another account')
    if (awsRegion !== region) bad('belongs to another Region')
    if (eventIds.has(eventID)) bad(`is event ${eventID}, which stands in the trail already`)
    eventIds.add(eventID)
    if (eventTime < oldest) oldest = eventTime
    if (eventTime > newest) newest = eventTime
  }
  if (problems.length === 0 && oldest !== entry.oldestEventTime) {
    problems.push(`begins at ${oldest}, its digest says ${entry.oldestEventTime}`)
  }
  if (problems.length === 0 && newest !== entry.newestEventTime) {
    problems.push(`ends at ${newest}, its digest says ${entry.newestEventTime}`)
  }
  return problems
}

/** The members of a record that say where it belongs. */
export interface RecordPlace {
  readonly eventID: string
  readonly eventTime: string
  readonly awsRegion: string
  readonly recipientAccountId: string
}

/** Undefined for what is no CloudTrail record. */
export function parseRecord(text: Buffer): RecordPlace | undefined {
  const record = parseJson(text)
  if (!isJsonObject(record)) return undefined
  const { eventID, eventTime, awsRegion, recipientAccountId } = record
  const isRecord =
    typeof eventID === 'string' &&
    typeof eventTime === 'string' &&
    typeof awsRegion === 'string' &&
    typeof recipientAccountId === 'string'
  return isRecord ? { eventID, eventTime, awsRegion, recipientAccountId } : undefined
}

function parseJson(text: Buffer): unknown {
  try {
    const value: unknown = JSON.parse(text.toString())
    return value
  } catch {
    return undefined
  }
}
