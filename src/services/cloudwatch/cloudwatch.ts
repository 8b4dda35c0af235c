import type { AuditSearch } from '../../core/audit-search.ts'
import { CallRate } from '../../pipeline/call-rate.ts'
import type { Codec } from '../../pipeline/codec.ts'
import type { AnyOperation } from '../../pipeline/operation.ts'
import type { Service } from '../../pipeline/service.ts'
import type { CloudWatchMarkers, CloudWatchScope } from './cloudwatch-operation.ts'
import { CLOUDWATCH_MODEL, type OperationName } from './model.ts'
import { getMetricData } from './operations/get-metric-data.ts'
import { getMetricStatistics } from './operations/get-metric-statistics.ts'
import { listMetrics } from './operations/list-metrics.ts'
import { rateExceeded } from './refusals.ts'

export interface CloudWatchParts {
  readonly codec: Codec
  readonly markers: CloudWatchMarkers
  readonly search: AuditSearch
  /** Whether calls are held to AWS's rates. */
  readonly hasQuotas: boolean
}

/** In a second, for each account and Region. Source: Amazon CloudWatch User Guide, Service quotas. */
const RATES: ReadonlyMap<string, number> = new Map([
  ['GetMetricData', 50],
  ['GetMetricStatistics', 400],
  ['ListMetrics', 25],
])

/** CloudWatch as far as reading the metrics of KMS goes. */
export function createCloudWatch({ codec, hasQuotas, ...parts }: CloudWatchParts): Service {
  const operations: Readonly<Record<OperationName, AnyOperation>> = {
    GetMetricData: getMetricData,
    GetMetricStatistics: getMetricStatistics,
    ListMetrics: listMetrics,
  }
  return {
    name: CLOUDWATCH_MODEL.service,
    eventSource: 'monitoring.amazonaws.com',
    codec,
    operations: new Map(Object.entries(operations)),
    throttle: hasQuotas ? new CallRate(RATES, rateExceeded).count : undefined,
    internalError: 'InternalServiceFault',
    openScope: (scope): CloudWatchScope => ({ ...scope, ...parts }),
  }
}
