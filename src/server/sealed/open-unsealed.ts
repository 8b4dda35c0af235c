import type { StartOptions } from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'
import { nodeFolder } from '../node/node-folder.ts'
import { type NodeState, openNodeState, type StateParts } from '../node/node-state.ts'
import type { ChosenTls } from '../tls/node-tls.ts'
import { SealedNode } from './sealed-node.ts'

/** Each worker would wait for shares of its own, and anew whenever it is started again. */
const cannotWait = (): Promise<never> =>
  Promise.reject(
    new OperatorError(
      'several processes cannot wait for the shares of the root key',
      'name files that hold them with --share-file, or start without --workers',
    ),
  )

/**
 * Opens the state of a node that is to serve. Where its root key is in shares, it waits for them, sealed, unless files hold them.
 * @returns also the port to serve on: clients of a sealed node go on with the one that they know
 */
export async function openUnsealed(
  options: StartOptions,
  parts: StateParts,
  { tls, given }: ChosenTls,
): Promise<{ readonly state: NodeState; readonly port: number }> {
  const sealed = new SealedNode({
    options,
    operatorSocket: nodeFolder(options).operatorSocket,
    endpoint: given ?? (tls.kind === 'own' ? 'closed' : 'plain'),
    log: parts.log,
  })
  const ask = options.worker === undefined ? sealed.nextShare.bind(sealed) : cannotWait
  const readShare = options.hasShareFiles ? options.readShare : ask
  try {
    const state = await openNodeState({ ...options, readShare }, parts, 'any')
    await sealed.close('unsealed')
    return { state, port: sealed.port ?? options.port }
  } catch (error) {
    await sealed.close(error instanceof Error ? error : new Error('the store was not opened'))
    throw error
  }
}
