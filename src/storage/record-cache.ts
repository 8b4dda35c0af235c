/**
 * A bounded map that forgets what has not been used for longest, roughly: it keeps two generations,
 * and when the young one is full the old one goes. A hit costs one lookup and moves nothing, where
 * an exact order would have to be kept up on every hit.
 */
export class RecordCache<V extends object> {
  readonly #generationMax: number
  #young = new Map<string, V>()
  #old = new Map<string, V>()

  /** @param entriesMax how many entries both generations hold together; 0 caches nothing */
  constructor(entriesMax: number) {
    this.#generationMax = Math.floor(entriesMax / 2)
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: string, value: V): void {
    if (this.#generationMax === 0) return
    this.#old.delete(key)
    if (this.#young.size >= this.#generationMax && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }

  /** Takes an entry in only where there is room: a walk over many rows drives out nothing. */
  offer(key: string, value: V): void {
    if (this.#old.size < this.#generationMax && !this.#young.has(key)) this.#old.set(key, value)
  }

  delete(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }
}
