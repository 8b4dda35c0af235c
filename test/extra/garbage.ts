/**
 * Makes a process that was started with `--inspect` collect its garbage, in every thread: what it holds
 * afterwards is what it keeps. Source: Chrome DevTools Protocol, HeapProfiler; Node.js, NodeWorker domain.
 */
import { once } from 'node:events'

/** What the inspector sends: an answer to a command, or an event. */
interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly sessionId?: string; readonly message?: string }
}

const ANSWER_TIMEOUT_MS = 30_000

/** Of a thread that has ended meanwhile nothing is heard, and nothing is kept. */
class Inspector {
  readonly #socket: WebSocket
  readonly #workers = new Set<string>()
  readonly #waiting = new Map<number, () => void>()
  #lastId = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(String(data))))
  }

  static async open(url: string): Promise<Inspector> {
    const socket = new WebSocket(url)
    await once(socket, 'open')
    const inspector = new Inspector(socket)
    await inspector.#ask((id) => ({
      id,
      method: 'NodeWorker.enable',
      params: { waitForDebuggerOnStart: false },
    }))
    return inspector
  }

  async collect(): Promise<void> {
    await this.#ask((id) => ({ id, method: 'HeapProfiler.collectGarbage' }))
    for (const sessionId of this.#workers) {
      await this.#ask((id) => ({
        id: -id,
        method: 'NodeWorker.sendMessageToWorker',
        params: {
          sessionId,
          message: JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }),
        },
      }))
    }
  }

  close(): void {
    this.#socket.close()
  }

  /** Sends a command, and waits for the answer with its id. */
  async #ask(command: (id: number) => object): Promise<void> {
    this.#lastId += 1
    const id = this.#lastId
    const answered = Promise.withResolvers<void>()
    this.#waiting.set(id, answered.resolve)
    const late = setTimeout(
      () => answered.reject(new Error('the inspector does not answer')),
      ANSWER_TIMEOUT_MS,
    )
    this.#socket.send(JSON.stringify(command(id)))
    try {
      await answered.promise
    } finally {
      clearTimeout(late)
    }
  }

  #take(message: Message): void {
    const { id, method, params } = message
    if (id !== undefined) this.#waiting.get(id)?.()
    const worker = params?.sessionId
    if (worker === undefined) return
    if (method === 'NodeWorker.attachedToWorker') this.#workers.add(worker)
    if (method === 'NodeWorker.detachedFromWorker') this.#workers.delete(worker)
    if (method === 'NodeWorker.receivedMessageFromWorker' && params?.message !== undefined)
      this.#take(JSON.parse(params.message))
  }
}

/** Collects all garbage, a few times: what one thread lets go of, another may have held. */
export async function collectGarbage(inspectorUrl: string): Promise<void> {
  const inspector = await Inspector.open(inspectorUrl)
  try {
    for (let round = 0; round < 3; round += 1) await inspector.collect()
  } finally {
    inspector.close()
  }
}
