import type { Server } from 'node:net'
import { OperatorError } from '../../core/errors.ts'

/** Hosts that mean every interface, and the loopback address a client on this machine can use. */
const WILDCARDS: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
])

/**
 * Waits until the server listens.
 * @param isShared whether other processes of this user may listen there as well: the system spreads connections over them
 * @throws {OperatorError} when it cannot.
 */
export async function listenOnPort(
  server: Server,
  host: string,
  port: number,
  isShared = false,
): Promise<void> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new OperatorError(`${port} is not a port`, 'Choose one from 1 to 65535, or 0 for any.')
  }
  const listening = listen(server, () => server.listen({ host, port, reusePort: isShared }))
  await listening.catch((cause: unknown) => {
    throw portError(host, port, cause)
  })
}

/** Waits until the server listens on a path. Rejects with the system's error. */
export async function listenOnPath(server: Server, path: string): Promise<void> {
  await listen(server, () => server.listen({ path }))
}

/** The error of a system call by its symbolic code; the empty text when it has none. */
export const systemCodeOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''

/** The URL a client on this machine can use. */
export function endpointUrl(scheme: 'http' | 'https', host: string, port: number): string {
  const reachable = WILDCARDS.get(host) ?? host
  return `${scheme}://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`
}

function listen(server: Server, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.removeListener('error', reject)
      resolve()
    })
    start()
  })
}

function portError(host: string, port: number, cause: unknown): OperatorError {
  const options = { cause }
  switch (systemCodeOf(cause)) {
    case 'EADDRINUSE':
      return new OperatorError(
        `port ${port} on ${host} is in use by another program`,
        'Stop that program, or choose another port with --port.',
        options,
      )
    case 'EACCES':
    case 'EPERM':
      return new OperatorError(
        `this user may not listen on port ${port} of ${host}`,
        'Choose a port from 1024 with --port, or allow the program to bind low ports.',
        options,
      )
    case 'EADDRNOTAVAIL':
      return new OperatorError(
        `${host} is not an address of this machine`,
        'Choose one of its addresses with --host, or 0.0.0.0 for all of them.',
        options,
      )
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new OperatorError(
        `the host name ${host} does not resolve`,
        'Give --host an address, or a name that this machine can resolve.',
        options,
      )
    default:
      return new OperatorError(`cannot listen on port ${port} of ${host}`, undefined, options)
  }
}
