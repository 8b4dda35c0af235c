import { OperatorError } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'

/** How the connection to the database is protected. `verify-ca` looks at the authority alone, not at the name. */
export type PostgresTls = 'disable' | 'verify-ca' | 'verify-full'

/** Where a store in PostgreSQL is, and as whom it is opened. */
export interface PostgresAddress {
  /** A name, an address, or the folder of a UNIX socket. */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: Secret | undefined
  /** The schema that holds the tables. */
  readonly schema: string
  readonly tls: PostgresTls
  /** PEM files: the authorities to trust instead of the system's, and a client certificate with its key. */
  readonly caFile: string | undefined
  readonly certFile: string | undefined
  readonly keyFile: string | undefined
  /** For messages: user, host, port, database and schema, never a password. */
  readonly label: string
}

const SCHEME = /^postgres(?:ql)?:\/\//
const PORT_DEFAULT = 5432
const SCHEMA_DEFAULT = 'strongroom'
const SCHEMA = /^[a-z_][a-z0-9_]{0,62}$/
const PARAMETERS = ['host', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'schema'] as const
type Parameter = (typeof PARAMETERS)[number]
const MODES: readonly PostgresTls[] = ['disable', 'verify-ca', 'verify-full']

/** Whether the text names a PostgreSQL store rather than a file. */
export const isPostgresUrl = (text: string): boolean => SCHEME.test(text)

const refusal = (message: string, hint?: string): OperatorError =>
  // Never with the cause: its message has the whole URL, and with it the password.
  new OperatorError(`the URL of the store ${message}`, hint)

function parameterOf(name: string): Parameter {
  const known = PARAMETERS.find((parameter) => parameter === name)
  if (known !== undefined) return known
  throw refusal(`has an unknown parameter ${name}`, `known are ${PARAMETERS.join(', ')}`)
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refusal(`has ${what} with a stray %`, 'write special characters as %XX')
  }
}

function urlOf(text: string): URL {
  // Several hosts are libpq's extension; the URL parser would take them for one odd name.
  if (/^[^/]*\/\/[^/?]*,/.test(text)) {
    throw refusal('names several hosts', 'name one address that leads to the primary')
  }
  try {
    return new URL(text)
  } catch {
    throw refusal('cannot be read', 'postgres://user:password@host:5432/database')
  }
}

const isLocal = (host: string): boolean =>
  host.startsWith('/') || host === 'localhost' || host === '::1' || host.startsWith('127.')

function tlsOf(mode: string | undefined, host: string): PostgresTls {
  if (mode === undefined) return isLocal(host) ? 'disable' : 'verify-full'
  const known = MODES.find((one) => one === mode)
  if (known !== undefined) return known
  throw refusal(
    `asks for sslmode=${mode}`,
    'Strongroom speaks only to a database that it can identify: verify-full (with sslrootcert=FILE for an authority of your own), verify-ca, or disable within one machine or a private network',
  )
}

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…&sslrootcert=…&schema=…`. Names follow
 * libpq (source: PostgreSQL documentation, Connection URIs). Without `sslmode` the certificate of a
 * host that is not this machine is verified in full.
 * @throws {OperatorError} for anything it does not understand in whole; the message has no password
 */
export function parsePostgresUrl(text: string): PostgresAddress {
  const url = urlOf(text)
  const given = new Map<Parameter, string>()
  for (const [name, value] of url.searchParams) given.set(parameterOf(name), value)
  const host = given.get('host') ?? decoded(url.hostname, 'a host').replace(/^\[(.*)\]$/, '$1')
  const database = decoded(url.pathname.slice(1), 'a database')
  const user = decoded(url.username, 'a user')
  if (host === '') throw refusal('names no host')
  if (database === '' || database.includes('/')) throw refusal('names no database')
  if (user === '') throw refusal('names no user')
  const schema = given.get('schema') ?? SCHEMA_DEFAULT
  if (!SCHEMA.test(schema)) throw refusal('has a schema that is no plain lower-case name')
  const port = url.port === '' ? PORT_DEFAULT : Number(url.port)
  const password = decoded(url.password, 'a password')
  const tls = tlsOf(given.get('sslmode'), host)
  if (tls === 'disable' && given.has('sslrootcert')) {
    throw refusal('gives an authority and no TLS', 'leave sslmode=disable out')
  }
  if (given.has('sslcert') !== given.has('sslkey')) {
    throw refusal('gives only one of sslcert and sslkey')
  }
  return {
    host,
    port,
    database,
    user,
    password: password === '' ? undefined : new Secret(Buffer.from(password, 'utf8')),
    schema,
    tls,
    caFile: given.get('sslrootcert'),
    certFile: given.get('sslcert'),
    keyFile: given.get('sslkey'),
    label: `postgres://${user}@${host}:${port}/${database}${schema === SCHEMA_DEFAULT ? '' : `?schema=${schema}`}`,
  }
}
