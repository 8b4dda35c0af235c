import { type Instant, instant } from '../../../core/ids.ts'
import { type CloudWatchScope, defineOperation, metricScopeOf } from '../cloudwatch-operation.ts'
import type { Bucket, Periods } from '../metrics/buckets.ts'
import { findSource } from '../metrics/sources.ts'
import type { GetMetricDataInput, MetricDataQuery, MetricDataResult, MetricStat } from '../model.ts'
import { invalidNextToken, validationError } from '../refusals.ts'
import { dimensionValues, isPeriod, periodsOf, STATISTICS } from '../statistics.ts'

/** Source: Amazon CloudWatch API Reference, GetMetricData. */
const QUERIES_MAX = 500
const DATAPOINTS_MAX = 100_800
/** Periods that are looked at together. */
const WINDOW_PERIODS = 1440
/** Windows that one page looks at: then the next page goes on. */
const WINDOWS_PER_PAGE = 60
const ID = /^[a-z][a-zA-Z0-9_]*$/

function checkQuery(query: MetricDataQuery, accountId: string): void {
  const { Id, MetricStat: stat, Expression: expression, AccountId: owner } = query
  if (!ID.test(Id)) {
    throw validationError(
      `The value ${Id} for parameter Id is not valid: it begins with a lower-case letter, and has letters, digits and underscores.`,
    )
  }
  if ((stat === undefined) === (expression === undefined)) {
    throw validationError(
      `The query ${Id} must have either the parameter MetricStat or the parameter Expression.`,
    )
  }
  if (stat === undefined) {
    throw validationError(
      `The query ${Id} has an Expression: metric math and SEARCH are not supported, name the metric in MetricStat.`,
    )
  }
  if (owner !== undefined && owner !== accountId) {
    throw validationError(`The query ${Id} is about another account.`)
  }
  checkStat(Id, stat)
}

function checkStat(Id: string, { Metric, Period, Stat }: MetricStat): void {
  if (!isPeriod(Period)) {
    throw validationError(
      `The parameter Period of the query ${Id} must be 1, 5, 10, 30 or a multiple of 60.`,
    )
  }
  if (!STATISTICS.has(Stat)) {
    throw validationError(
      `The parameter Stat of the query ${Id} must be one of ${[...STATISTICS.keys()].join(', ')}.`,
    )
  }
  if (Metric.Namespace === undefined || Metric.MetricName === undefined) {
    throw validationError(`The metric of the query ${Id} must have a Namespace and a MetricName.`)
  }
  if (dimensionValues(Metric.Dimensions ?? []) === undefined) {
    throw validationError(`The metric of the query ${Id} has a dimension more than once.`)
  }
}

function check(input: GetMetricDataInput, { accountId }: { readonly accountId: string }): void {
  const { MetricDataQueries: queries, StartTime, EndTime, MaxDatapoints } = input
  if (StartTime >= EndTime) {
    throw validationError('The parameter StartTime must be less than the parameter EndTime.')
  }
  if (queries.length === 0 || queries.length > QUERIES_MAX) {
    throw validationError(`The parameter MetricDataQueries must have 1 to ${QUERIES_MAX} members.`)
  }
  if (new Set(queries.map(({ Id }) => Id)).size < queries.length) {
    throw validationError('The values for parameter id in MetricDataQueries are not unique')
  }
  if (MaxDatapoints !== undefined && MaxDatapoints < 1) {
    throw validationError('The parameter MaxDatapoints must be at least 1.')
  }
  for (const query of queries) checkQuery(query, accountId)
}

/** How far a page has got: in which query, and past how many of its periods in the order of the scan. */
interface Place {
  readonly query: number
  readonly periods: number
}

/** What is left of a page. */
interface Room {
  datapoints: number
  windows: number
}

const isAscending = ({ ScanBy }: GetMetricDataInput): boolean => ScanBy === 'TimestampAscending'

const countOf = ({ start, end, periodMs }: Periods): number => Math.ceil((end - start) / periodMs)

