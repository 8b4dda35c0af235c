import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'

/** How often each node is asked whether it is ready. */
const ASK_MS = 50
const ASK_TIMEOUT_MS = 2000

/** A node as the balancer knows it. */
class Backend {
  readonly endpoint: () => string
  readonly agent = new Agent({ keepAlive: true })
  isReady = false
  /** How often it turned from ready to not ready, by its own word and not by being gone. */
  farewells = 0

  constructor(endpoint: () => string) {
    this.endpoint = endpoint
  }

  async ask(): Promise<void> {
    const status = await fetch(`${this.endpoint()}/-/ready`, {
      headers: { Connection: 'close' },
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    }).then(
      async (response) => {
        await response.body?.cancel()
        return response.status
      },
      () => 0,
    )
    if (this.isReady && status === 503) this.farewells++
    this.isReady = status === 200
  }
}

/**
 * A balancer as they come: it asks each node whether it is ready, gives requests in turn to those
 * that are, over connections that it keeps, and never sends a request twice.
 */
export class Balancer {
  readonly #backends: readonly Backend[]
  readonly #server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => this.#pass(req, res))
  readonly #asking: NodeJS.Timeout
  #turn = 0
  /** Why requests were not answered by any node. */
  readonly failures: string[] = []

  private constructor(endpoints: readonly (() => string)[]) {
    this.#backends = endpoints.map((endpoint) => new Backend(endpoint))
    this.#asking = setInterval(() => void this.askAll(), ASK_MS)
  }

  static async open(endpoints: readonly (() => string)[]): Promise<Balancer> {
    const balancer = new Balancer(endpoints)
    balancer.#server.listen(0, '127.0.0.1')
    await once(balancer.#server, 'listening')
    await balancer.askAll()
    return balancer
  }

  get endpoint(): string {
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  }

  farewellsOf(node: number): number {
    return this.#backends[node]?.farewells ?? 0
  }

  isReady(node: number): boolean {
    return this.#backends[node]?.isReady === true
  }

  async askAll(): Promise<void> {
    await Promise.all(this.#backends.map((backend) => backend.ask()))
  }

  async close(): Promise<void> {
    clearInterval(this.#asking)
    this.#server.closeAllConnections()
    this.#server.close()
    for (const { agent } of this.#backends) agent.destroy()
    await once(this.#server, 'close')
  }

  #pass(req: IncomingMessage, res: ServerResponse): void {
    const ready = this.#backends.filter(({ isReady }) => isReady)
    const backend = ready[this.#turn++ % Math.max(1, ready.length)]
    const fail = (why: string): void => {
      this.failures.push(why)
      if (res.headersSent) res.destroy()
      else res.writeHead(502).end()
    }
    if (backend === undefined) {
      fail('no node was ready')
      return
    }
    const { agent } = backend
    const { method, url, headers } = req
    const passed = request(`${backend.endpoint()}${url}`, { method, agent, headers }, (answer) => {
      answer.on('error', (error) => fail(`${backend.endpoint()} broke off: ${error.message}`))
      const kept = Object.entries(answer.headers).filter(([name]) => name !== 'connection')
      res.writeHead(answer.statusCode ?? 502, Object.fromEntries(kept))
      answer.pipe(res)
    })
    passed.on('error', (error) => fail(`${backend.endpoint()}: ${error.message}`))
    req.pipe(passed)
  }
}
