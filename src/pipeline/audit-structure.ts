import { unreachable } from '../core/assert.ts'
import type { Instant } from '../core/ids.ts'
import type { Shape, StructureShape } from '../core/model.ts'
import { auditDate } from './audit-date.ts'
import type { Json, JsonObject } from './operation.ts'

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** CloudTrail's spelling of a member: the first letter in lower case, `aWSServiceName` included. */
const memberName = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1)

/** Nothing for what the model marks sensitive, and for bytes. */
function auditValue(shape: Shape, value: unknown): Json {
  switch (shape.type) {
    case 'string':
      return shape.sensitive !== true && typeof value === 'string' ? value : undefined
    case 'blob':
      return undefined
    case 'integer':
    case 'double':
      return typeof value === 'number' ? value : undefined
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined
    case 'timestamp':
      // The shape says what the number is.
      return typeof value === 'number' ? auditDate(value as Instant) : undefined
    case 'list':
      return Array.isArray(value) ? value.map((item) => auditValue(shape.member, item)) : undefined
    case 'map':
      if (!isRecord(value)) return undefined
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, auditValue(shape.value, item)]),
      )
    case 'structure':
      return isRecord(value) ? auditStructure(shape, value) : undefined
    default:
      return unreachable(shape)
  }
}

/**
 * An input or an output as audit records show it: the members that the model names, but none that it
 * marks sensitive, and no bytes.
 * Source: AWS CloudTrail User Guide; records of IAM and STS in their user guides.
 */
export function auditStructure(shape: StructureShape, structure: object): JsonObject {
  const shown: Record<string, Json> = {}
  if (!isRecord(structure)) return shown
  for (const [name, member] of shape.members) {
    const value = structure[name]
    if (value !== undefined) shown[memberName(name)] = auditValue(member, value)
  }
  return shown
}
