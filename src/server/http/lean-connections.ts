import type { Socket } from 'node:net'
import type { HttpEndpoint } from './http-endpoint.ts'
import { type HandOver, LeanConnection, type PhaseTicks } from './lean-connection.ts'
import { LeanHead } from './lean-head.ts'

/** The connections of one endpoint that are read by the fast path. */
export class LeanConnections {
  readonly #endpoint: HttpEndpoint
  readonly #head: LeanHead
  readonly #open = new Set<LeanConnection>()
  readonly #ticks: PhaseTicks
  readonly #handOver: HandOver

  constructor(endpoint: HttpEndpoint, handOver: HandOver) {
    this.#endpoint = endpoint
    this.#handOver = handOver
    const { names, limits, sweep } = endpoint
    this.#head = new LeanHead(names, limits)
    this.#ticks = {
      idle: sweep.ticks(limits.idleTimeoutMs),
      head: sweep.ticks(limits.headTimeoutMs),
      body: sweep.ticks(limits.requestTimeoutMs),
      writing: sweep.ticks(limits.writeTimeoutMs),
    }
    sweep.add((tick) => this.#expire(tick))
  }

  accept(socket: Socket): void {
    const connection = new LeanConnection(socket, this.#endpoint, this.#head, (given, bytes) => {
      this.#open.delete(connection)
      this.#handOver(given, bytes)
    })
    this.#open.add(connection)
    socket.once('close', () => this.#open.delete(connection))
  }

  closeResting(): void {
    for (const connection of this.#open) if (connection.isResting) connection.destroy()
  }

  closeIdle(): void {
    for (const connection of this.#open) if (connection.isIdle) connection.destroy()
  }

  #expire(tick: number): void {
    for (const connection of this.#open) connection.expire(tick, this.#ticks)
  }
}
