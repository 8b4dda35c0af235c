import type { Place } from '../../../core/arn.ts'
import type { AuditSearch } from '../../../core/audit-search.ts'
import type { Instant } from '../../../core/ids.ts'
import type { Records } from '../../../core/records.ts'
import type { StandardUnit } from '../model.ts'
import type { Bucket, Periods } from './buckets.ts'

/** Names and values, each name once. */
export type DimensionValues = Readonly<Record<string, string>>

/** What metrics are made from, as one call sees it: nothing of another account. */
export interface MetricScope {
  /** Whose metrics, and where. */
  readonly place: Place
  readonly records: Records
  readonly search: AuditSearch
  readonly now: Instant
}

/** All metrics of one name in one namespace. */
export interface MetricSource {
  readonly namespace: string
  readonly name: string
  readonly unit: StandardUnit
  /** The dimensions of every metric that has data since a time. */
  list(scope: MetricScope, since: Instant): Promise<readonly DimensionValues[]>
  /** The periods that have data, oldest first. Dimensions that no metric has give none. */
  read(
    scope: MetricScope,
    dimensions: DimensionValues,
    periods: Periods,
  ): Promise<readonly Bucket[]>
}

/** Whether dimensions are exactly those with these names. */
export const hasNames = (dimensions: DimensionValues, ...names: readonly string[]): boolean =>
  Object.keys(dimensions).length === names.length && names.every((name) => name in dimensions)
