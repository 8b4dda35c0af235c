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
