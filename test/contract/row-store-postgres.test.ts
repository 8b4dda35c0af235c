import { after } from 'node:test'
import { startPostgres } from '../support/postgres-server.ts'
import { openSchema } from '../support/postgres-stores.ts'
import { rowStoreContract } from './row-store.ts'
import { rowFeedContract } from './row-store-feed.ts'
import { rowModelContract } from './row-store-model.ts'
import { rowPagesContract } from './row-store-pages.ts'
import { rowSnapshotsContract } from './row-store-snapshots.ts'

const server = await startPostgres()
const schema = await openSchema(server, 'contract')
after(async () => {
  await schema.close()
  await server.stop()
})

const open = async () => {
  await schema.empty()
  const reopen = () => schema.open('node')
  return { store: await reopen(), reopen }
}

rowStoreContract('PostgreSQL', open)
rowPagesContract('PostgreSQL', open)
rowFeedContract('PostgreSQL', open)
rowModelContract('PostgreSQL', open)
rowSnapshotsContract('PostgreSQL', open)
