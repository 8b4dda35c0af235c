import { OperatorError } from '../../core/errors.ts'
import type { NodeSummary } from '../../core/operator.ts'
import { findNodeId } from '../node/node-id.ts'
import type { NodeState } from '../node/node-state.ts'
import { NodeAway } from '../peers/node-away.ts'

type StateOfNode = Pick<NodeState, 'store' | 'folder'>

/** The nodes of the store, this one first. Takes seconds where one may have been killed. */
export async function listNodes({ store, folder }: StateOfNode): Promise<readonly NodeSummary[]> {
  const own = findNodeId(folder)
  const others = (await store.neighbours?.()) ?? []
  return [
    ...(own === undefined ? [] : [{ nodeId: own, state: 'this' as const, waitingRecords: 0 }]),
    ...others.map(({ nodeId, isLive, frames }) => ({
      nodeId,
      state: isLive ? ('running' as const) : ('stopped' as const),
      waitingRecords: frames,
    })),
  ]
}

/**
 * Forgets a node that is gone for good: nobody waits for what is in its audit log any more.
 * @throws {OperatorError} for one that runs, or whose last records are not in any log yet
 */
export async function forgetNode({ store, folder }: StateOfNode, given: unknown): Promise<string> {
  const { mail } = store
  if (mail === undefined) {
    throw new OperatorError('the store is that of this node alone')
  }
  const node = (await listNodes({ store, folder })).find(({ nodeId }) => nodeId === given)
  if (node === undefined) {
    throw new OperatorError('there is no such node', 'strongroom node list shows those there are')
  }
  if (node.state !== 'stopped') {
    throw new OperatorError(
      'the node runs',
      'stop it first; one that was killed counts as running until a change has waited for it in vain',
    )
  }
  if (node.waitingRecords > 0 || !(await mail.forget(node.nodeId))) {
    throw new OperatorError(
      'audit records of the node wait in the store',
      'start it once more, or wait until another node has taken them over: ten minutes after it fell silent',
    )
  }
  return node.nodeId
}

/** Which node or worker did not answer is for the operator to know. @throws {OperatorError} */
export function tellWhoIsAway(error: unknown): never {
  if (!(error instanceof NodeAway)) throw error
  throw new OperatorError(error.message, AWAY_HINT, { cause: error })
}

const AWAY_HINT =
  'start it; one that is gone for good is forgotten with strongroom node forget; audit search and audit stats look at this node alone with --this-node'
