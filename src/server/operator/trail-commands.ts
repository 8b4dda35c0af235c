import { diskTrailCopy } from '../../audit/trail/trail-copy.ts'
import { parseTrustedKeys } from '../../audit/trail/trusted-keys.ts'
import { verifyTrail } from '../../audit/trail/verify-trail.ts'
import type { TrailCounts, TrailVerdict, TrailVerifyOptions } from '../../cli/program.ts'
import { instant } from '../../core/ids.ts'
import { machineClock } from '../clocks.ts'

/** Checks a copy of the trail. It needs no node: whoever has the public key can do it anywhere. */
export async function auditVerifyTrail(
  { folder, publicKeys, until, anchors, accountId, allowUnsignedNewest }: TrailVerifyOptions,
  onProgress: (counts: TrailCounts) => void,
): Promise<TrailVerdict> {
  return verifyTrail(diskTrailCopy(folder), {
    keys: parseTrustedKeys(publicKeys),
    until: until === undefined ? machineClock.now() : instant(until),
    anchors,
    accountId,
    allowUnsignedNewest,
    onProgress,
  })
}
