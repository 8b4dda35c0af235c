/** What one endpoint grants to its clients: sizes in bytes, times in milliseconds. */
export interface HttpLimits {
  /** A larger body is answered with 413. */
  readonly bodyBytesMax: number
  /** Request line and header fields together; more is answered with 431. */
  readonly headBytesMax: number
  /** Header fields of one request; more is answered with 431. */
  readonly headersMax: number
  /** Open connections; one more is closed as soon as it is accepted. */
  readonly connectionsMax: number
  /** From the connection, or the first byte of a request, to the end of its head; also a TLS handshake. */
  readonly headTimeoutMs: number
  /** From the first byte of a request to the last of its body. */
  readonly requestTimeoutMs: number
  /** How long a connection may rest between two requests. */
  readonly idleTimeoutMs: number
  /** How long a client may take to read a reply. */
  readonly writeTimeoutMs: number
  /** How long input is still read and discarded after a refusal, so that no reset overtakes it. */
  readonly lingerMs: number
}

/**
 * The largest KMS request is far below these: 4 KiB of plaintext or a 32 KiB policy in base64.
 * An idle time above the 60 s of common load balancers keeps them from losing a race on reuse.
 */
export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  bodyBytesMax: 1_048_576,
  headBytesMax: 32_768,
  headersMax: 100,
  connectionsMax: 4096,
  headTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 75_000,
  writeTimeoutMs: 30_000,
  lingerMs: 2000,
}
