import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** One reply as it stood on the wire. */
export interface WireReply {
  readonly status: number
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** A client that sends exactly the bytes it is told to. */
export class RawClient {
  readonly socket: Socket
  #received = Buffer.alloc(0)
  #ended = false
  #wake: () => void = () => {}

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (piece: Buffer) => {
      this.#received = Buffer.concat([this.#received, piece])
      this.#wake()
    })
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.#ended = true
        this.#wake()
      })
    }
    // A reset is one of the ways a server may hang up: it ends what is received.
    socket.on('error', () => {})
  }

  static async open(port: number, tls?: { readonly ca: string }): Promise<RawClient> {
    const socket =
      tls === undefined
        ? connect({ port, host: '127.0.0.1', allowHalfOpen: true })
        : connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: tls.ca })
    await once(socket, tls === undefined ? 'connect' : 'secureConnect')
    socket.setNoDelay(true)
    return new RawClient(socket)
  }

  /** Sends bytes; resolves when the system has taken them. */
  send(bytes: string | Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, () =>
        resolve(),
      )
    })
  }

  /** The next reply; undefined when the server hung up before it was complete. */
  async reply(): Promise<WireReply | undefined> {
    for (;;) {
      const parsed = parseReply(this.#received)
      if (parsed !== undefined) {
        this.#received = this.#received.subarray(parsed.sizeBytes)
        if (parsed.reply.status === 100) continue
        return parsed.reply
      }
      if (this.#ended) return undefined
      await this.#more()
    }
  }

  /** Everything until the server hangs up. */
  async rest(): Promise<string> {
    while (!this.#ended) await this.#more()
    const text = this.#received.toString('latin1')
    this.#received = Buffer.alloc(0)
    return text
  }

  /** What has arrived and was not taken as a reply. */
  get unread(): string {
    return this.#received.toString('latin1')
  }

  close(): void {
    this.socket.destroy()
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

function parseReply(bytes: Buffer): { reply: WireReply; sizeBytes: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  const length = Number(headers.get('content-length') ?? '0')
  const sizeBytes = end + 4 + length
  if (bytes.length < sizeBytes) return undefined
  const status = Number(statusLine.split(' ')[1])
  return { reply: { status, headers, body: bytes.toString('utf8', end + 4, sizeBytes) }, sizeBytes }
}
