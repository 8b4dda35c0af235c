/**
 * The transport port: how a request reaches the pipeline, whatever carried it.
 * `server/` implements it over HTTP; tests may call a handler directly.
 */

import type { X509Certificate } from 'node:crypto'

/**
 * The certificate that a client showed, where it was asked for one. It has proved that it has the private key, and no
 * more: anybody can make a certificate.
 */
export interface ClientCertificate {
  readonly certificate: X509Certificate
  /** What OpenSSL found wrong with its chain at the handshake, by its code; absent where nothing. */
  readonly chainProblem?: string
}

/** Facts of the connection a request came on, never taken from what the client says. */
export interface Connection {
  /** The peer's address as the socket knows it. */
  readonly remoteAddress: string
  /** Absent on plain HTTP. */
  readonly tls?: {
    readonly version: string
    readonly cipherSuite: string
    readonly client?: ClientCertificate
  }
  /**
   * What else keeps others from reading along: `proxy`, TLS as far as a trusted proxy; `process`, one
   * service calls another, no byte leaves the process, and the address is the name of the service.
   */
  readonly protectedBy?: 'proxy' | 'process'
}

export interface HttpRequest {
  readonly method: string
  /** Exactly as sent: path and query, not decoded. */
  readonly target: string
  /** Names and values in turn, exactly as received: `[name, value, name, value]`. */
  readonly rawHeaders: readonly string[]
  /**
   * By lower-case name; several values of one name are joined with `, `. A null-prototype object or
   * Map-like lookup: a name that was not sent gives undefined, `constructor` included.
   */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The whole body; empty when there is none. Valid until the reply is written. */
  readonly body: Buffer
  readonly connection: Connection
}

export interface HttpReply {
  readonly status: number
  /** Names and values in turn. `Date`, `Content-Length` and `Connection` are the transport's. */
  readonly headers: readonly string[]
  /** Further headers, of this reply alone; kept apart so that a frozen `headers` is formatted once. */
  readonly ownHeaders?: readonly string[]
  readonly body: string | Uint8Array
  /** Of a reply to HEAD: the length of the body that it stands for and does not have. Unit: bytes */
  readonly announcedBytes?: number
  /** Called once when the reply's bytes have been handed to the socket, or the socket is gone: wipes secrets. */
  readonly written?: () => void
}

/** Never throws and never rejects: a failure is a reply, too. */
export type HttpHandler = (request: HttpRequest) => HttpReply | Promise<HttpReply>
