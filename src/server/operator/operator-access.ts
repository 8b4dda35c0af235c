import { existsSync } from 'node:fs'
import { FrameWriter } from '../../audit/event.ts'
import type { AuditIndex } from '../../audit/event-index/audit-index.ts'
import type { ClientSettings, FolderOptions, OpenOperator, UnsealState } from '../../cli/program.ts'
import type { AuditSearch } from '../../core/audit-search.ts'
import { OperatorError } from '../../core/errors.ts'
import type { NodeStatus } from '../../core/operator.ts'
import { createRandom } from '../../crypto/random.ts'
import { AuditTrail } from '../../pipeline/audit-trail.ts'
import { machineClock } from '../clocks.ts'
import { describeStoppedAudit, type NodeAudit, openNodeAudit } from '../node/node-audit.ts'
import { type NodeFolder, nodeFolder } from '../node/node-folder.ts'
import { findNodeId } from '../node/node-id.ts'
import { openNodeIndex } from '../node/node-index.ts'
import { type NodeState, openNodeState, type StateParts } from '../node/node-state.ts'
import { programVersion } from '../version.ts'
import { LocalOperator } from './local-operator.ts'
import { createOperatorLog } from './operator-log.ts'
import { giveShare, socketOperator } from './operator-socket.ts'

/** The status of the node that runs on the folder; undefined when none answers. */
export async function runningStatus(folder: NodeFolder): Promise<NodeStatus | undefined> {
  if (!existsSync(folder.operatorSocket)) return undefined
  try {
    return await socketOperator(folder.operatorSocket).status()
  } catch (error) {
    if (error instanceof OperatorError) throw error
    // Nobody listens: the socket is what a killed node left behind.
    return undefined
  }
}

/**
 * The operator of a folder: the running node's, or one of our own on the store, opened exclusively.
 * @throws OperatorError when there is no store, or it does not open
 */
export async function openOperator(options: FolderOptions): Promise<OpenOperator> {
  const folder = nodeFolder(options)
  if ((await runningStatus(folder)) !== undefined) {
    return { operator: socketOperator(folder.operatorSocket), close: () => Promise.resolve() }
  }
  const parts = { clock: machineClock, random: createRandom(), log: createOperatorLog('warn') }
  const state = await openNodeState(options, parts, 'existing')
  const log = new LogOnDemand(state, parts)
  const operator = new LocalOperator({
    ...parts,
    state,
    openTrail: () => log.openTrail(),
    openSearch: async () => log.openSearch(),
    frames: new FrameWriter(),
    describe: async () => ({
      version: programVersion(),
      running: false,
      audit: await describeStoppedAudit(state),
    }),
  })
  return {
    operator,
    async close() {
      await log.close()
      await state.close()
    },
  }
}

/** The audit log of a stopped node, and its index: opened by the first command that needs them. */
class LogOnDemand {
  readonly #state: NodeState
  readonly #parts: StateParts
  #audit: NodeAudit | undefined
  #index: AuditIndex | undefined

  constructor(state: NodeState, parts: StateParts) {
    this.#state = state
    this.#parts = parts
  }

  /** @throws OperatorError when the log is damaged */
  async openTrail(): Promise<AuditTrail> {
    if (this.#audit === undefined) {
      const options = { auditDurability: 'sync', acceptAuditDamage: false } as const
      this.#audit = await openNodeAudit(this.#state, options, this.#parts)
      await this.#audit.recoverOutbox()
    }
    return new AuditTrail(this.#audit.log, this.#state.rows)
  }

  /** @throws OperatorError where the folder does not say whose it is */
  openSearch(): AuditSearch {
    const { folder } = this.#state
    // Without an id there is no log either that could belong to another node.
    const nodeId = findNodeId(folder) ?? ''
    return (this.#index ??= openNodeIndex(folder, { nodeId, log: this.#parts.log }))
  }

  async close(): Promise<void> {
    await this.#index?.close()
    await this.#audit?.saveHead()
    await this.#audit?.log.close()
  }
}

/** What an AWS client needs to reach the node of a folder. */
export async function describeClient(options: {
  readonly dataFolder: string
}): Promise<ClientSettings> {
  const folder = nodeFolder({ ...options, store: undefined, keyfile: undefined })
  const status = await runningStatus(folder)
  return {
    endpoint: status?.endpoint,
    region: status?.region,
    credentialsFile: folder.credentialsFile,
    caFile: status?.caFile,
  }
}

/** Gives a share to the sealed node of a folder. @throws OperatorError where none waits for one */
export async function unseal(options: {
  readonly dataFolder: string
  readonly share: string
}): Promise<UnsealState> {
  const folder = nodeFolder({ ...options, store: undefined, keyfile: undefined })
  try {
    return await giveShare(folder.operatorSocket, options.share)
  } catch (error) {
    if (error instanceof OperatorError) throw error
    throw new OperatorError(
      `no node runs on ${folder.path}`,
      'start it first: it says that it is sealed, and waits',
      { cause: error },
    )
  }
}
