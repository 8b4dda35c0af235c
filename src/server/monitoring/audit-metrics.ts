import type { IndexStats } from '../../audit/event-index/audit-index.ts'
import type { AuditLog } from '../../audit/segments/audit-log.ts'
import type { TrailStats } from '../../audit/trail/trail-delivery.ts'
import type { Registry } from '../../metrics/registry.ts'
import type { Series } from '../../metrics/series.ts'
import type { FeedStats } from '../../outbound/events/event-feed.ts'

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

/** What the index of the audit log tells. */
export function measureIndex(registry: Registry, index: { stats(): IndexStats }): void {
  const { counter, gauge } = named(registry, 'audit_index')
  const lag = gauge('lag_frames', 'Frames of the audit log that are not in its index yet')
  const events = gauge('events', 'Events in the index')
  const bytes = gauge('bytes', 'Size of the index')
  const rebuilds = counter('rebuilds_total', 'How often the index was made from the beginning')
  registry.read(() => {
    const stats = index.stats()
    lag.value = stats.lagFrames
    events.value = stats.events
    bytes.value = stats.bytes
    rebuilds.value = stats.rebuilds
  })
}

/** What the delivery of events tells, for each sink. */
export function measureEvents(registry: Registry, feeds: { stats(): readonly FeedStats[] }): void {
  const labels = ['sink']
  const counter = (name: string, help: string) =>
    registry.counter({ name: `strongroom_events_${name}`, help, labels, showsZero: true })
  const gauge = (name: string, help: string) =>
    registry.gauge({ name: `strongroom_events_${name}`, help, labels })
  const delivered = counter('delivered_total', 'Events that a sink has taken')
  const failures = counter('failures_total', 'Attempts to deliver events that failed')
  const behind = gauge('behind_frames', 'Frames of the audit log not looked at yet for a sink')
  const held = gauge('held', 'Events that a sink has not taken and that are tried again')
  const dead = gauge('dead_letters', 'Events that were given up and wait for an operator')
  const oldest = gauge('oldest_seconds', 'How long the oldest event has been waiting')
  const disabled = gauge('disabled', '1 when a sink has said that it wants no more')
  registry.read(() => {
    for (const stats of feeds.stats()) {
      delivered.of(stats.sink).value = stats.delivered
      failures.of(stats.sink).value = stats.failures
      behind.of(stats.sink).value = stats.behind
      held.of(stats.sink).value = stats.held
      dead.of(stats.sink).value = stats.deadLetters
      oldest.of(stats.sink).value = stats.oldestMs / 1000
      disabled.of(stats.sink).value = stats.disabled === undefined ? 0 : 1
    }
  })
}
