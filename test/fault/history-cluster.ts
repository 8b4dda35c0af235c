import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type CuttingProxy, openCuttingProxy } from '../support/cutting-proxy.ts'
import {
  type PostgresServer,
  type PostgresStandby,
  startPostgres,
} from '../support/postgres-server.ts'
import { runStrongroom, startServer } from '../support/server-process.ts'
import { REGION } from './history-client.ts'
import { type Fault, HistoryNode, PROCESS_FAULTS, type StartNode } from './history-faults.ts'
import { requestsIn } from './history-record.ts'

const MOVED_CLOCK = `--import=${new URL('../support/moved-clock.ts', import.meta.url).href}`
const WITHOUT_LEASE = `--import=${new URL('../support/without-lease.ts', import.meta.url).href}`

/** A node with its own way to the database, and a clock of its own. */
export class ClusterNode extends HistoryNode {
  readonly proxy: CuttingProxy
  readonly database: PostgresServer
  readonly #clockFile: string

  constructor(parts: {
    readonly folder: string
    readonly proxy: CuttingProxy
    readonly database: PostgresServer
    readonly clockFile: string
    readonly start: StartNode
  }) {
    super(parts.folder, parts.start)
    this.proxy = parts.proxy
    this.database = parts.database
    this.#clockFile = parts.clockFile
  }

  /** Sets its time of day, so far from everybody else's. */
  setClock(offsetMs: number): void {
    writeFileSync(`${this.#clockFile}.new`, String(Math.round(offsetMs)))
    renameSync(`${this.#clockFile}.new`, this.#clockFile)
  }
}

/** Nodes on one database, each with a proxy of its own in between. */
export class Cluster {
  readonly #database: PostgresServer
  readonly #parent: string
  readonly #env: readonly Readonly<Record<string, string>>[]
  readonly standby: PostgresStandby | undefined
  readonly keyfile: string
  readonly nodes: readonly ClusterNode[]

  private constructor(parts: {
    readonly database: PostgresServer
    readonly standby: PostgresStandby | undefined
    readonly parent: string
    readonly nodes: Cluster['nodes']
    readonly env: Cluster['env']
  }) {
    this.#database = parts.database
    this.standby = parts.standby
    this.#parent = parts.parent
    this.nodes = parts.nodes
    this.#env = parts.env
    this.keyfile = join(parts.parent, 'root.key')
  }

  get env(): readonly Readonly<Record<string, string>>[] {
    return this.#env
  }

  /** @returns undefined where the database is somebody else's: nothing may be put in front of it */
  static async start(options: {
    readonly nodes: number
    readonly hasLease: boolean
    readonly flags?: readonly string[]
    /** Whether the database has a second server, which each node may go on to. */
    readonly hasStandby?: boolean
  }): Promise<Cluster | undefined> {
    const database = await startPostgres()
    const { local } = database
    if (local === undefined) return undefined
    const parent = mkdtempSync(join(tmpdir(), 'strongroom-history-'))
    const keyfile = join(parent, 'root.key')
    const user = `tester:${encodeURIComponent(local.password)}`
    const standby = options.hasStandby === true ? await local.startStandby() : undefined
    const second = standby === undefined ? '' : `,127.0.0.1:${standby.tcpPort}`
    const storeAt = (port: number): string =>
      `postgres://${user}@127.0.0.1:${port}${second}/postgres?schema=history`
    const direct = { STRONGROOM_STORE: storeAt(local.tcpPort) }
    const migrated = await runStrongroom(['migrate'], { env: direct })
    assert.equal(migrated.exitCode, 0, migrated.stderr)
    const nodes: ClusterNode[] = []
    const envs: Record<string, string>[] = []
    for (let at = 0; at < options.nodes; at++) {
      const proxy = await openCuttingProxy(local.tcpPort)
      const clockFile = join(parent, `clock-${at}`)
      const env = {
        STRONGROOM_STORE: storeAt(proxy.port),
        TEST_CLOCK_FILE: clockFile,
        NODE_OPTIONS: options.hasLease ? MOVED_CLOCK : `${MOVED_CLOCK} ${WITHOUT_LEASE}`,
      }
      const dataFolder = join(parent, `node-${at}`)
      const flags = ['--keyfile', keyfile, '--region', REGION, '--log-level', 'error']
      const start: StartNode = (more) =>
        startServer({
          dataFolder,
          env: { ...env, ...more },
          flags: [...flags, ...(options.flags ?? [])],
        })
      nodes.push(new ClusterNode({ folder: dataFolder, proxy, database, clockFile, start }))
      envs.push(direct)
    }
    const cluster = new Cluster({ database, standby, parent, nodes, env: envs })
    // The first one sets the store up.
    await nodes[0]?.start()
    await Promise.all(nodes.slice(1).map((node) => node.start()))
    return cluster
  }

  get database(): PostgresServer {
    return this.#database
  }

  /** For looking into the store, in the schema `history`. */
  get databaseUrl(): string {
    return this.#database.url
  }

  get root() {
    const credentials = this.nodes[0]?.process?.credentials
    assert.ok(credentials)
    return credentials
  }

  /** Ends all nodes in peace. */
  async stopNodes(): Promise<void> {
    await Promise.all(this.nodes.map(async (node) => node.process?.stop()))
  }

  /** How often each request id stands in the logs of all nodes; every log is verified. Only when they are stopped. */
  recordsByRequest(folders: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return requestsIn(folders, ['--keyfile', this.keyfile], this.#env[0])
  }

  async close(): Promise<void> {
    for (const node of this.nodes) {
      await node.kill()
      await node.proxy.close()
    }
    await this.#database.stop()
    rmSync(this.#parent, { recursive: true, force: true })
  }
}

/** How far a clock is set off at most; two may be twice as far from each other. */
const CLOCK_OFF_MS_MAX = 120_000

export const FAULTS = {
  ...PROCESS_FAULTS,
  /** Nothing comes through between it and the database, and nobody is told. */
  async silence(node, longMs) {
    node.proxy.isStuck = true
    await delay(longMs)
    node.proxy.cut()
    node.proxy.isStuck = false
  },
  /** … and meanwhile all is forgotten that was changed, as if it had been away for days. */
  async 'silence and a short memory'(node, longMs) {
    node.proxy.isStuck = true
    await delay(longMs)
    const client = new pg.Client({ connectionString: node.database.url })
    await client.connect()
    await client.query('DELETE FROM history.change')
    await client.end()
    node.proxy.cut()
    node.proxy.isStuck = false
  },
  /** The database refuses its connections. */
  async refusal(node, longMs) {
    node.proxy.isUp = false
    node.proxy.cut()
    await delay(longMs)
    node.proxy.isUp = true
  },
  async 'cut connections'(node) {
    node.proxy.cut()
    await delay(300)
  },
  async 'slow database'(node) {
    node.proxy.delayMs = 120
    await delay(2500)
    node.proxy.delayMs = 0
  },
  /** Its clock is set, forth or back, and stays so. Clients sign by their own, which may be five minutes off. */
  async 'clock jump'(node, _longMs, choice) {
    node.setClock((choice.fraction() * 2 - 1) * CLOCK_OFF_MS_MAX)
    await delay(500)
  },
  /** The database dies and is started again, for all nodes. */
  async 'database restart'({ database: { local } }) {
    await local?.crash()
    await local?.start()
  },
} satisfies Readonly<Record<string, Fault<ClusterNode>>>
