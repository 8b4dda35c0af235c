/**
 * A process that appends to an audit log on disk until it is killed or the disk refuses. Prints `ok N` for
 * each frame that was acknowledged and `failed CODE` for one that was not.
 * Arguments: folder, frames (0: endless), size of a segment.
 */
import { openAuditLog } from '../../src/audit/segments/open-audit-log.ts'
import { AUDIT_KEY, AUDIT_KEY_ID, aFrame, keptLog, NODE_ID, tickingClock } from './audit-fixture.ts'

const IN_FLIGHT = 16
const [folder = '', framesText = '0', segmentBytes = '65536'] = process.argv.slice(2)
const frames = Number(framesText)

const { log } = await openAuditLog({
  folder,
  nodeId: NODE_ID,
  macKey: AUDIT_KEY,
  macKeyId: AUDIT_KEY_ID,
  clock: tickingClock(),
  log: keptLog(),
  segmentBytes: Number(segmentBytes),
})

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown'

let next = log.head().sequence
let finished = 0
function appendNext(): void {
  const n = next
  if (frames > 0 && n >= frames) return
  next += 1
  log.append(aFrame(n, 200 + (n % 7) * 300), (error) => {
    process.stdout.write(error === undefined ? `ok ${n}\n` : `failed ${codeOf(error.cause)}\n`)
    finished += 1
    if (finished === frames) void log.close()
    else if (error === undefined) appendNext()
  })
}
for (let n = 0; n < IN_FLIGHT; n += 1) appendNext()
