import { pino } from 'pino'
import type { Log } from '../../core/ports.ts'

/** How many causes of an error are followed. */
const CAUSES_MAX = 5

/** The texts of an error and of what caused it. Our errors name no secret: they are made for this log. */
function describeError(error: unknown): { error: string; stack?: string; causes?: string[] } {
  if (!(error instanceof Error)) return { error: String(error) }
  const causes: string[] = []
  let cause = error.cause
  while (cause instanceof Error && causes.length < CAUSES_MAX) {
    causes.push(`${cause.name}: ${cause.message}`)
    cause = cause.cause
  }
  return {
    error: `${error.name}: ${error.message}`,
    ...(error.stack !== undefined && { stack: error.stack }),
    ...(causes.length > 0 && { causes }),
  }
}

/** The operator's log: lines of JSON on standard error. */
export function createOperatorLog(level: string): Log {
  const logger = pino({ level, base: null }, pino.destination({ dest: 2, sync: true }))
  return {
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message, cause) =>
      logger.error({ ...fields, ...(cause !== undefined && describeError(cause)) }, message),
  }
}
