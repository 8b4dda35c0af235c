import type { Registry } from '../../metrics/registry.ts'
import type { AnchorStats } from '../../outbound/anchors/anchoring.ts'
import type { ShipStats } from '../../outbound/shipping/trail-shipper.ts'

/** What the shipping of the audit trail tells, for each destination. */
export function measureShipping(
  registry: Registry,
  shipping: { stats(): readonly ShipStats[] },
): void {
  const labels = ['destination']
  const counter = (name: string, help: string) =>
    registry.counter({ name: `strongroom_shipping_${name}`, help, labels, showsZero: true })
  const files = counter('files_total', 'Files of the audit trail that were copied')
  const bytes = counter('bytes_total', 'Bytes of the audit trail that were copied')
  const failures = counter('failures_total', 'Rounds of copying that failed')
  const lost = counter(
    'unshippable_total',
    'Files that were gone or altered before they were copied',
  )
  const behind = registry.gauge({
    name: 'strongroom_shipping_behind_seconds',
    help: 'Since everything that was there had last been copied',
    labels,
  })
  registry.read(() => {
    for (const stats of shipping.stats()) {
      const { destination } = stats
      files.of(destination).value = stats.files + stats.digests
      bytes.of(destination).value = stats.bytes
      failures.of(destination).value = stats.failures
      lost.of(destination).value = stats.unshippable
      behind.of(destination).value = stats.behindMs / 1000
    }
  })
}

/** What the anchoring of the audit log tells, for each place. */
export function measureAnchors(
  registry: Registry,
  anchors: { stats(): readonly AnchorStats[] },
): void {
  const labels = ['target']
  const counter = (name: string, help: string) =>
    registry.counter({ name: `strongroom_anchors_${name}`, help, labels, showsZero: true })
  const made = counter('made_total', 'Anchors of the audit log that were made')
  const failures = counter('failures_total', 'Attempts to anchor that failed')
  const age = registry.gauge({
    name: 'strongroom_anchors_age_seconds',
    help: 'Since the last anchor was made, or since the start before the first',
    labels,
  })
  registry.read(() => {
    for (const stats of anchors.stats()) {
      made.of(stats.target).value = stats.anchors
      failures.of(stats.target).value = stats.failures
      age.of(stats.target).value = stats.ageMs / 1000
    }
  })
}
