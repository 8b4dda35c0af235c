import type { CallFacts } from '../../../audit/event.ts'
import { parseArn } from '../../../core/arn.ts'
import { IntegrityError } from '../../../core/errors.ts'
import { type Instant, instant, parseKeyId } from '../../../core/ids.ts'
import type { Clock } from '../../../core/ports.ts'
import type { RecordStore, Records, RecordsTransaction } from '../../../core/records.ts'
import { KEY_USAGE_NOTES, KEYS } from '../../../core/tables.ts'
import type { KeyLastUsageTrackingOperation } from '../model.ts'
import type { ResolvedKey } from './key-resolver.ts'
import { USES_OF_KEYS } from './uses-of-keys.ts'

/** How often uses are noted in the store. */
const NOTE_INTERVAL_MS = 30_000
/** Keys with uses that are not noted: above this they are noted at the next round. About 300 bytes each. */
const HELD_MAX = 50_000
/** Notes that one transaction writes. */
const NOTES_PER_TRANSACTION = 500

const EVENT_SOURCE = 'kms.amazonaws.com'

/** One successful use of a key. */
export interface KeyUse {
  readonly operation: string
  readonly time: Instant
  /** Of the audit record. */
  readonly eventId: string
  readonly requestId: string
}

/** The audit log behind the notes: what it holds beyond its mark is not sure to be noted. */
export interface UsageJournal {
  /** Of the newest frame that is durable. */
  sequence(): number
  /** The sequence up to which every use is noted; 0 where none is. */
  readMark(): Promise<number>
  /** Durable once resolved. */
  writeMark(sequence: number): Promise<void>
  /** The texts of the frames behind a sequence, oldest first. */
  framesBehind(sequence: number): AsyncIterable<string>
}

export interface KeyUsageParts {
  readonly records: Pick<RecordStore, 'transaction'>
  /** Says when notes are due. */
  readonly clock: Clock
  /** Absent where nothing outlives the process. */
  readonly journal?: UsageJournal | undefined
}

/**
 * The last successful use of every key, exactly: held in memory as calls succeed, noted in the store in
 * batches, and after a crash found again in the audit log behind the last batch. Uses are held by the
 * ARN of their key, and only until they are noted.
 */
export class KeyUsage {
  readonly #parts: KeyUsageParts
  #held = new Map<string, KeyUse>()
  /** What a batch under way writes. */
  #underway: ReadonlyMap<string, KeyUse> = new Map()
  #noting: Promise<void> = Promise.resolve()
  #notedAt: number
  /** How far the log was a round ago: the uses of all frames up to there are held or noted. */
  #settled = 0
  #marked = 0

  constructor(parts: KeyUsageParts) {
    this.#parts = parts
    this.#notedAt = parts.clock.now()
  }

  /** Takes note of a successful call whose record is durable. On the path of every call. */
  readonly record = (call: CallFacts): void => {
    if (call.eventSource !== EVENT_SOURCE || !USES_OF_KEYS.has(call.eventName)) return
    const { time, requestId, eventName: operation } = call
    for (const { arn, accountId } of call.resources) {
      this.#hold(arn, { operation, time, requestId, eventId: eventIdFor(accountId, call) })
    }
  }

  /** The last use of a key, by any call whose record was durable when this was asked. */
  async lastUse(
    records: Pick<Records, 'find'>,
    { key, arn }: ResolvedKey,
  ): Promise<KeyUse | undefined> {
    // In this order: a use leaves memory only once it is in the store.
    const held = this.#held.get(arn) ?? this.#underway.get(arn)
    const noted = (await records.find(KEY_USAGE_NOTES, [key.region, key.keyId]))?.record
    const last = held === undefined || (noted && noted.time > held.time) ? noted : held
    // A replica that was deleted and made again has its ARN again, and none of its uses.
    return last === undefined || last.time < key.createdAt ? undefined : last
  }

  /** Notes what is held, when it is time. To be called every second or so. */
  async noteIfDue(): Promise<void> {
    const settled = this.#settled
    this.#settled = this.#parts.journal?.sequence() ?? 0
    const isDue = this.#parts.clock.now() - this.#notedAt >= NOTE_INTERVAL_MS
    if (isDue || this.#held.size >= HELD_MAX) await this.#note(settled)
  }

  /** Notes everything that is held. For the end, when no call is under way. */
  noteAll(): Promise<void> {
    return this.#note(this.#settled)
  }

  /** Finds the uses that the log has and the store may not have. Before the first call is served. */
  async rebuild(): Promise<void> {
    const { journal } = this.#parts
    if (journal === undefined) return
    this.#settled = journal.sequence()
    const mark = await journal.readMark()
    // A mark beyond the end is that of a log which was lost.
    this.#marked = mark <= this.#settled ? mark : 0
    for await (const text of journal.framesBehind(this.#marked)) {
      this.#recordFrame(text)
      if (this.#held.size >= HELD_MAX) await this.#note(this.#marked)
    }
    await this.#note(this.#settled)
  }

  #hold(arn: string, use: KeyUse): void {
    const known = this.#held.get(arn)
    if (known === undefined || known.time <= use.time) this.#held.set(arn, use)
  }

  #recordFrame(text: string): void {
    // What can be told without parsing: most frames of a busy log are of no use here.
    if (!text.startsWith('{"kind":"call"') || !text.includes('"outcome":"ok"')) return
    for (const [arn, use] of usesOfFrame(JSON.parse(text))) this.#hold(arn, use)
  }

  /** One batch after the other. @param mark the sequence up to which all uses are noted then */
  #note(mark: number): Promise<void> {
    const note = this.#noting.then(() => this.#noteNow(mark))
    this.#noting = note.catch(() => undefined)
    return note
  }

