import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { IntegrityError, OperatorError } from '../../core/errors.ts'
import { failureOf } from './postgres-error.ts'
import { labelOf, type PostgresAddress, type PostgresHost } from './postgres-url.ts'
import { choosePrimary, identityOf, type OpenServer, Succession } from './primary.ts'
import { quote } from './table-sql.ts'

/** How long a connection may take to come about, TLS and authentication included. */
const CONNECT_MS_MAX = 5000
/** How long the server works on one statement. */
const STATEMENT_MS_MAX = 10_000
/**
 * How long the server waits for a lock. More than a node may hold one (`IDLE_IN_TRANSACTION_MS_MAX`),
 * so that a node which stands still is put out before another gives up.
 */
const LOCK_MS_MAX = 6000
/** How long the server lets a transaction stand open while the node says nothing: it may have been paused, or be cut off. */
const IDLE_IN_TRANSACTION_MS_MAX = 2000
/** How long we wait for an answer: a server that is gone says nothing at all. */
const ANSWER_MS_MAX = 12_000
/** Connections for reads outside of transactions. */
const READERS_MAX = 8
/** A reader that had nothing to do for so long is closed. */
const READER_IDLE_MS = 60_000
/** Times that a read is tried when its connection is lost; and the pauses between, which grow. */
const READ_TRIES_MAX = 4
const READ_PAUSE_MS = 50

/** One row of a result, its values in the order of the columns. */
export type ResultRow = readonly unknown[]

export interface ResultRows {
  readonly rows: readonly ResultRow[]
  /** How many rows a change touched. */
  readonly count: number
  /** `COMMIT`, `ROLLBACK`, `INSERT` …: what the server says that it did. */
  readonly command: string
}

/** A connection for transactions. Statements are sent as they are asked for, without waiting for each other's answers. */
export interface Session {
  query(text: string, values?: readonly unknown[]): Promise<ResultRows>
  /** Whether it can still be used. */
  readonly isOpen: boolean
  close(): Promise<void>
}

// Source: PostgreSQL, pg_type.dat.
const INT8 = 20
const BYTEA = 17

function parseInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) {
    throw new IntegrityError('the database holds a number that is out of range')
  }
  return value
}

/** `\x` and hex digits. Source: PostgreSQL documentation, Binary Data Types. */
const parseBytes = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.slice(text.startsWith('\\x') ? 2 : 0), 'hex'))

// The driver's own types know the parser of every type by an enumeration that has the common ones.
const defaultParser: (oid: number, format?: 'text' | 'binary') => unknown = pg.types.getTypeParser

const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === INT8) return parseInteger
    if (oid === BYTEA) return parseBytes
    return defaultParser(oid, format)
  },
}

function pemOf(file: string | undefined, parameter: string): string | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new OperatorError(
      `the file ${file} cannot be read`,
      `it is named by ${parameter} in the URL of the store`,
      { cause },
    )
  }
}

function tlsOf(address: PostgresAddress): pg.ClientConfig['ssl'] {
  if (address.tls === 'disable') return false
  const ca = pemOf(address.caFile, 'sslrootcert')
  const cert = pemOf(address.certFile, 'sslcert')
  const key = pemOf(address.keyFile, 'sslkey')
  return {
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(address.tls === 'verify-ca' && { checkServerIdentity: () => undefined }),
  }
}

/** How every connection is made, whichever server it goes to. */
function configOf(address: PostgresAddress): pg.ClientConfig {
  const { password } = address
  return {
    database: address.database,
    user: address.user,
    // Given even where there is none: `pg` would look for one in the environment and in files.
    password: () => (password === undefined ? '' : Buffer.from(password.expose()).toString('utf8')),
    ssl: tlsOf(address),
    types,
    application_name: 'strongroom',
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    query_timeout: ANSWER_MS_MAX,
  }
}

/** The settings of a session. */
async function prepare(client: pg.ClientBase, { schema }: PostgresAddress): Promise<void> {
  await client.query(
    `SET search_path TO ${quote(schema)};
     SET statement_timeout = ${STATEMENT_MS_MAX};
     SET lock_timeout = ${LOCK_MS_MAX};
     SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS_MAX}`,
  )
}

/** Statements get short names by their text, so that the server plans each one once a session. */
class StatementNames {
  readonly #names = new Map<string, string>()

  of(text: string): string {
    let name = this.#names.get(text)
    if (name === undefined) {
      name = `s${this.#names.size}`
      this.#names.set(text, name)
    }
    return name
  }
}

/** A session as it was opened, with the server that it goes to. */
interface OpenSession extends OpenServer {
  readonly host: PostgresHost
  readonly client: pg.Client
  isOpen: boolean
}

/**
 * The connections of one node to its database: some for reads, and sessions for the transactions. All go
 * to one server: when another has become the primary, those to the old one end. Errors are those of the driver.
 */
export class Connections {
  readonly #address: PostgresAddress
  readonly #config: pg.ClientConfig
  readonly #names = new StatementNames()
  readonly #succession = new Succession()
  readonly #sessions = new Set<OpenSession>()
  /** To the server that is taken for the primary; none before it was looked for. */
  #readers: pg.Pool | undefined
  #seeking: Promise<void> | undefined
  #isClosed = false
  #reading = 0

