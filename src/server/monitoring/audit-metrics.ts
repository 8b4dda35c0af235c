import type { AuditLog } from '../../audit/segments/audit-log.ts'
import type { TrailStats } from '../../audit/trail/trail-delivery.ts'
import type { Registry } from '../../metrics/registry.ts'
import type { Series } from '../../metrics/series.ts'

/** Makes metrics of one part of the node, all of them with its name in front. */
const named = (registry: Registry, part: string) => ({
  counter: (name: string, help: string): Series =>
    registry.counter({ name: `strongroom_${part}_${name}`, help }).of(),
  gauge: (name: string, help: string): Series =>
    registry.gauge({ name: `strongroom_${part}_${name}`, help }).of(),
})

/** What the audit log tells. */
export function measureAudit(registry: Registry, log: AuditLog): void {
  const { counter, gauge } = named(registry, 'audit')
  const frames = counter('frames_total', 'Frames that were written to the audit log')
  const bytes = counter('bytes_total', 'Bytes that were written to the audit log')
  const failures = counter('failures_total', 'Writes and changes of segment that failed')
  const lost = counter('frames_failed_total', 'Frames that were refused or whose write failed')
  const waiting = gauge('waiting_frames', 'Frames that wait for their write')
  const failing = gauge('failing', '1 while the log cannot be written and every call fails')
  const segment = gauge('segment', 'Number of the current segment')
  const sequence = gauge('sequence', 'Sequence number of the newest frame')
  registry.read(() => {
    const stats = log.stats()
    frames.value = stats.framesWritten
    bytes.value = stats.bytesWritten
    failures.value = stats.failures
    lost.value = stats.framesFailed
    waiting.value = stats.waitingFrames
    failing.value = stats.failing ? 1 : 0
    const head = log.head()
    segment.value = head.segment
    sequence.value = head.sequence
  })
}

/** What the delivery of log files and digests tells. */
export function measureTrail(registry: Registry, delivery: { stats(): TrailStats }): void {
  const { counter, gauge } = named(registry, 'trail')
  const files = counter('files_total', 'Log files that were delivered')
  const digests = counter('digests_total', 'Digest files that were delivered')
  const records = counter('records_total', 'CloudTrail records that were delivered')
  const bytes = counter('bytes_total', 'Bytes of log files that were delivered, compressed')
  const failures = counter('failures_total', 'Deliveries that failed and are tried again')
  const failing = gauge('failing', '1 from a failed delivery until one succeeds')
  const backlog = gauge('backlog_frames', 'Frames of the audit log that are not delivered yet')
  const age = registry.gauge({
    name: 'strongroom_trail_digest_age_seconds',
    help: 'Time since the end of the newest hour that has its digest; absent before the first',
  })
  registry.read(() => {
    const stats = delivery.stats()
    files.value = stats.filesWritten
    digests.value = stats.digestsWritten
    records.value = stats.recordsWritten
    bytes.value = stats.bytesWritten
    failures.value = stats.failures
    failing.value = stats.failing ? 1 : 0
    backlog.value = stats.backlogFrames
    age.clear()
    if (stats.secondsSinceDigest !== undefined) age.of().value = stats.secondsSinceDigest
  })
}
