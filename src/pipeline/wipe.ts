import { Secret } from '../core/secret.ts'

/** Zeroes the secrets that an input, an output or a drawn value holds, in its structures and lists too. */
export function wipe(holder: unknown): void {
  if (typeof holder !== 'object' || holder === null || ArrayBuffer.isView(holder)) return
  if (holder instanceof Secret) return holder[Symbol.dispose]()
  for (const value of Object.values(holder)) wipe(value)
}
