/** Another node that uses the store, or has used it. */
export interface Neighbour {
  readonly nodeId: string
  readonly isLive: boolean
  /** Grows with every sign of life. */
  readonly renewal: number
  /** Audit frames in its outbox that may not be in its log. */
  readonly frames: number
}

/** Tells which neighbours have been silent for long enough to be taken for gone. */
export class SilentNodes {
  readonly #elapsed: () => number
  readonly #silentMs: number
  /** When this process first saw the newest sign of life of each. */
  readonly #seen = new Map<string, { readonly renewal: number; readonly at: number }>()

  /** @param elapsed milliseconds that only grow */
  constructor(elapsed: () => number, silentMs: number) {
    this.#elapsed = elapsed
    this.#silentMs = silentMs
  }

  /** Those that have left frames behind and given no sign of life for so long. */
  find(neighbours: readonly Pick<Neighbour, 'nodeId' | 'renewal' | 'frames'>[]): readonly string[] {
    const now = this.#elapsed()
    const silent: string[] = []
    for (const { nodeId, renewal, frames } of neighbours) {
      const seen = this.#seen.get(nodeId)
      if (seen?.renewal !== renewal) this.#seen.set(nodeId, { renewal, at: now })
      else if (frames > 0 && now - seen.at >= this.#silentMs) silent.push(nodeId)
    }
    return silent
  }

  /** It has given a sign of life after all. */
  heardOf(nodeId: string): void {
    this.#seen.delete(nodeId)
  }
}
