import { parseRecord } from '../../audit/trail/check-log-file.ts'
import { DigestHeads } from '../../audit/trail/digest-checks.ts'
import { type EventPlace, proveEvent } from '../../audit/trail/event-proof.ts'
import { diskTrailCopy } from '../../audit/trail/trail-copy.ts'
import { isoSeconds } from '../../audit/trail/trail-format.ts'
import { parseIsoSeconds } from '../../audit/trail/trail-names.ts'
import { parseTrustedKeys } from '../../audit/trail/trusted-keys.ts'
import { verifyTrail } from '../../audit/trail/verify-trail.ts'
import type {
  ProveOptions,
  TrailCounts,
  TrailVerdict,
  TrailVerifyOptions,
} from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'
import { floorHour, HOUR_MS } from '../../core/hours.ts'
import { instant, plusMs } from '../../core/ids.ts'
import { machineClock } from '../clocks.ts'
import { nodeFolder } from '../node/node-folder.ts'
import { verifyNodeLog } from './audit-commands.ts'
import { openEventLookup } from './event-lookup.ts'
import { anchorOf, viewOf } from './store-view.ts'

/**
 * Checks a copy of the trail. It needs no node: whoever has the public key can do it anywhere. With one, the copy is held
 * against its store and its log as well.
 */
export async function auditVerifyTrail(
  options: TrailVerifyOptions,
  onProgress: (counts: TrailCounts) => void,
): Promise<TrailVerdict> {
  const { folder, publicKeys, until, anchors, accountId, allowUnsignedNewest, node } = options
  const heads = new DigestHeads()
  const view = node && (await viewOf(node))
  const trail = await verifyTrail(diskTrailCopy(folder), {
    keys: parseTrustedKeys(publicKeys),
    until: until === undefined ? machineClock.now() : instant(until),
    anchors,
    known: view === undefined || typeof view === 'string' ? undefined : anchorOf(view),
    heads,
    accountId,
    allowUnsignedNewest,
    onProgress,
  })
  if (node === undefined || view === undefined) return trail
  const noted = heads.all().map((head) => ({ ...head, where: 'a digest of the trail' }))
  return { ...trail, log: await verifyNodeLog({ ...node, anchors }, view, noted) }
}

/**
 * The proof of one event, as JSON: from a copy of the trail, or from a node's own, which may be running.
 * @param onProgress told how many frames of the node's log are indexed, and of how many
 */
export async function auditProve(
  options: ProveOptions,
  onProgress: (done: number, of: number) => void,
): Promise<string> {
  const { eventId, copy } = options
  const folder = nodeFolder(options)
  const place = copy === undefined ? await placeInLog(options, onProgress) : undefined
  const from = diskTrailCopy(copy ?? folder.trailFolder)
  // A node that is new has no trail yet, and what it was asked all the same.
  const isEmpty = place !== undefined && (await from.entries('')).length === 0
  const proof = isEmpty ? undefined : await proveEvent(from, eventId, place)
  if (proof === undefined && place === undefined) {
    const where = copy === undefined ? `the log in ${folder.auditFolder}` : `the trail in ${copy}`
    throw new OperatorError(
      `there is no event ${eventId} in ${where}`,
      'an event id is the eventID of a record, as `strongroom audit cat` prints it',
    )
  }
  if (proof === undefined || proof === 'open') throw notYet(eventId, place)
  return JSON.stringify(proof, undefined, 2)
}

function notYet(eventId: string, place: EventPlace | undefined): OperatorError {
  const end = place && plusMs(floorHour(place.time), HOUR_MS)
  const isOverdue = end !== undefined && machineClock.now() > end + DIGEST_DELAY_MS
  const when = end === undefined ? 'the end of its hour' : isoSeconds(end)
  return new OperatorError(
    `event ${eventId} is recorded, and no digest covers it yet`,
    isOverdue
      ? `the digest of the hour that ended at ${when} is overdue: a running node writes it, and says in its log why it cannot`
      : `it can be proven when its hour is closed, shortly after ${when}`,
  )
}

/** A running node writes the digests of an hour within seconds. */
const DIGEST_DELAY_MS = 300_000

/** What the node's log says of an event; undefined where it does not have it, or not any more. */
async function placeInLog(
  options: ProveOptions,
  onProgress: (done: number, of: number) => void,
): Promise<EventPlace | undefined> {
  const { eventId } = options
  const open = await openEventLookup(options)
  try {
    await open.catchUp(onProgress)
    const query = { eventId, order: 'newest-first', limit: 1 } as const
    const [found] = (await open.lookup.searchEvents(query)).events
    const record = found && parseRecord(Buffer.from(found.text))
    const time = record && parseIsoSeconds(record.eventTime)
    return record === undefined || time === undefined
      ? undefined
      : { accountId: record.recipientAccountId, region: record.awsRegion, time }
  } finally {
    await open.close()
  }
}
