import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ClientCertificate, Connection } from '../../core/transport.ts'

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
  const client = clientOf(socket)
  return {
    remoteAddress,
    tls: {
      version: socket.getProtocol() ?? '',
      cipherSuite: socket.getCipher().name,
      ...(client && { client }),
    },
  }
}

/** The certificate that the client showed; undefined where it showed none, or was asked for none. */
function clientOf(socket: TLSSocket): ClientCertificate | undefined {
  // `authorized` alone says nothing: of a session that is resumed without a certificate it is true as well.
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return undefined
  if (socket.authorized) return { certificate }
  return { certificate, chainProblem: String(socket.authorizationError) }
}
