import pg from 'pg'
import { TABLES } from '../../src/core/tables.ts'
import {
  migrateStore,
  openPostgresStore,
  type PostgresStore,
  type PostgresStoreOptions,
} from '../../src/storage/postgres/postgres-store.ts'
import { type PostgresAddress, parsePostgresUrl } from '../../src/storage/postgres/postgres-url.ts'
import type { PostgresServer } from './postgres-server.ts'

const tables = TABLES.map((table) => table.schema)

/** Adds a parameter to the URL of a server. */
export function urlWith(server: PostgresServer, parameters: Readonly<Record<string, string>>) {
  const url = new URL(server.url)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}

/** A schema of its own on a test server: migrated once, and emptied for each store that is opened in it. */
export async function openSchema(server: PostgresServer, name: string) {
  const address: PostgresAddress = parsePostgresUrl(urlWith(server, { schema: name }))
  const connect = async (): Promise<pg.Client> => {
    const made = new pg.Client({ connectionString: server.url })
    // A test may end the server.
    made.on('error', () => undefined)
    await made.connect()
    return made
  }
  let client = await connect()
  await client.query(`DROP SCHEMA IF EXISTS "${name}" CASCADE`)
  await migrateStore(address)
  const { rows } = await client.query<{ table_name: string }>(
    'SELECT table_name FROM information_schema.tables WHERE table_schema = $1',
    [name],
  )
  const emptied = rows
    .map(({ table_name: table }) => table)
    .filter((table) => table !== 'migration' && table !== 'counter')
    .map((table) => `DELETE FROM "${name}"."${table}"`)
  return {
    address,
    get client() {
      return client
    },
    /** After the server was gone. */
    async reconnect(): Promise<void> {
      await client.end().catch(() => undefined)
      client = await connect()
    },
    /** Opens the store as it is, for one node. */
    open: (nodeId: string, more: Partial<PostgresStoreOptions> = {}): Promise<PostgresStore> =>
      openPostgresStore({ address, tables, nodeId, ...more }),
    async empty(): Promise<void> {
      await client.query([...emptied, `UPDATE "${name}"."counter" SET value = 0`].join('; '))
    },
    close: () => client.end(),
  }
}
