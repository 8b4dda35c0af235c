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

/**
 * Fetches the documents of identity providers. It is handed URLs that come from outside: which of them it goes to,
 * and how much it reads how long, is its own to bound.
 */
export interface ProviderDocuments {
  /** The text of the document. Rejects with `DependencyError` where there is none, or none that may be fetched. */
  fetch(url: string): Promise<string>
}
