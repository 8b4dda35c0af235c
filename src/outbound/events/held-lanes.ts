import type { HeldEvent } from '../../core/outbound-tables.ts'

/** The events of one order key that wait for those before them. Their texts are in the store. */
export interface HeldLane {
  readonly orderKey: string
  /** In order; never empty. */
  readonly positions: readonly string[]
  /** Of each: since when. Unit: milliseconds since the Unix epoch. */
  readonly since: readonly number[]
  /** When the first is tried next. Unit: milliseconds since the Unix epoch. */
  readonly notBefore: number
}

/** What is held of one sink, by order key. */
export class HeldLanes {
  readonly #lanes = new Map<string, HeldLane & { positions: string[]; since: number[] }>()
  #size = 0

  /** How many events are held. */
  get size(): number {
    return this.#size
  }

  has(orderKey: string): boolean {
    return this.#lanes.has(orderKey)
  }

  due(now: number): readonly HeldLane[] {
    return [...this.#lanes.values()].filter(({ notBefore }) => notBefore <= now)
  }

  /** Puts an event behind those of its key; the first of a key is tried when `notBefore` has come. */
  add({ orderKey, position, heldAt }: HeldEvent, notBefore: number): void {
    let lane = this.#lanes.get(orderKey)
    if (lane === undefined) {
      lane = { orderKey, positions: [], since: [], notBefore }
      this.#lanes.set(orderKey, lane)
    }
    lane.positions.push(position)
    lane.since.push(heldAt)
    this.#size += 1
  }

  /** Takes the first events out of a lane; what is left is tried when `notBefore` has come. */
  shorten(orderKey: string, gone: number, notBefore: number): void {
    const lane = this.#lanes.get(orderKey)
    if (lane === undefined) return
    const positions = lane.positions.slice(gone)
    this.#size -= lane.positions.length - positions.length
    if (positions.length === 0) this.#lanes.delete(orderKey)
    else
      this.#lanes.set(orderKey, { orderKey, positions, since: lane.since.slice(gone), notBefore })
  }

  clear(): void {
    this.#lanes.clear()
    this.#size = 0
  }

  /** Since when the oldest event has been held; undefined where none is. */
  oldest(): number | undefined {
    let oldest: number | undefined
    for (const { since } of this.#lanes.values()) {
      const [first] = since
      if (first !== undefined && (oldest === undefined || first < oldest)) oldest = first
    }
    return oldest
  }
}
