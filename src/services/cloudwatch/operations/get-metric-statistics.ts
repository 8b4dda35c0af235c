import type { Instant } from '../../../core/ids.ts'
import { defineOperation, metricScopeOf } from '../cloudwatch-operation.ts'
import { findSource } from '../metrics/sources.ts'
import type { Datapoint, GetMetricStatisticsInput, Statistic } from '../model.ts'
import { invalidCombination, invalidValue } from '../refusals.ts'
import { dimensionValues, isPeriod, periodsOf, STATISTICS } from '../statistics.ts'

/** Source: Amazon CloudWatch API Reference, GetMetricStatistics. */
const DATAPOINTS_MAX = 1440

const spelled = (count: number): string => count.toLocaleString('en-US')

function check(input: GetMetricStatisticsInput): void {
  const { StartTime: start, EndTime: end, Period: period, Dimensions = [] } = input
  const { Statistics: statistics, ExtendedStatistics: extended } = input
  if (start >= end) {
    throw invalidCombination('The parameter StartTime must be less than the parameter EndTime.')
  }
  if (statistics === undefined && extended === undefined) {
    throw invalidCombination(
      'At least one of the parameters Statistics and ExtendedStatistics must be specified.',
    )
  }
  if (extended !== undefined) {
    throw invalidValue(
      'The parameter ExtendedStatistics is not supported: there are no percentiles.',
    )
  }
  if (!isPeriod(period)) {
    throw invalidValue('The parameter Period must be 1, 5, 10, 30 or a multiple of 60.')
  }
  if (dimensionValues(Dimensions) === undefined) {
    throw invalidValue('The parameter Dimensions has a name more than once.')
  }
  const asked = Math.ceil((end - start) / (period * 1000))
  if (asked > DATAPOINTS_MAX) {
    throw invalidCombination(
      `You have requested up to ${spelled(asked)} datapoints, which exceeds the limit of ${spelled(DATAPOINTS_MAX)}. ` +
        'You may reduce the datapoints requested by increasing Period, or decreasing the time range.',
    )
  }
}

/**
 * The statistics of one metric, a datapoint for each period that has data, oldest first.
 * Source: Amazon CloudWatch API Reference, GetMetricStatistics.
 */
export const getMetricStatistics = defineOperation({
  name: 'GetMetricStatistics',
  needs: ['Namespace', 'MetricName', 'StartTime', 'EndTime', 'Period'],
  check,
  async handle(input, scope) {
    const { Namespace, MetricName, Dimensions = [], Statistics = [], Unit } = input
    const source = findSource(Namespace, MetricName)
    const dimensions = dimensionValues(Dimensions)
    if (source === undefined || dimensions === undefined) {
      return { Label: MetricName, Datapoints: [] }
    }
    // What was measured in one unit is not there in another.
    if (Unit !== undefined && Unit !== source.unit) return { Label: MetricName, Datapoints: [] }
    const periods = periodsOf(
      { start: input.StartTime, end: input.EndTime, periodSeconds: input.Period },
      scope.call.time,
    )
    const buckets = await source.read(metricScopeOf(scope), dimensions, periods)
    const Datapoints = buckets.map((bucket): Datapoint => {
      const values = Statistics.map((name) => [name, STATISTICS.get(name)?.(bucket)] as const)
      return { ...datapointOf(bucket.start, values), Unit: source.unit }
    })
    return { Label: MetricName, Datapoints }
  },
})

const datapointOf = (
  Timestamp: Instant,
  values: readonly (readonly [Statistic, number | undefined])[],
): Datapoint => ({ Timestamp, ...Object.fromEntries(values) })
