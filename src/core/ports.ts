import type { Instant } from './ids.ts'
import type { Secret } from './secret.ts'

/** Wall-clock time of the service; a moved clock in `strongroom dev`. */
export interface Clock {
  now(): Instant
}

/** The only source of randomness. Cryptographically strong in production, seeded in tests. */
export interface Random {
  /** Public bytes: nonces, identifiers. Never key material. */
  bytes(sizeBytes: number): Uint8Array
  /** Fresh secret bytes, owned by the caller. */
  secret(sizeBytes: number): Secret
  /** A random (version 4) UUID in lower case. */
  uuid(): string
}

/** What the operator reads. Fields come from an allow-list at the call site: never a request, an error's cause. */
export interface Log {
  info(fields: Readonly<Record<string, string | number | boolean>>, message: string): void
  warn(fields: Readonly<Record<string, string | number | boolean>>, message: string): void
  error(
    fields: Readonly<Record<string, string | number | boolean>>,
    message: string,
    cause?: unknown,
  ): void
}
