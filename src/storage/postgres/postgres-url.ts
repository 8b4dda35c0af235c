import { OperatorError } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'

/** How the connection to the database is protected. `verify-ca` looks at the authority alone, not at the name. */
export type PostgresTls = 'disable' | 'verify-ca' | 'verify-full'

/** One server of a database. */
export interface PostgresHost {
  /** A name, an address, or the folder of a UNIX socket. */
  readonly host: string
  readonly port: number
}

/** Where a store in PostgreSQL is, and as whom it is opened. */
export interface PostgresAddress {
  /** The servers of which one is the primary; one at least. */
  readonly hosts: readonly PostgresHost[]
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
  /** For messages: user, hosts, ports, database and schema, never a password. */
  readonly label: string
}

const SCHEME = /^postgres(?:ql)?:\/\//
const PORT_DEFAULT = 5432
const SCHEMA_DEFAULT = 'strongroom'
const SCHEMA = /^[a-z_][a-z0-9_]{0,62}$/
const PARAMETERS = [
  'host',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'schema',
  'target_session_attrs',
] as const
type Parameter = (typeof PARAMETERS)[number]
/** More are a mistake: each is asked whenever the primary is looked for. */
const HOSTS_MAX = 16
/** What libpq calls a server that takes writes: the only kind that we use. */
const PRIMARY: ReadonlySet<string> = new Set(['primary', 'read-write'])
/** Scheme and user, hosts, and what follows. */
const PARTS = /^([^/]*\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/s
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

/** One URL for each host: several are libpq's extension, and the URL parser would take them for one odd name. */
function urlsOf(text: string): readonly [URL, ...URL[]] {
  const [, start = '', hosts = '', rest = ''] = PARTS.exec(text) ?? []
  try {
    const [first = '', ...others] = hosts.split(',')
    const urlWith = (host: string): URL => new URL(`${start}${host}${rest}`)
    return [urlWith(first), ...others.map(urlWith)]
  } catch {
    throw refusal('cannot be read', 'write it as postgres://user:password@host:5432/database')
  }
}

function hostsOf(urls: readonly URL[], socketFolder: string | undefined): readonly PostgresHost[] {
  if (urls.length > HOSTS_MAX) throw refusal(`names more than ${HOSTS_MAX} hosts`)
  if (socketFolder !== undefined && urls.length > 1) {
    throw refusal('names several hosts and the folder of a socket', 'name either')
  }
  const hosts = urls.map((url) => ({
    host: socketFolder ?? decoded(url.hostname, 'a host').replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? PORT_DEFAULT : Number(url.port),
  }))
  if (hosts.some(({ host }) => host === '')) throw refusal('names no host')
  const names = new Set(hosts.map(labelOf))
  if (names.size < hosts.length) throw refusal('names a host twice')
  return hosts
}

/** `host:port`, for messages. */
export const labelOf = ({ host, port }: PostgresHost): string => `${host}:${port}`

const isLocal = (host: string): boolean =>
  host.startsWith('/') || host === 'localhost' || host === '::1' || host.startsWith('127.')

function tlsOf(mode: string | undefined, hosts: readonly PostgresHost[]): PostgresTls {
  if (mode === undefined) {
    return hosts.every(({ host }) => isLocal(host)) ? 'disable' : 'verify-full'
  }
  const known = MODES.find((one) => one === mode)
  if (known !== undefined) return known
  throw refusal(
    `asks for sslmode=${mode}`,
    'Strongroom speaks only to a database that it can identify: verify-full (with sslrootcert=FILE for an authority of your own), verify-ca, or disable within one machine or a private network',
  )
}

/**
 * Reads `postgres://user:password@host:port,host:port/database?sslmode=…&sslrootcert=…&schema=…`. Names follow
 * libpq (source: PostgreSQL documentation, Connection URIs). Without `sslmode` the certificate of a
 * host that is not this machine is verified in full.
 * @throws {OperatorError} for anything it does not understand in whole; the message has no password
 */
export function parsePostgresUrl(text: string): PostgresAddress {
  const urls = urlsOf(text)
  const [url] = urls
  const given = new Map<Parameter, string>()
  for (const [name, value] of url.searchParams) given.set(parameterOf(name), value)
  const hosts = hostsOf(urls, given.get('host'))
  const database = decoded(url.pathname.slice(1), 'a database')
  const user = decoded(url.username, 'a user')
  if (database === '' || database.includes('/')) throw refusal('names no database')
  if (user === '') throw refusal('names no user')
  const schema = given.get('schema') ?? SCHEMA_DEFAULT
  if (!SCHEMA.test(schema)) throw refusal('has a schema that is no plain lower-case name')
  const password = decoded(url.password, 'a password')
  const wanted = given.get('target_session_attrs')
  if (wanted !== undefined && !PRIMARY.has(wanted)) {
    throw refusal(`asks for a server that is ${wanted}`, 'only one that takes writes is of use')
  }
  const tls = tlsOf(given.get('sslmode'), hosts)
  if (tls === 'disable' && given.has('sslrootcert')) {
    throw refusal('gives an authority and no TLS', 'leave sslmode=disable out')
  }
  if (given.has('sslcert') !== given.has('sslkey')) {
    throw refusal('gives only one of sslcert and sslkey')
  }
  return {
    hosts,
    database,
    user,
    password: password === '' ? undefined : new Secret(Buffer.from(password, 'utf8')),
    schema,
    tls,
    caFile: given.get('sslrootcert'),
    certFile: given.get('sslcert'),
    keyFile: given.get('sslkey'),
    label: `postgres://${user}@${hosts.map(labelOf).join(',')}/${database}${schema === SCHEMA_DEFAULT ? '' : `?schema=${schema}`}`,
  }
}
