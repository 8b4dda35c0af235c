import { type DestinationStream, pino } from 'pino'
import { outcomeOf } from '../../metrics/call-meter.ts'
import type { CallWatch } from '../../pipeline/call-watch.ts'

/** Bytes of lines that are written together. */
const BUFFER_BYTES = 4096
const FLUSH_MS = 500

/** One line, with nothing of what was asked for but the operation. */
interface RequestLine {
  readonly requestId: string
  readonly service: string
  /** Empty where there is no such operation: what a client makes up is not repeated. */
  readonly operation: string
  readonly outcome: string
  /** Of a failure. */
  readonly code?: string
  /** Unit: milliseconds. */
  readonly ms: number
}

/** Lines of JSON on standard error, some at a time: a line for each request must not hold up the next one. */
function standardError(): { readonly stream: DestinationStream; close(): void } {
  const stream = pino.destination({ dest: 2, sync: false, minLength: BUFFER_BYTES })
  const timer = setInterval(() => stream.flush(), FLUSH_MS).unref()
  return {
    stream,
    close() {
      clearInterval(timer)
      stream.flushSync()
    },
  }
}

/** Writes a line for each request that came to an end, whatever the level of the operator's log. */
export function requestLog(
  out: { readonly stream: DestinationStream; close(): void } = standardError(),
): CallWatch & { close(): Promise<void> } {
  const logger = pino({ level: 'info', base: null }, out.stream)
  return {
    now: () => performance.now(),
    ended({ requestId, service, operation, failure, startedMs }) {
      const line: RequestLine = {
        requestId,
        service: service.name,
        operation: operation?.name ?? '',
        outcome: failure === undefined ? 'success' : outcomeOf(failure.code),
        ...(failure !== undefined && { code: failure.code }),
        ms: Math.round((performance.now() - startedMs) * 1000) / 1000,
      }
      logger.info(line, 'request')
    },
    async close() {
      out.close()
    },
  }
}
