import { isUtf8 } from 'node:buffer'
import { ServiceError } from '../core/errors.ts'
import { parseStrictJson } from '../core/strict-json.ts'

/**
 * Parses an untrusted request body as `parseStrictJson` does; ill-formed UTF-8 and a byte order mark
 * are refused as well. A body that is no JSON gets no message: so AWS's front end answers, as recorded
 * with Athena in 2026.
 * @throws {ServiceError} SerializationException.
 */
export function parseJsonText(body: Buffer): unknown {
  if (!isUtf8(body)) throw new ServiceError('SerializationException')
  const parsed = parseStrictJson(body.toString('utf8'))
  if (!parsed.ok) throw new ServiceError('SerializationException', parsed.problem)
  return parsed.value
}
