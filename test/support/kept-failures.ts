import type { Log } from '../../src/core/ports.ts'

/** An operator's log that keeps what went wrong, causes included, and forgets the rest. */
export function keptFailures(): Log & { readonly failures: readonly string[] } {
  const failures: string[] = []
  return {
    failures,
    info: () => undefined,
    warn: (_fields, message) => {
      failures.push(message)
    },
    error: (_fields, message, cause) => {
      failures.push(cause instanceof Error ? `${message}: ${cause.message}` : message)
    },
  }
}
