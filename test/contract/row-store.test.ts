import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { TABLES } from '../../src/core/tables.ts'
import { openEmbeddedStore } from '../../src/storage/embedded/embedded-store.ts'
import { openMemoryStore } from '../../src/storage/memory/memory-store.ts'
import { rowStoreContract } from './row-store.ts'
import { rowFeedContract } from './row-store-feed.ts'
import { rowModelContract } from './row-store-model.ts'
import { rowPagesContract } from './row-store-pages.ts'
import { rowSnapshotsContract } from './row-store-snapshots.ts'
import { takingTurns } from './taking-turns.ts'

const tables = TABLES.map((table) => table.schema)
const folder = await mkdtemp(join(tmpdir(), 'strongroom-rows-'))
after(() => rm(folder, { recursive: true }))

let stores = 0
const openEmbedded = async () => {
  const file = join(folder, `${++stores}.db`)
  const reopen = () => openEmbeddedStore({ file, tables })
  return { store: await reopen(), reopen }
}
const ignore = (): void => undefined
const sharing = {
  onForgotten: ignore,
  onEnd: ignore,
  onTrouble: ignore,
  onSyncFailure: ignore,
}
const openShared = async () => {
  const file = join(folder, `${++stores}.db`)
  const reopen = () => openEmbeddedStore({ file, tables, sharing })
  return { store: await reopen(), reopen }
}
/** As two workers have them: each call is the other one's. */
const openTwo = async () => {
  const { store, reopen } = await openShared()
  return { store: takingTurns([store, await reopen()]) }
}
const openMemory = async () => ({ store: openMemoryStore(tables) })

rowStoreContract('memory', openMemory)
rowSnapshotsContract('memory', openMemory)
rowPagesContract('memory', openMemory)
rowFeedContract('memory', openMemory)
rowModelContract('memory', openMemory)
rowStoreContract('embedded', openEmbedded)
rowSnapshotsContract('embedded', openEmbedded)
rowPagesContract('embedded', openEmbedded)
rowFeedContract('embedded', openEmbedded)
rowModelContract('embedded', openEmbedded)
// Works that are started together have no order between two stores.
rowStoreContract('embedded, shared', openShared)
rowFeedContract('embedded, shared', openShared)
rowSnapshotsContract('embedded, two on one file', openTwo)
rowPagesContract('embedded, two on one file', openTwo)
rowModelContract('embedded, two on one file', openTwo)