  async #noteNow(mark: number): Promise<void> {
    const { records, clock, journal } = this.#parts
    const batch = this.#held
    this.#held = new Map()
    this.#underway = batch
    try {
      for (const uses of parted([...batch], NOTES_PER_TRANSACTION)) {
        await records.transaction((tx) => noteUses(tx, uses))
      }
    } catch (error) {
      for (const [arn, use] of batch) this.#hold(arn, use)
      throw error
    } finally {
      this.#underway = new Map()
    }
    if (journal !== undefined && mark > this.#marked) {
      await journal.writeMark(mark)
      this.#marked = mark
    }
    this.#notedAt = clock.now()
  }
}

type Uses = readonly (readonly [arn: string, use: KeyUse])[]

function* parted(uses: Uses, size: number): Iterable<Uses> {
  for (let at = 0; at < uses.length; at += size) yield uses.slice(at, at + size)
}

/** Writes those uses that are later than what is noted. */
async function noteUses(tx: RecordsTransaction, uses: Uses): Promise<void> {
  for (const [arn, use] of uses) {
    try {
      await noteUse(tx, arn, use)
    } catch (error) {
      // One row that was altered must not keep the uses of all other keys from being noted, nor the node from
      // starting. It is no secret either: every call that needs the key fails, and tells why.
      if (!(error instanceof IntegrityError)) throw error
    }
  }
}

/** A key that is gone leaves no note. @throws IntegrityError where its row was altered */
async function noteUse(tx: RecordsTransaction, arn: string, use: KeyUse): Promise<void> {
  const parsed = parseArn(arn)
  const keyId = parsed && parseKeyId(parsed.resource.slice('key/'.length))
  if (parsed === undefined || keyId === undefined) return
  const key = await tx.find(KEYS, [parsed.region, keyId])
  if (key === undefined) return
  const note = { region: key.record.region, keyId, ...use }
  const present = await tx.find(KEY_USAGE_NOTES, [note.region, keyId])
  if (present === undefined) await tx.insert(KEY_USAGE_NOTES, note)
  else if (present.record.time <= use.time && present.record.eventId !== use.eventId) {
    await tx.update(KEY_USAGE_NOTES, present, note)
  }
}

const membersOf = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  // Any object has members, each of them unknown.
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined

/** The record of a call that an account has: its own copy, where the key is not the caller's. */
const eventIdFor = (accountId: string, { eventId, shared }: CallFacts): string =>
  shared?.copies.find((copy) => copy.accountId === accountId)?.eventId ?? eventId

/** The keys that a frame's call used, each once, with the record that the key's owner has of it. */
function* usesOfFrame(frame: unknown): Iterable<readonly [arn: string, use: KeyUse]> {
  const { internal, records } = membersOf(frame) ?? {}
  const { time, outcome } = membersOf(internal) ?? {}
  if (outcome !== 'ok' || typeof time !== 'number' || !Array.isArray(records)) return
  // The caller's record has all keys; those behind it repeat what is of one account.
  const [callers, ...others] = records.map((record) => membersOf(record) ?? {})
  const { eventSource, eventName, eventID, requestID, resources } = callers ?? {}
  const operation = typeof eventName === 'string' ? USES_OF_KEYS.get(eventName) : undefined
  if (eventSource !== EVENT_SOURCE || operation === undefined || !Array.isArray(resources)) return
  if (typeof eventID !== 'string' || typeof requestID !== 'string') return
  for (const resource of resources) {
    const { ARN: arn, accountId } = membersOf(resource) ?? {}
    const own = others.find(({ recipientAccountId }) => recipientAccountId === accountId)?.[
      'eventID'
    ]
    const eventId = typeof own === 'string' ? own : eventID
    if (typeof arn !== 'string') continue
    yield [arn, { operation, time: instant(time), eventId, requestId: requestID }]
  }
}

/** A noted operation as the service model spells it. */
export const trackedOperation = (operation: string): KeyLastUsageTrackingOperation | undefined =>
  USES_OF_KEYS.get(operation)
