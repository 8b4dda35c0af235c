import type { HttpRequest } from '../../core/transport.ts'
import { outcomeOf } from '../../metrics/call-meter.ts'
import type { Progress } from '../../pipeline/call-records.ts'
import type { CallWatch, Stage, StageMarks } from '../../pipeline/call-watch.ts'
import { type OtlpExporter, type OtlpSpan, textAttribute } from './otlp-exporter.ts'
import { newSpanId, type TraceContext, traceContextOf } from './trace-context.ts'

/** A write that is tried again passes its stages again; more than these are left out. */
const STAGES_MAX = 16

/** The stages of one call that is traced. */
class CallTrace implements StageMarks {
  readonly context: TraceContext
  readonly ends: { readonly stage: Stage; readonly atMs: number }[] = []

  constructor(context: TraceContext) {
    this.context = context
  }

  ended(stage: Stage): void {
    if (this.ends.length < STAGES_MAX) this.ends.push({ stage, atMs: performance.now() })
  }
}

/** Steady time as nanoseconds since the Unix epoch. */
const unixNano = (steadyMs: number): string =>
  `${BigInt(Math.round((performance.timeOrigin + steadyMs) * 1000))}000`

/** The span of a call and, below it, those of its stages. Never a parameter, a key or a caller. */
function spansOf(
  { context, ends }: CallTrace,
  { service, operation, requestId, startedMs, failure }: Readonly<Progress>,
): readonly OtlpSpan[] {
  const { traceId, parentSpanId } = context
  const spanId = newSpanId()
  const outcome = failure === undefined ? 'success' : outcomeOf(failure.code)
  const root: OtlpSpan = {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    // What a client claims to call is not told: only operations that there are.
    name: `${service.name}.${operation?.name ?? 'unknown'}`,
    kind: 2,
    startTimeUnixNano: unixNano(startedMs),
    endTimeUnixNano: unixNano(performance.now()),
    attributes: [
      textAttribute('rpc.system', 'aws-api'),
      textAttribute('rpc.service', service.name),
      textAttribute('rpc.method', operation?.name ?? 'unknown'),
      textAttribute('aws.request_id', requestId),
      textAttribute('strongroom.outcome', outcome),
      ...(failure === undefined ? [] : [textAttribute('error.type', failure.code)]),
    ],
    status: { code: outcome === 'server_error' ? 2 : 0 },
  }
  const stages = ends.map(({ stage, atMs }, at): OtlpSpan => {
    const begin = at === 0 ? startedMs : (ends[at - 1]?.atMs ?? startedMs)
    return {
      traceId,
      spanId: newSpanId(),
      parentSpanId: spanId,
      name: stage,
      kind: 1,
      startTimeUnixNano: unixNano(begin),
      endTimeUnixNano: unixNano(atMs),
      attributes: [],
      status: { code: 0 },
    }
  })
  return [root, ...stages]
}

/** Traces calls that came over the network, for a collector. */
export function callTraces(
  exporter: OtlpExporter,
  share: number,
  draw: () => number = Math.random,
): CallWatch & { close(): Promise<void> } {
  return {
    now: () => performance.now(),
    begin(request: HttpRequest) {
      const context = traceContextOf(request, share, draw)
      return context && new CallTrace(context)
    },
    ended(progress) {
      const { stages } = progress.trace
      if (stages instanceof CallTrace) exporter.add(spansOf(stages, progress))
    },
    close: () => exporter.close(),
  }
}
