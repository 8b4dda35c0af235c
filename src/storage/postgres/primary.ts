import type pg from 'pg'
import { sqlStateOf } from './postgres-error.ts'

/** How long, once a server has been found that takes writes, the others may take to say that they do, too. */
const OTHERS_MS = 300

/** What a server says of the data that it has. Databases other than PostgreSQL say nothing. */
export interface ServerIdentity {
  /** Drawn when the data was made; copies that follow it by replication have the same. */
  readonly system: string | undefined
  /** Grows whenever a standby is made the primary. */
  readonly timeline: number | undefined
}

/** SQLSTATEs by which other databases, and services that keep it to themselves, refuse a function of PostgreSQL's. */
const SAYS_NOTHING: ReadonlySet<string> = new Set(['42883', '0A000', '42501', '42P01', '42704'])
/** What can be asked of a primary alone was asked of a standby that turns into one. */
const IN_RECOVERY = '55000'
/** Hexadecimal, the first part of the name of a file of the write-ahead log. Source: PostgreSQL documentation, WAL internals. */
const TIMELINE_DIGITS = 8

/**
 * Asks a server who it is.
 * @throws where it cannot be written to
 */
export async function identityOf(client: pg.ClientBase): Promise<ServerIdentity> {
  const { rows } = await client.query<{ transaction_read_only: string }>(
    'SHOW transaction_read_only',
  )
  // As any error of a connection: another server may be asked, or this one again.
  if (rows[0]?.transaction_read_only === 'on') {
    throw new Error('the database takes no writes: it is a standby, or read-only')
  }
  try {
    const said = await client.query<{ system: string; wal: string }>(
      'SELECT system_identifier::text AS system, pg_walfile_name(pg_current_wal_lsn()) AS wal FROM pg_control_system()',
    )
    const [row] = said.rows
    const timeline = Number.parseInt(row?.wal.slice(0, TIMELINE_DIGITS) ?? '', 16)
    return { system: row?.system, timeline: Number.isNaN(timeline) ? undefined : timeline }
  } catch (error) {
    const state = sqlStateOf(error) ?? ''
    if (state === IN_RECOVERY) throw new Error('it is about to be promoted', { cause: error })
    if (!SAYS_NOTHING.has(state)) throw error
    return { system: undefined, timeline: undefined }
  }
}

/** What has been seen of the database's servers: a primary that another one has followed is not gone back to. */
export class Succession {
  #newest: ServerIdentity = { system: undefined, timeline: undefined }
  /** Grows whenever another server, or one after a promotion, is taken for the primary. */
  generation = 0
  #place: string | undefined

  /** Where the server is that is taken for the primary. */
  get place(): string | undefined {
    return this.#place
  }

  /** Takes a server for the primary. @throws where it has other data, or was the primary before */
  accept(server: Pick<OpenServer, 'place' | 'identity'>): void {
    if (this.isPrimary(server)) return
    const { system, timeline } = this.#newest
    const { place, identity } = server
    this.#place = place
    this.#newest = { system: identity.system ?? system, timeline: identity.timeline ?? timeline }
    this.generation++
  }

  /** @returns false for one that comes after it @throws as `accept` */
  isPrimary({ place, identity }: Pick<OpenServer, 'place' | 'identity'>): boolean {
    const { system, timeline } = this.#newest
    if (system !== undefined && identity.system !== undefined && identity.system !== system) {
      throw new Error(
        `it holds another database than before (system identifier ${identity.system}, not ${system})`,
      )
    }
    if (isOlder(identity.timeline, timeline)) {
      throw new Error(
        `it was the primary until another one took over (timeline ${identity.timeline}, and ${timeline} has been seen), and must not be written to`,
      )
    }
    return place === this.#place && identity.timeline === timeline
  }
}

const isOlder = (one: number | undefined, other: number | undefined): boolean =>
  one !== undefined && other !== undefined && one < other

/** A server that takes writes, as it was opened. */
export interface OpenServer {
  readonly place: string
  readonly identity: ServerIdentity
  close(): Promise<void>
}

/**
 * Of the servers that take writes the one that was made the primary last: an earlier one may have been
 * cut off from the others and know nothing of it. Those that answer late are not waited for.
 * @param attempts one for each place; rejects for a server that cannot be written to
 * @param present where the primary is until now: it stays there where others are as good
 * @throws where none can be written to
 */
export async function choosePrimary<T extends OpenServer>(
  attempts: readonly Promise<T>[],
  places: readonly string[],
  present: string | undefined,
): Promise<T> {
  const found = await answersOf(attempts)
  let best = found.find(({ place }) => place === present) ?? found[0]
  for (const one of found) {
    if (isOlder(best?.identity.timeline, one.identity.timeline)) best = one
  }
  for (const one of found) if (one !== best) void one.close()
  if (best !== undefined) return best
  const reasons = await Promise.allSettled(attempts)
  if (reasons.length === 1) throw reasonOf(reasons[0])
  const told = reasons.map((reason, at) => `${places[at]}: ${reasonOf(reason).message}`)
  throw new Error(`no server takes writes: ${told.join('; ')}`, { cause: reasonOf(reasons[0]) })
}

/** Those that took writes, in the order of the attempts. Who comes later is closed. */
async function answersOf<T extends OpenServer>(
  attempts: readonly Promise<T>[],
): Promise<readonly T[]> {
  const found = new Map<number, T>()
  let isOver = false
  await new Promise<void>((resolve) => {
    let waiting = attempts.length
    let timer: NodeJS.Timeout | undefined
    const answered = (): void => {
      if (--waiting > 0) return
      clearTimeout(timer)
      resolve()
    }
    for (const [at, attempt] of attempts.entries()) {
      attempt.then(
        (one) => {
          if (isOver) {
            void one.close()
            return
          }
          found.set(at, one)
          timer ??= setTimeout(resolve, OTHERS_MS)
          answered()
        },
        () => answered(),
      )
    }
  })
  isOver = true
  return [...found].toSorted(([a], [b]) => a - b).map(([, one]) => one)
}

function reasonOf(result: PromiseSettledResult<unknown> | undefined): Error {
  const reason: unknown = result?.status === 'rejected' ? result.reason : undefined
  if (!(reason instanceof Error)) return new Error('it did not answer')
  // Where a name has several addresses the message is empty.
  if (reason.message === '' && 'code' in reason)
    return new Error(String(reason.code), { cause: reason })
  return reason
}
