import { existsSync } from 'node:fs'
import { FrameWriter } from '../audit/event.ts'
import type { ClientSettings, FolderOptions, OpenOperator } from '../cli/program.ts'
import { OperatorError } from '../core/errors.ts'
import type { NodeStatus } from '../core/operator.ts'
import { createRandom } from '../crypto/random.ts'
import { AuditTrail } from '../pipeline/audit-trail.ts'
import { machineClock } from './clocks.ts'
import { LocalOperator } from './local-operator.ts'
import { openNodeAudit } from './node-audit.ts'
import { type NodeFolder, nodeFolder } from './node-folder.ts'
import { openNodeState } from './node-state.ts'
import { createOperatorLog } from './operator-log.ts'
import { socketOperator } from './operator-socket.ts'
import { programVersion } from './version.ts'

/** The status of the node that runs on the folder; undefined when none answers. */
async function runningStatus(folder: NodeFolder): Promise<NodeStatus | undefined> {
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
  try {
    const auditOptions = { auditDurability: 'sync', acceptAuditDamage: false } as const
    const audit = await openNodeAudit(state, auditOptions, parts)
    await audit.recoverOutbox()
    const operator = new LocalOperator({
      ...parts,
      state,
      trail: new AuditTrail(audit.log, state.rows),
      frames: new FrameWriter(),
      describe: () => ({ version: programVersion(), running: false, audit: audit.describe() }),
    })
    return {
      operator,
      async close() {
        await audit.saveHead()
        await audit.log.close()
        await state.close()
      },
    }
  } catch (error) {
    await state.close()
    throw error
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
