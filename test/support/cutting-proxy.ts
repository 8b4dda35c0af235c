import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'

/** What becomes of a message that a client sends. */
export type Fate =
  | 'pass'
  /** The server never sees it, and the connection ends. */
  | 'lose'
  /** The server has it and answers; the client never hears, and the connection ends. */
  | 'lose answer'

/** How both the statement and the word of its completion end. Source: PostgreSQL documentation, Message Formats. */
const COMMIT = 'COMMIT\0'

/** Stands between clients and a server on loopback, and breaks what they have with each other. */
export interface CuttingProxy {
  readonly port: number
  /** Asked for each chunk that a client sends; all pass at first. */
  judge: (chunk: Buffer) => Fate
  /** Where new connections lead to, as an address does that is given to another server. */
  target: number
  /** Whether connections are taken. */
  isUp: boolean
  /** Whether bytes go anywhere; while they do not, nobody is told. */
  isStuck: boolean
  /** How long bytes take in each direction, in milliseconds; 0 at first. */
  delayMs: number
  /** Ends every connection at once. */
  cut(): void
  close(): Promise<void>
}

/** Opens a proxy before `127.0.0.1:port`. */
export async function openCuttingProxy(port: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    if (!proxy.isUp) {
      client.destroy()
      return
    }
    const upstream = createConnection(proxy.target, '127.0.0.1')
    let isDeaf = false
    const [up, down] = [line(() => proxy.delayMs), line(() => proxy.delayMs)]
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.on('data', (chunk: Buffer) => {
      if (proxy.isStuck) return
      const fate = proxy.judge(chunk)
      if (fate === 'lose') client.destroy()
      else {
        isDeaf ||= fate === 'lose answer'
        up(() => upstream.write(chunk))
      }
    })
    upstream.on('data', (chunk: Buffer) => {
      if (proxy.isStuck) return
      if (!isDeaf) down(() => client.write(chunk))
      // Not before: a server that finds its client gone gives up what it has not finished.
      else if (chunk.includes(COMMIT)) client.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const proxy: CuttingProxy = {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    judge: () => 'pass',
    target: port,
    isUp: true,
    isStuck: false,
    delayMs: 0,
    cut() {
      for (const socket of sockets) socket.destroy()
    },
    async close() {
      proxy.cut()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}

/** Does things later, in the order in which they came, whatever the delay was at the time of each. */
function line(delayMs: () => number): (act: () => void) => void {
  let dueMs = 0
  return (act) => {
    const now = performance.now()
    dueMs = Math.max(dueMs, now + delayMs())
    if (dueMs <= now) act()
    else setTimeout(act, dueMs - now)
  }
}

/** A judge that gives this fate to the first message that ends a transaction, and lets all others pass. */
export function onCommit(proxy: CuttingProxy, fate: Fate, after?: () => void): void {
  proxy.judge = (chunk) => {
    if (!chunk.includes(COMMIT)) return 'pass'
    proxy.judge = () => 'pass'
    after?.()
    return fate
  }
}
