import { isoSeconds } from '../../audit/trail/trail-format.ts'
import { parseDigestKey } from '../../audit/trail/trail-names.ts'
import type { TrailSigningKeys } from '../../audit/trail/trail-signing-keys.ts'
import type { Instant } from '../../core/ids.ts'
import type { TrailHead } from '../../core/trail-tables.ts'

/** How far a node's log had got at some time, and what digests it had written. */
export interface AnchorFacts {
  readonly time: Instant
  readonly nodeId: string
  readonly sequence: number
  /** The chain value of the log after that frame, 64 hex digits. */
  readonly chain: string
  /** Of these the newest digests are named; one that has none is left out. */
  readonly heads: readonly TrailHead[]
}

/** What stands in front of an anchor's text when it is signed: nothing else that the key signs begins like it. */
const SIGNED_AS = 'strongroom anchor\n'

function digestOf({ accountId, region, digest }: TrailHead) {
  const end = digest && parseDigestKey(digest.key)?.end
  if (digest === undefined || end === undefined) return []
  const { signature } = digest
  return [{ accountId, region, digestEndTime: isoSeconds(end), signature }]
}

/**
 * An anchor as one line of JSON without its line break, signed with the key that signs digests.
 * Source: docs/formats/audit-trail.md, Anchors.
 */
export async function anchorLine(
  { time, nodeId, sequence, chain, heads }: AnchorFacts,
  keys: Pick<TrailSigningKeys, 'signerFor'>,
): Promise<string> {
  const digests = heads.flatMap(digestOf)
  const iso = new Date(time).toISOString()
  const text = JSON.stringify({ time: iso, nodeId, sequence, chain, digests })
  const signer = await keys.signerFor(time)
  const signature = await signer.sign(SIGNED_AS + text)
  return withMembers(text, { keyFingerprint: signer.fingerprint, signature })
}

/** The same object with more members behind the others, whose bytes stay. */
export const withMembers = (object: string, members: object): string =>
  `${object.slice(0, -1)},${JSON.stringify(members).slice(1)}`
