import { unreachable } from '../core/assert.ts'
import type { Shape, StructureShape } from '../core/model.ts'
import { Secret } from '../core/secret.ts'

/** Zeroes the secrets that an input, an output or a drawn value holds, in its structures and lists too. */
export function wipe(holder: unknown): void {
  if (typeof holder !== 'object' || holder === null || ArrayBuffer.isView(holder)) return
  if (holder instanceof Secret) return holder[Symbol.dispose]()
  // Lists and what the codec and the handlers make have no inherited enumerable names, and for-in
  // allocates nothing.
  for (const name in holder) {
    // Each member is looked at as `unknown` in its turn.
    const value = (holder as Record<string, unknown>)[name]
    if (typeof value === 'object') wipe(value)
  }
}

const withSecrets = new WeakMap<StructureShape, boolean>()

/**
 * Whether a value of this shape may hold secrets: whatever the model marks sensitive is one, and nothing
 * else is. Long listings hold none.
 */
export function mayHoldSecrets(shape: StructureShape): boolean {
  let may = withSecrets.get(shape)
  if (may === undefined) {
    may = hasSensitive(shape, new Set())
    withSecrets.set(shape, may)
  }
  return may
}

function hasSensitive(shape: Shape, seen: Set<Shape>): boolean {
  // A shape may contain itself.
  if (seen.has(shape)) return false
  seen.add(shape)
  switch (shape.type) {
    case 'structure':
      return shape.members.values().some((member) => hasSensitive(member, seen))
    case 'list':
      return hasSensitive(shape.member, seen)
    case 'map':
      return hasSensitive(shape.value, seen)
    case 'string':
    case 'blob':
      return shape.sensitive === true
    case 'integer':
    case 'double':
    case 'boolean':
    case 'timestamp':
      return false
    default:
      return unreachable(shape)
  }
}
