import { CALL_COUNT } from './call-count.ts'
import { MATERIAL_EXPIRATION } from './material-expiration.ts'
import type { MetricSource } from './metric-source.ts'
import { SUCCESSFUL_REQUEST } from './successful-request.ts'

/** Every metric that there is, in the order in which they are listed. */
export const METRIC_SOURCES: readonly MetricSource[] = [
  MATERIAL_EXPIRATION,
  SUCCESSFUL_REQUEST,
  CALL_COUNT,
]

export const findSource = (namespace: string, name: string): MetricSource | undefined =>
  METRIC_SOURCES.find((source) => source.namespace === namespace && source.name === name)
