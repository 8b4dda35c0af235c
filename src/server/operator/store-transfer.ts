import type { TransferOptions, TransferredStore } from '../../cli/store-program.ts'
import { IntegrityError, OperatorError } from '../../core/errors.ts'
import { TABLES } from '../../core/tables.ts'
import { CUSTODY_SETTING } from '../../crypto/custody.ts'
import { createRandom } from '../../crypto/random.ts'
import { createRecordStore } from '../../storage/record-store.ts'
import {
  compareStores,
  completeTransfer,
  copyStore,
  countRows,
  TRANSFER_MOVED,
  TRANSFER_SETTING,
} from '../../storage/transfer.ts'
import { assertNoStore, nameStore, removeStore } from '../backup/store-files.ts'
import { machineClock } from '../clocks.ts'
import { type NodeFolder, nodeFolder } from '../node/node-folder.ts'
import { nodeIdOf } from '../node/node-id.ts'
import { type NodeState, openNodeState } from '../node/node-state.ts'
import { type NodeStore, openNodeStore } from '../node/node-store.ts'
import { assertEmpty } from './empty-store.ts'
import { createOperatorLog } from './operator-log.ts'

/** Records held in memory while the copy is looked through. */
const CACHE_RECORDS = 1000

const schemas = TABLES.map(({ schema }) => schema)

/**
 * Moves the store of a stopped node to another place, from a file to PostgreSQL or back: copies all of it, compares every row, opens
 * every secret of the copy, and marks the old one as moved. Whatever fails leaves the old store as it was, and the copy unusable.
 * @throws {OperatorError}
 */
export async function transferStore({
  to,
  onProgress,
  ...options
}: TransferOptions): Promise<TransferredStore> {
  const parts = { clock: machineClock, random: createRandom(), log: createOperatorLog('warn') }
  const target = nodeFolder({ ...options, store: to })
  const state = await openNodeState(options, parts, 'existing')
  try {
    assertOtherPlace(state.folder, target)
    await assertAlone(state.store)
    const draft = { ...target, storeFile: `${target.storeFile}.transfer` }
    if (target.database === undefined) removeStore(draft.storeFile)
    const nodeId = nodeIdOf(state.folder, parts.random)
    const copy = await openNodeStore(draft, () => nodeId, {
      clock: machineClock,
      log: parts.log,
      isWorker: false,
      onLateCommit: () => undefined,
      onForgotten: () => undefined,
      onEnd: () => undefined,
      onCommitted: undefined,
    })
    let records: number
    try {
      await assertEmpty(copy)
      records = await fill(state, copy, onProgress)
    } finally {
      await copy.rows.close()
    }
    if (target.database === undefined) nameStore(draft.storeFile, target.storeFile)
    const location = target.database?.label ?? target.storeFile
    await state.rows.transaction((tx) =>
      tx.setSetting(TRANSFER_SETTING, `${TRANSFER_MOVED}${location}`),
    )
    return { from: state.store.location, to: location, records }
  } finally {
    await state.close()
  }
}

function assertOtherPlace(from: NodeFolder, to: NodeFolder): void {
  const isSame =
    from.database === undefined
      ? to.database === undefined && to.storeFile === from.storeFile
      : to.database?.label === from.database.label && to.database.schema === from.database.schema
  if (isSame) throw new OperatorError('the store is there already', 'name another place with --to')
  if (to.database === undefined) assertNoStore(to.storeFile)
}

/** Nobody else may use the store, or have left something in it that only they can deliver. */
async function assertAlone({ neighbours }: NodeStore): Promise<void> {
  for (const { nodeId, isLive, frames } of (await neighbours?.()) ?? []) {
    if (isLive) {
      throw new OperatorError(`the node ${nodeId} uses the store`, 'stop every node first')
    }
    if (frames > 0) {
      throw new OperatorError(
        `the node ${nodeId} has left ${frames} audit records in the store`,
        'start it once with its data folder, so that it writes them to its log',
      )
    }
  }
}

function fill(
  { rows, custody }: NodeState,
  copy: NodeStore,
  onProgress: TransferOptions['onProgress'],
): Promise<number> {
  return rows.snapshot(async (snapshot) => {
    const total = await countRows(snapshot, schemas)
    const telling = (step: 'copied' | 'compared') => (done: number) =>
      onProgress({ step, rows: done, total })
    const how = { tables: schemas, lastSetting: CUSTODY_SETTING }
    const copied = await copyStore(snapshot, copy.rows, { ...how, onProgress: telling('copied') })
    await compareStores(snapshot, copy.rows, { ...how, onProgress: telling('compared') })
    const records = createRecordStore({
      rows: copy.rows,
      guard: custody,
      cacheRecords: CACHE_RECORDS,
    })
    const opened = await records.verifyAll(({ table, key, message }) => {
      throw new IntegrityError(`${table} ${key.join('/')} of the copy: ${message}`)
    })
    onProgress({ step: 'opened', rows: opened, total })
    await completeTransfer(snapshot, copy.rows, CUSTODY_SETTING)
    return copied
  })
}
