/** A broken invariant of our own: a bug, never a client's mistake. */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure'
}

/** @throws {AssertionFailure} when what must hold does not. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message)
}

/** The `default` of every switch over a union: a forgotten member does not compile. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unreachable: ${String(value)}`)
}
