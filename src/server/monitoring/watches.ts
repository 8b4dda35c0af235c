import type { Log } from '../../core/ports.ts'
import type { CallWatch } from '../../pipeline/call-watch.ts'
import { assertWebUrl } from '../node/web-url.ts'
import { programVersion } from '../version.ts'
import { callTraces } from './call-traces.ts'
import { OtlpExporter, textAttribute } from './otlp-exporter.ts'
import { requestLog } from './request-log.ts'

/** What is to be told of calls besides their metrics. */
export interface WatchOptions {
  readonly logRequests?: boolean | undefined
  /** `http://127.0.0.1:4318` */
  readonly otlpEndpoint?: string | undefined
  /** 0 to 1. */
  readonly traceSample?: number | undefined
}

/** A watch that has something of its own to end. */
export type OwnedWatch = CallWatch & { close(): Promise<void> }

/** Of the requests whose callers do not say whether they are traced. */
const TRACE_SAMPLE_DEFAULT = 0.01

/** Begins what was asked for. @throws OperatorError for an endpoint that is no URL */
export function openWatches(options: WatchOptions, log: Log): readonly OwnedWatch[] {
  const watches: OwnedWatch[] = []
  const { otlpEndpoint, traceSample = TRACE_SAMPLE_DEFAULT } = options
  if (otlpEndpoint !== undefined) {
    // Spans name operations and request ids alone: plain HTTP within a network is usual for them.
    const plain = { isAllowed: true, flag: '' }
    const url = assertWebUrl('--otlp-endpoint', otlpEndpoint, plain)
    const resource = [
      textAttribute('service.name', 'strongroom'),
      textAttribute('service.version', programVersion()),
    ]
    watches.push(callTraces(new OtlpExporter(url, resource, log), traceSample))
  }
  if (options.logRequests === true) watches.push(requestLog())
  return watches
}

/** Several watches as one. At most one of them may ask for stages. */
export function allWatches(first: CallWatch, others: readonly CallWatch[]): CallWatch {
  if (others.length === 0) return first
  const all = [first, ...others]
  const begin = all.find((watch) => watch.begin !== undefined)?.begin
  return {
    now: first.now,
    ...(begin !== undefined && { begin }),
    ended(progress) {
      for (const watch of all) watch.ended(progress)
    },
  }
}