/** Some periods of all, counted from the end where the scan goes back in time. */
function windowOf(all: Periods, from: number, to: number, ascending: boolean): Periods {
  const at = (index: number): Instant => instant(all.start + index * all.periodMs)
  const [first, last] = ascending ? [from, to] : [countOf(all) - to, countOf(all) - from]
  return { ...all, start: at(first), end: instant(Math.min(at(last), all.end)) }
}

/** Reads on in one query while there is room. @returns the buckets in the order of the scan, and where the rest begins */
async function readQuery(
  scope: CloudWatchScope,
  input: GetMetricDataInput,
  { stat, from, room }: { readonly stat: MetricStat; readonly from: number; readonly room: Room },
): Promise<{ readonly buckets: readonly Bucket[]; readonly rest: number | undefined }> {
  const { Namespace = '', MetricName = '', Dimensions = [] } = stat.Metric
  const source = findSource(Namespace, MetricName)
  const dimensions = dimensionValues(Dimensions)
  const isThere = stat.Unit === undefined || stat.Unit === source?.unit
  if (source === undefined || dimensions === undefined || !isThere) {
    return { buckets: [], rest: undefined }
  }
  const ascending = isAscending(input)
  const span = { start: input.StartTime, end: input.EndTime, periodSeconds: stat.Period }
  const all = periodsOf(span, scope.call.time)
  const count = countOf(all)
  const buckets: Bucket[] = []
  for (let at = from; at < count; ) {
    if (room.windows === 0 || room.datapoints === 0) return { buckets, rest: at }
    const to = Math.min(at + Math.min(WINDOW_PERIODS, room.datapoints), count)
    const found = await source.read(
      metricScopeOf(scope),
      dimensions,
      windowOf(all, at, to, ascending),
    )
    buckets.push(...(ascending ? found : found.toReversed()))
    room.datapoints -= found.length
    room.windows -= 1
    at = to
  }
  return { buckets, rest: undefined }
}

function placeOf(
  { markers, call }: CloudWatchScope,
  asked: string,
  token: string | undefined,
): Place {
  if (token === undefined) return { query: 0, periods: 0 }
  const [query, periods] = markers.ofData.decode(call, asked, token).map(Number)
  if (query === undefined || periods === undefined) throw invalidNextToken()
  return { query, periods }
}

const resultOf = (
  { Id, Label }: MetricDataQuery,
  stat: MetricStat,
  read: { readonly buckets: readonly Bucket[]; readonly rest: number | undefined },
): MetricDataResult => ({
  Id,
  Label: Label ?? stat.Metric.MetricName,
  Timestamps: read.buckets.map(({ start }) => start),
  Values: read.buckets.map((bucket) => STATISTICS.get(stat.Stat)?.(bucket) ?? 0),
  StatusCode: read.rest === undefined ? 'Complete' : 'PartialData',
})

/**
 * The statistics of several metrics, newest first unless asked otherwise, page by page.
 * Source: Amazon CloudWatch API Reference, GetMetricData.
 */
export const getMetricData = defineOperation({
  name: 'GetMetricData',
  isDataEvent: true,
  check,
  async handle(input, scope) {
    const { NextToken, ...asked } = input
    const filter = JSON.stringify(asked)
    const place = placeOf(scope, filter, NextToken)
    const wanted = Math.min(input.MaxDatapoints ?? DATAPOINTS_MAX, DATAPOINTS_MAX)
    const room = { datapoints: wanted, windows: WINDOWS_PER_PAGE }
    const MetricDataResults: MetricDataResult[] = []
    for (const [index, query] of input.MetricDataQueries.entries()) {
      const { MetricStat: stat, ReturnData = true } = query
      if (index < place.query || stat === undefined || !ReturnData) continue
      const from = index === place.query ? place.periods : 0
      const read = await readQuery(scope, input, { stat, from, room })
      MetricDataResults.push(resultOf(query, stat, read))
      if (read.rest === undefined) continue
      const rest = [String(index), String(read.rest)]
      const token = scope.markers.ofData.encode(scope.call, filter, rest)
      return { MetricDataResults, NextToken: token, Messages: [] }
    }
    return { MetricDataResults, Messages: [] }
  },
})
