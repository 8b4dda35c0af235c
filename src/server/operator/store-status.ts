import type { NodeState } from '../node/node-state.ts'

/** The parts of the status that the state knows. */
export async function storeStatus({ rows, custody, folder, store }: NodeState) {
  const { kind, location, schemaVersion } = store
  const { seal, rootKeyId, currentDomainKeyId: domainKeyId } = custody
  return {
    dataFolder: folder.path,
    store: { kind, location, schemaVersion, epoch: await rows.epoch() },
    seal: {
      kind: seal.kind,
      rootKeyId,
      ...(seal.location !== undefined && { location: seal.location }),
    },
    domainKeyId,
  }
}
