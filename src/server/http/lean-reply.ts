import type { Socket } from 'node:net'
import type { HttpReply } from '../../core/transport.ts'
import type { HttpEndpoint } from './http-endpoint.ts'
import { bodyBytesOf, bodyOf } from './http-reply.ts'

const nothing = (): void => {}

/**
 * Writes a reply in as few system calls as its body allows: a text goes out together with its head.
 * A reply that cannot be sent as it is becomes a 500. Calls `written` exactly once.
 */
export function writeReply(
  socket: Socket,
  endpoint: HttpEndpoint,
  reply: HttpReply,
  keepAlive: boolean,
): void {
  const { written = nothing } = reply
  if (socket.destroyed) {
    written()
    return
  }
  const body = bodyOf(reply)
  const bodyBytes = bodyBytesOf(body)
  let head: string
  try {
    head = endpoint.heads.head(reply, bodyBytes, keepAlive)
  } catch (cause) {
    writeReply(socket, endpoint, endpoint.bug(cause), keepAlive)
    written()
    return
  }
  if (typeof body !== 'string') {
    socket.cork()
    socket.write(head, 'latin1')
    // The system may still read the bytes after this call, so they count as written when it is done.
    socket.write(body, () => written())
    socket.uncork()
    return
  }
  if (bodyBytes === body.length) {
    socket.write(head + body, 'latin1')
  } else {
    socket.cork()
    socket.write(head, 'latin1')
    socket.write(body, 'utf8')
    socket.uncork()
  }
  written()
}