  constructor(address: PostgresAddress) {
    this.#address = address
    this.#config = configOf(address)
  }

  get address(): PostgresAddress {
    return this.#address
  }

  /** How many reads wait for their answer. */
  get reading(): number {
    return this.#reading
  }

  /** Grows whenever another server, or the same after a promotion, is taken for the primary. */
  get generation(): number {
    return this.#succession.generation
  }

  /** A read by itself. It changes nothing, so one whose connection is lost is tried again. */
  async read(text: string, values: readonly unknown[]): Promise<readonly ResultRow[]> {
    this.#reading++
    try {
      for (let tries = 1; ; tries++) {
        try {
          const readers = this.#readers ?? (await this.#seek())
          const { rows } = await readers.query<unknown[]>(this.#statement(text, values))
          return rows
        } catch (error) {
          const failure = failureOf(error)
          const mayTry = failure === 'lost' || failure === 'again'
          if (!mayTry || tries === READ_TRIES_MAX || this.#isClosed) throw error
          await delay(READ_PAUSE_MS * 2 ** tries)
          // It may be another server's turn.
          if (failure === 'lost' && this.#address.hosts.length > 1) await this.#seek().catch(ignore)
        }
      }
    } finally {
      this.#reading--
    }
  }

  /** A change by itself, tried once. @returns how many rows it touched */
  async change(text: string, values: readonly unknown[]): Promise<number> {
    const readers = this.#readers ?? (await this.#seek())
    const { rowCount } = await readers.query(this.#statement(text, values))
    return rowCount ?? 0
  }

  /** Opens a session of its own. @param onNotice called with what others send to channels that it listens to */
  async openSession(onNotice?: (payload: string) => void): Promise<Session> {
    const { hosts } = this.#address
    const attempts = hosts.map((host) => this.#connect(host))
    const session = await choosePrimary(attempts, hosts.map(labelOf), this.#succession.place)
    try {
      this.#accept(session)
    } catch (error) {
      await session.close()
      throw error
    }
    const { client } = session
    client.on('notification', ({ payload }) => onNotice?.(payload ?? ''))
    const statement = this.#statement.bind(this)
    return {
      get isOpen() {
        return session.isOpen
      },
      async query(text, values) {
        const { rows, rowCount, command } =
          values === undefined
            ? await client.query<unknown[]>({ text, rowMode: 'array' })
            : await client.query<unknown[]>(statement(text, values))
        return { rows, count: rowCount ?? 0, command }
      },
      close: () => session.close(),
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#readers?.end()
  }

  async #connect(host: PostgresHost): Promise<OpenSession> {
    const client = new pg.Client({ ...this.#config, ...host, pipeline: true })
    const session: OpenSession = {
      host,
      place: labelOf(host),
      identity: { system: undefined, timeline: undefined },
      client,
      isOpen: true,
      close: async () => {
        session.isOpen = false
        this.#sessions.delete(session)
        await client.end().catch(ignore)
      },
    }
    const ended = (): void => {
      session.isOpen = false
      this.#sessions.delete(session)
    }
    client.on('error', ended)
    client.on('end', ended)
    try {
      await client.connect()
      await prepare(client, this.#address)
      return Object.assign(session, { identity: await identityOf(client) })
    } catch (error) {
      void session.close()
      throw error
    }
  }

  /** Takes the session's server for the primary. @throws where it was that before another one */
  #accept(session: OpenSession): void {
    const before = this.generation
    this.#succession.accept(session)
    if (this.generation !== before || this.#readers === undefined) {
      // What is under way at the server before fails, and is asked for here.
      for (const other of this.#sessions) void other.close()
      void this.#readers?.end()
      this.#readers = this.#openReaders(session.host)
    }
    this.#sessions.add(session)
  }

  #openReaders(host: PostgresHost): pg.Pool {
    const readers = new pg.Pool({
      ...this.#config,
      ...host,
      max: READERS_MAX,
      idleTimeoutMillis: READER_IDLE_MS,
      allowExitOnIdle: true,
      // The pool waits for what this returns; its types do not say so.
      // oxlint-disable-next-line typescript/no-misused-promises
      onConnect: async (client) => {
        await prepare(client, this.#address)
        const identity = await identityOf(client)
        if (this.#succession.isPrimary({ place: labelOf(host), identity })) return
        // The same place leads to another server now: what goes to the one before has to end.
        if (this.#readers === readers) this.#readers = undefined
        void readers.end()
        throw new Error('another server has become the primary')
      },
    })
    // An idle reader that the server closed is replaced when the next read comes.
    readers.on('error', ignore)
    return readers
  }

  /** Looks for the primary, once for all who want to know. */
  async #seek(): Promise<pg.Pool> {
    this.#seeking ??= this.openSession()
      .then((session) => session.close())
      .finally(() => {
        this.#seeking = undefined
      })
    await this.#seeking
    if (this.#readers === undefined || this.#isClosed) throw new Error('the connections are closed')
    return this.#readers
  }

  #statement(text: string, values: readonly unknown[]): pg.QueryArrayConfig<unknown[]> {
    return { name: this.#names.of(text), text, values: [...values], rowMode: 'array' }
  }
}

const ignore = (): void => undefined
