import { IntegrityError } from '../core/errors.ts'
import type { IdentityUse } from '../core/identity.ts'
import { IDENTITY_USES } from '../core/identity-tables.ts'
import type { Clock } from '../core/ports.ts'
import type { RecordStore, Records, RecordsTransaction } from '../core/records.ts'

/** How often uses are noted in the store. */
const NOTE_INTERVAL_MS = 30_000
/** Above so many that are not noted they are noted at the next round. Some 200 bytes each. */
const HELD_MAX = 50_000
/** Notes that one transaction writes. */
const NOTES_PER_TRANSACTION = 500
/** Uses are told to the second. */
const SECOND_MS = 1000

export interface IdentityUsesParts {
  readonly records: Pick<RecordStore, 'transaction'>
  /** The time of uses. */
  readonly clock: Clock
  /** Says when notes are due. */
  readonly machine: Clock
}

/**
 * When access keys and roles were last used: exactly, as far as this node saw it, held in memory and noted
 * in the store every half minute. What was not noted when a node is killed is lost.
 */
export class IdentityUses {
  readonly #parts: IdentityUsesParts
  #held = new Map<string, IdentityUse>()
  /** What a batch under way writes. */
  #underway: ReadonlyMap<string, IdentityUse> = new Map()
  #noting: Promise<void> = Promise.resolve()
  #notedAt: number

  constructor(parts: IdentityUsesParts) {
    this.#parts = parts
    this.#notedAt = parts.machine.now()
  }

  /**
   * An access key, or a role by its unique id, was used with a genuine signature, whatever came of the call.
   * On the path of every call.
   */
  record(id: string, service: string, region: string): void {
    const time = this.#parts.clock.now()
    const known = this.#held.get(id)
    if (
      known !== undefined &&
      known.service === service &&
      known.region === region &&
      time - known.time < SECOND_MS
    ) {
      return
    }
    this.#held.set(id, { id, time, service, region })
  }

  /** The last use of an access key or of a role's unique id; undefined where there was none. */
  async lastUse(records: Pick<Records, 'find'>, id: string): Promise<IdentityUse | undefined> {
    // In this order: a use leaves memory only once it is in the store.
    const held = this.#held.get(id) ?? this.#underway.get(id)
    const noted = (await records.find(IDENTITY_USES, [id]))?.record
    return held === undefined || (noted !== undefined && noted.time > held.time) ? noted : held
  }

  /** Notes what is held, when it is time. To be called every second or so. */
  async noteIfDue(): Promise<void> {
    const isDue = this.#parts.machine.now() - this.#notedAt >= NOTE_INTERVAL_MS
    if (isDue || this.#held.size >= HELD_MAX) await this.noteAll()
  }

  /** Notes everything that is held, one batch after the other. */
  noteAll(): Promise<void> {
    const note = this.#noting.then(() => this.#noteNow())
    this.#noting = note.catch(() => undefined)
    return note
  }

  async #noteNow(): Promise<void> {
    const batch = this.#held
    this.#held = new Map()
    this.#underway = batch
    try {
      const uses = [...batch.values()]
      for (let at = 0; at < uses.length; at += NOTES_PER_TRANSACTION) {
        const some = uses.slice(at, at + NOTES_PER_TRANSACTION)
        await this.#parts.records.transaction((tx) => noteUses(tx, some))
      }
    } catch (error) {
      // What came meanwhile is later.
      this.#held = new Map([...batch, ...this.#held])
      throw error
    } finally {
      this.#underway = new Map()
    }
    this.#notedAt = this.#parts.machine.now()
  }
}

/** Writes those uses that are later than what is noted. */
async function noteUses(tx: RecordsTransaction, uses: readonly IdentityUse[]): Promise<void> {
  for (const use of uses) {
    try {
      const present = await tx.find(IDENTITY_USES, [use.id])
      if (present === undefined) await tx.insert(IDENTITY_USES, use)
      else if (present.record.time < use.time) await tx.update(IDENTITY_USES, present, use)
    } catch (error) {
      // A note that was altered is refused to those who ask for it, and keeps no other from being written.
      if (!(error instanceof IntegrityError)) throw error
    }
  }
}
