import type { Instant } from '../../core/ids.ts'
import { auditDate } from '../../pipeline/audit-date.ts'
import type { Json, JsonObject } from '../../pipeline/operation.ts'

/** CloudTrail's spelling of a member: the first letter in lower case, `aWSAccountId` included. */
const memberName = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1)

/** Members that hold dates. */
const DATES: ReadonlySet<string> = new Set(['CreationDate', 'DeletionDate', 'ValidTo'])

function auditValue(name: string, value: unknown): Json {
  if (typeof value === 'number' && DATES.has(name)) {
    // The members listed in DATES are instants in every structure of the service model.
    return auditDate(value as Instant)
  }
  if (Array.isArray(value)) return value.map((item) => auditValue('', item))
  if (typeof value === 'object' && value !== null) return auditStructure(value)
  // What is left of key metadata is text, a number or a truth value.
  return value as Json
}

/**
 * A structure of the wire as audit records show it. For key metadata and its parts alone: they hold
 * nothing secret. Never for a structure with a sensitive member.
 */
export function auditStructure(structure: object): JsonObject {
  const entries = Object.entries(structure).filter(([, value]) => value !== undefined)
  return Object.fromEntries(
    entries.map(([name, value]) => [memberName(name), auditValue(name, value)]),
  )
}
