/**
 * A node's log and trail on disk, whose clock gains eleven minutes with each event: it prints `ok ID` for each event that
 * was acknowledged, delivers and closes hours all the time, until it is killed or has made so many events.
 * Arguments: folder, events (0: endless), name of the round.
 */
import { openAuditLog } from '../../src/audit/segments/open-audit-log.ts'
import { logSource } from '../../src/audit/trail/log-source.ts'
import { diskTrailObjects } from '../../src/audit/trail/trail-objects-disk.ts'
import { DAY_MS, plusMs } from '../../src/core/ids.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { composeTrail } from '../../src/server/node/compose-trail.ts'
import { nodeIdOf } from '../../src/server/node/node-id.ts'
import { openNodeState } from '../../src/server/node/node-state.ts'
import { callFrame, folderOptions, HOUR, MINUTE, StandingClock } from '../support/trail-fixture.ts'
import { append, keptLog } from './audit-fixture.ts'

const [folder = '', eventsText = '0', round = '0'] = process.argv.slice(2)
const events = Number(eventsText)
const clock = new StandingClock()
// Each round begins where no clock of an earlier one has come.
clock.time = plusMs(clock.time, Number(round) * 400 * DAY_MS)
const log = keptLog()

const state = await openNodeState(
  folderOptions(folder),
  { clock, random: createRandom(), log },
  'any',
)
const nodeId = nodeIdOf(state.folder, createRandom())
const { id: macKeyId, key: macKey } = state.custody.auditMacKey()
const { auditFolder: files } = state.folder
const opened = await openAuditLog({
  folder: files,
  nodeId,
  macKey,
  macKeyId,
  clock,
  log,
  segmentBytes: 65_536,
})
const { delivery } = composeTrail({
  source: logSource({ nodeId, files, head: () => opened.log.head(), log }),
  records: state.records,
  objects: diskTrailObjects(state.folder.trailFolder),
  homeRegion: 'us-east-1',
  clock,
  log,
})

const last = events === 0 ? Number.POSITIVE_INFINITY : events
for (let n = 0; n < last; n += 1) {
  const id = `${round}-${n}`
  const error = await append(opened.log, callFrame(id, clock.now()))
  if (error !== undefined) throw error
  process.stdout.write(`ok ${id}\n`)
  clock.advance(11 * MINUTE)
  if (n % 3 === 0) await delivery.catchUp()
  await delivery.closeDueHours(clock.now())
}
clock.advance(HOUR)
await delivery.closeDueHours(clock.now())
await opened.log.close()
await state.close()
