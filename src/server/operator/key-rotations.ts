import type { Log } from '../../core/ports.ts'
import type { NodeState } from '../node/node-state.ts'
import { assertNoNeighbours } from '../node/node-store.ts'

/** Rows rewritten in one commit, and where other nodes wait for it. */
const REWRITE_BATCH = 500
const REWRITE_BATCH_SHARED = 50

/**
 * Makes a new domain key and wraps every secret of the store anew under it, while this node and others serve.
 * @returns how many rows were rewritten
 */
export async function rotateDomainKey(
  { custody, records, rows: store, commitSetting, store: { neighbours } }: NodeState,
  log: Log,
): Promise<number> {
  const retired = await custody.rotateDomainKey(commitSetting)
  // Writes take turns: once this empty one is through, those that began under the old key have ended, on whatever node.
  await store.transaction(() => Promise.resolve())
  const rewrapped = await records.rewriteAll({
    batch: neighbours === undefined ? REWRITE_BATCH : REWRITE_BATCH_SHARED,
    isCurrent: (row) => custody.isCurrent(row),
    onProgress: (rows) => log.info({ rows }, 'rewriting records under the new domain key'),
  })
  await custody.dropRetired(commitSetting, retired)
  return rewrapped
}

/** @throws {OperatorError} while another node uses the store */
export const assertMayRotateRootKey = ({ store }: NodeState): Promise<void> =>
  assertNoNeighbours(
    store,
    ', and holds the root key that it has now',
    'stop every other node, rotate, give each the new key file, and start them again; workers of one machine: stop all, rotate on the stopped folder, start',
  )

/** Makes a new root key and wraps the domain keys anew under it. */
export async function rotateRootKey({
  custody,
  rows,
  commitSetting,
  store,
}: NodeState): Promise<void> {
  if (store.neighbours !== undefined) {
    // The empty transaction takes over what the store has; then what an interrupted rotation left in the key file can go.
    await rows.transaction(() => Promise.resolve())
    await custody.settleSeal()
  }
  await custody.rotateRootKey({ commit: commitSetting })
}
