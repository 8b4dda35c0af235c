import type { InitializedFolder, StartOptions } from '../cli/program.ts'
import { OperatorError } from '../core/errors.ts'
import type { Log } from '../core/ports.ts'
import { parseRegion } from '../core/regions.ts'
import { createRandom } from '../crypto/random.ts'
import { machineClock } from './clocks.ts'
import { type NodeState, openNodeState, type StateParts } from './node/node-state.ts'
import { createOperatorLog } from './operator/operator-log.ts'
import { ensureAuthority } from './tls/tls-credentials.ts'

/** @throws OperatorError for what is no Region */
export function assertRegion(region: string): void {
  if (parseRegion(region) === undefined) {
    throw new OperatorError(
      `there is no Region '${region}'`,
      'name one of AWS, such as eu-central-1',
    )
  }
}

/** What everything in a process shares. */
export const partsOf = (log: Log): StateParts => ({
  clock: machineClock,
  random: createRandom(),
  log,
})

/** Told what the first start shows: where the credential is, and the files beside it. */
export type OnFolderMade = (folder: InitializedFolder) => void

/** What the first start shows; undefined for a folder that had a store. */
export function describeFirst(state: NodeState): InitializedFolder | undefined {
  const { firstCredential, folder, custody } = state
  if (firstCredential === undefined) return undefined
  return {
    ...firstCredential,
    credentialsFile: folder.credentialsFile,
    caFile: folder.caFile,
    ...(custody.seal.kind === 'keyfile' && { keyfile: folder.keyfile }),
  }
}

/**
 * Makes a data folder: store, seal, first account, certificate authority.
 * @throws OperatorError also when there is one already
 */
export async function initFolder(
  options: StartOptions,
  onFolderMade: OnFolderMade = () => undefined,
): Promise<InitializedFolder> {
  assertRegion(options.region)
  const parts = partsOf(createOperatorLog(options.logLevel))
  const state = await openNodeState(options, parts, 'any')
  try {
    const first = describeFirst(state)
    if (first === undefined) {
      throw new OperatorError(
        `${state.folder.path} is initialized already`,
        'start it with strongroom start, or choose another folder with --data',
      )
    }
    onFolderMade(first)
    await ensureAuthority(state, parts)
    return first
  } finally {
    await state.close()
  }
}
