import { instant } from '../../../core/ids.ts'
import { type CloudWatchScope, defineOperation, metricScopeOf } from '../cloudwatch-operation.ts'
import type { DimensionValues } from '../metrics/metric-source.ts'
import { METRIC_SOURCES } from '../metrics/sources.ts'
import type { DimensionFilter, ListMetricsInput, Metric } from '../model.ts'
import { invalidListToken } from '../refusals.ts'

/** Source: Amazon CloudWatch API Reference, ListMetrics. */
const PAGE_METRICS = 500
const LISTED_MS = 14 * 86_400_000
const RECENTLY_MS = 3 * 3_600_000

const matches = (dimensions: DimensionValues, filters: readonly DimensionFilter[]): boolean =>
  filters.every(({ Name, Value }) => {
    const value = Object.hasOwn(dimensions, Name) ? dimensions[Name] : undefined
    return value !== undefined && (Value === undefined || Value === value)
  })

async function metricsOf(
  input: ListMetricsInput,
  scope: CloudWatchScope,
): Promise<readonly Metric[]> {
  const { Namespace: namespace, MetricName: name, Dimensions = [], OwningAccount: owner } = input
  if (owner !== undefined && owner !== scope.call.accountId) return []
  const age = input.RecentlyActive === undefined ? LISTED_MS : RECENTLY_MS
  const since = instant(scope.call.time - age)
  const metrics: Metric[] = []
  for (const source of METRIC_SOURCES) {
    if (namespace !== undefined && source.namespace !== namespace) continue
    if (name !== undefined && source.name !== name) continue
    for (const dimensions of await source.list(metricScopeOf(scope), since)) {
      if (!matches(dimensions, Dimensions)) continue
      metrics.push({
        Namespace: source.namespace,
        MetricName: source.name,
        Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      })
    }
  }
  return metrics
}

/**
 * The metrics that had data in the last two weeks, 500 a page.
 * Source: Amazon CloudWatch API Reference, ListMetrics.
 */
export const listMetrics = defineOperation({
  name: 'ListMetrics',
  async handle(input, scope) {
    const { markers, call } = scope
    const { NextToken, ...filter } = input
    const asked = JSON.stringify(filter)
    const start = NextToken === undefined ? 0 : Number(startOf(scope, asked, NextToken))
    const metrics = await metricsOf(input, scope)
    const end = start + PAGE_METRICS
    return {
      Metrics: metrics.slice(start, end),
      ...(metrics.length > end && {
        NextToken: markers.ofList.encode(call, asked, [String(end)]),
      }),
    }
  },
})

function startOf({ markers, call }: CloudWatchScope, asked: string, token: string): string {
  const [start] = markers.ofList.decode(call, asked, token)
  if (start === undefined) throw invalidListToken()
  return start
}
