import { setTimeout as delay } from 'node:timers/promises'
import { DependencyError } from '../../core/errors.ts'
import type { Connections } from './connections.ts'
import { GIVE_UP_MS } from './lease.ts'
import { giveUpNode, type PeerRow, peerOf, readPeers } from './node-sql.ts'

/** How often others are looked at while somebody waits for them; the pauses grow. */
const LOOK_MS = 2
const LOOK_MS_MAX = 30

export interface PeerWatchOptions {
  readonly connections: Connections
  readonly nodeId: string
  /** Milliseconds that only grow. */
  readonly elapsed: () => number
  /** How long others are waited for while the database cannot be asked about them. */
  readonly patienceMs: number
}

/** Waits until no other node serves what a commit has made untrue. */
export class PeerWatch {
  readonly #options: PeerWatchOptions
  readonly #waiting: { readonly epoch: number; readonly go: (error?: Error) => void }[] = []
  /** When this process first saw the newest sign of life of each peer. */
  readonly #seen = new Map<string, { readonly renewal: number; readonly at: number }>()
  #running = false
  #failingSince: number | undefined

  constructor(options: PeerWatchOptions) {
    this.#options = options
  }

  /**
   * Resolves when every node that lives has applied `epoch`, or has been given up.
   * @throws {DependencyError} when that cannot be found out
   */
  applied(epoch: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (error?: Error): void => (error === undefined ? resolve() : reject(error))
      this.#waiting.push({ epoch, go })
      if (!this.#running) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#running = true
    // What was seen before the last wait says nothing of the time since: it is seen again, and waited for in full.
    this.#seen.clear()
    for (let looks = 0; this.#waiting.length > 0; looks++) {
      if (looks > 0) await delay(Math.min(LOOK_MS * 2 ** Math.min(looks, 5), LOOK_MS_MAX))
      try {
        // Before the question is asked: who waits from now on may have committed after the answer.
        const asking = this.#waiting.length
        const behind = await this.#epochBehind()
        this.#failingSince = undefined
        this.#release(asking, behind)
      } catch (cause) {
        this.#failed(cause)
      }
    }
    this.#running = false
  }

  /** Lets those go whose epoch is applied everywhere; `count` of them were there when the question was asked. */
  #release(count: number, behind: number): void {
    const asked = this.#waiting.splice(0, count)
    const still = asked.filter(({ epoch, go }) => {
      if (epoch > behind) return true
      go()
      return false
    })
    this.#waiting.unshift(...still)
  }

  /** The least epoch that all who live have applied. */
  async #epochBehind(): Promise<number> {
    const { connections, nodeId, elapsed } = this.#options
    const { text, values } = readPeers(nodeId)
    const peers = (await connections.read(text, values)).map(peerOf)
    let least = Infinity
    for (const peer of peers) {
      const seen = this.#seen.get(peer.nodeId)
      if (seen?.renewal !== peer.renewal) {
        this.#seen.set(peer.nodeId, { renewal: peer.renewal, at: elapsed() })
      } else if (elapsed() - seen.at > GIVE_UP_MS && (await this.#giveUp(peer))) continue
      least = Math.min(least, peer.appliedEpoch)
    }
    return least
  }

  /** @returns whether it was given up: not when it has just given a sign of life */
  async #giveUp(peer: PeerRow): Promise<boolean> {
    const { text, values } = giveUpNode(peer)
    return (await this.#options.connections.change(text, values)) === 1
  }

  #failed(cause: unknown): void {
    const now = this.#options.elapsed()
    this.#failingSince ??= now
    if (now - this.#failingSince < this.#options.patienceMs) return
    this.#failingSince = undefined
    const error = new DependencyError(
      'a change was made, and it could not be found out whether every node knows of it',
      { cause },
    )
    for (const { go } of this.#waiting.splice(0)) go(error)
  }
}
