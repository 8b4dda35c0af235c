import { OperatorError } from '../../core/errors.ts'
import type { RowStore } from '../../core/store.ts'

/** Which node ships where, of places that several nodes reach: JSON, the place and the node's id. */
const SETTING = 'ship-places'

/** A folder is one of this machine. */
const isShared = (place: string): boolean => place.startsWith('s3:')

function parseOwners(text: string | undefined): ReadonlyMap<string, string> {
  // Written by `claimPlaces` and nobody else.
  return new Map(Object.entries(JSON.parse(text ?? '{}') as Readonly<Record<string, string>>))
}

/**
 * Makes sure that no other node of the store ships to the same place: digests of two nodes have the same names there,
 * and each would be written over by the other's. Places that the node named at an earlier start are free again.
 * @param claim.known the ids of the other nodes; what one had that is not among them is free
 * @throws {OperatorError} where another node has one of the places
 */
export async function claimPlaces(
  rows: Pick<RowStore, 'setting' | 'transaction'>,
  claim: {
    readonly nodeId: string
    readonly places: readonly string[]
    readonly known: readonly string[]
  },
): Promise<void> {
  const { nodeId, known } = claim
  const places = claim.places.filter(isShared)
  const next = (text: string | undefined): string => {
    const owners = [...parseOwners(text)].filter(
      ([, owner]) => owner !== nodeId && known.includes(owner),
    )
    const taken = owners.find(([place]) => places.includes(place))
    if (taken !== undefined) throw takenBy(...taken)
    return JSON.stringify(Object.fromEntries([...owners, ...places.map((at) => [at, nodeId])]))
  }
  const present = await rows.setting(SETTING)
  // Nobody ships, or all is as it was: then nothing is written.
  if (next(present) === (present ?? '{}')) return
  await rows.transaction(async (tx) => tx.setSetting(SETTING, next(await tx.setting(SETTING))))
}

const takenBy = (place: string, owner: string): OperatorError =>
  new OperatorError(
    `the node ${owner} of this store ships to ${place} already: digests of two nodes have the same names there`,
    'give each node a place of its own, such as s3://BUCKET/NODE; a node that is gone for good gives its place up with strongroom node forget',
  )
