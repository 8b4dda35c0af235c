import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Connection } from '../../core/transport.ts'

const IPV4_MAPPED = '::ffff:'

/**
 * The facts of a connection as the socket knows them. An IPv4 peer of a dual-stack socket is
 * named by its IPv4 address, as conditions on source addresses and audit records expect it;
 * the peer of a UNIX socket is `local`.
 */
export function describeConnection(socket: Socket): Connection {
  const address = socket.remoteAddress ?? 'local'
  const remoteAddress =
    address.startsWith(IPV4_MAPPED) && address.includes('.')
      ? address.slice(IPV4_MAPPED.length)
      : address
  if (!(socket instanceof TLSSocket)) return { remoteAddress }
  return {
    remoteAddress,
    tls: { version: socket.getProtocol() ?? '', cipherSuite: socket.getCipher().name },
  }
}
