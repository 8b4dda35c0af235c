import { endpointUrl, listenOnPort } from './http-listen.ts'
import { HttpServer, type HttpServing, type TlsCredentials } from './http-server.ts'

export interface HttpTransportOptions extends HttpServing {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** Whether other processes listen on the same port. */
  readonly isShared?: boolean
  /** Absent for plain HTTP. */
  readonly tls?: TlsCredentials
}

/** An open endpoint. */
export interface HttpTransport {
  /** A URL that clients on this machine can use, with the real port. */
  readonly endpoint: string
  readonly address: { readonly host: string; readonly port: number }
  /** Uses another certificate for connections to come. Only where there is TLS. @throws where it cannot be used */
  renew(tls: TlsCredentials): void
  /** From now on each answer ends its connection; everything else goes on. */
  endConnections(): void
  /**
   * Stops accepting, lets the requests in flight finish, and after `graceMs` cuts off the rest.
   * Resolves when every connection is closed. Calling it again gives the same promise.
   */
  close(graceMs: number): Promise<void>
}

/**
 * Opens an HTTP or HTTPS endpoint and serves it until it is closed.
 * @throws {OperatorError} when the port or the host cannot be used.
 */
export async function openHttpTransport(options: HttpTransportOptions): Promise<HttpTransport> {
  const server = new HttpServer(options, options.tls)
  try {
    await listenOnPort(server.listener, options.host, options.port, options.isShared)
  } catch (cause) {
    server.abandon()
    throw cause
  }
  const port = server.port()
  return {
    endpoint: endpointUrl(options.tls === undefined ? 'http' : 'https', options.host, port),
    address: { host: options.host, port },
    renew: (tls) => server.renew(tls),
    endConnections: () => server.endConnections(),
    close: (graceMs) => server.close(graceMs),
  }
}
