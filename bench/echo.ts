/**
 * The yardsticks of the benchmark, one process each: `node echo.ts net|http`. Both answer every
 * request with one fixed reply, which the parent sends as the first message; the port goes back.
 *
 * - `net` parses nothing: whatever arrives is taken for one request, which holds because the load
 *   generator sends each in one piece and waits for the reply.
 * - `http` is a bare `node:http` server that reads the body and drops it.
 */
import { createServer as createHttpServer } from 'node:http'
import { createServer as createNetServer, type Server } from 'node:net'

export interface EchoReply {
  /** A whole HTTP/1.1 reply, as an Encrypt of the real server gave it. */
  readonly raw: string
}

function netEcho({ raw }: EchoReply): Server {
  const reply = Buffer.from(raw, 'latin1')
  return createNetServer({ noDelay: true }, (socket) => {
    socket.on('data', () => socket.write(reply))
    socket.on('error', () => socket.destroy())
  })
}

function httpEcho({ raw }: EchoReply): Server {
  const headEnd = raw.indexOf('\r\n\r\n')
  const body = raw.slice(headEnd + 4)
  // What Node.js adds by itself would be there twice.
  const headers = raw
    .slice(0, headEnd)
    .split('\r\n')
    .slice(1)
    .filter((line) => !/^(date|connection|keep-alive):/i.test(line))
    .flatMap((line) => line.split(/:\s*/, 2))
  return createHttpServer((request, response) => {
    request.on('data', () => undefined)
    request.on('end', () => {
      response.writeHead(200, headers)
      response.end(body, 'latin1')
    })
  })
}

process.once('message', (reply: EchoReply) => {
  const server = process.argv[2] === 'net' ? netEcho(reply) : httpEcho(reply)
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    process.send?.(typeof address === 'object' && address !== null ? address.port : 0)
  })
})
process.on('disconnect', () => process.exit(0))
