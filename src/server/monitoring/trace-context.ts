import { randomBytes } from 'node:crypto'
import type { HttpRequest } from '../../core/transport.ts'

/** Where a span belongs: hex digits in lower case. */
export interface TraceContext {
  /** 32 digits. */
  readonly traceId: string
  /** 16 digits: of the caller's span; absent where the trace begins here. */
  readonly parentSpanId: string | undefined
}

const TRACEPARENT =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-|$)/
const SAMPLED = 1

/**
 * The trace that a request belongs to, if it is to be traced: as its `traceparent` says, or, where it has none
 * that can be read, one in so many.
 * **Source:** W3C Trace Context, traceparent header.
 * @param share of the requests that say nothing, 0 to 1
 * @param draw 0 up to 1, without 1
 */
export function traceContextOf(
  { headers }: HttpRequest,
  share: number,
  draw: () => number,
): TraceContext | undefined {
  const [, traceId, parentSpanId, flags = '0'] =
    TRACEPARENT.exec(headers['traceparent'] ?? '') ?? []
  if (traceId === undefined) {
    return draw() < share ? { traceId: newTraceId(), parentSpanId: undefined } : undefined
  }
  const isSampled = (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED
  return isSampled ? { traceId, parentSpanId } : undefined
}

const newTraceId = (): string => randomBytes(16).toString('hex')

export const newSpanId = (): string => randomBytes(8).toString('hex')
