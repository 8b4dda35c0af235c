import { type DestinationStream, pino } from 'pino'
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

/**
 * The names that lines may have beside `level`, `time`, `msg` and what tells of an error. A new one is added here, by somebody
 * who has thought about what can stand in it.
 */
const FIELDS: ReadonlySet<string> = new Set([
  'accountId',
  'address',
  'believed',
  'bytes',
  'certificate',
  'command',
  'connections',
  'cursor',
  'data',
  'delivered',
  'descriptors',
  'destination',
  'digests',
  'endpoint',
  'file',
  'frames',
  'head',
  'key',
  'keyId',
  'logFiles',
  'logged',
  'missing',
  'offset',
  'operation',
  'others',
  'pauseMs',
  'provider',
  'reason',
  'records',
  'region',
  'requestId',
  'rows',
  'seconds',
  'segments',
  'sequence',
  'serialNumber',
  'service',
  'sink',
  'storeId',
  'target',
  'threshold',
  'what',
  'why',
  'worker',
])
const LEFT_OUT = '[left out]'

type Fields = Parameters<Log['info']>[0]

/** The fields, without the values of those that nobody has listed. */
function listed(fields: Fields): Fields {
  const names = Object.keys(fields)
  if (names.every((name) => FIELDS.has(name))) return fields
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, FIELDS.has(name) ? value : LEFT_OUT]),
  )
}

/**
 * The operator's log: lines of JSON on standard error.
 * @param out in its place, for tests
 * @param worker whose lines they are, where several processes write to one place
 */
export function createOperatorLog(
  level: string,
  out: DestinationStream = pino.destination({ dest: 2, sync: true }),
  worker?: number,
): Log {
  const logger = pino({ level, base: worker === undefined ? null : { worker } }, out)
  return {
    info: (fields, message) => logger.info(listed(fields), message),
    warn: (fields, message) => logger.warn(listed(fields), message),
    error: (fields, message, cause) =>
      logger.error(
        { ...listed(fields), ...(cause !== undefined && describeError(cause)) },
        message,
      ),
  }
}
