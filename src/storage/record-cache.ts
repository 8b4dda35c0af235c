/**
 * A bounded map from records' keys that forgets what has not been used for longest, roughly: it keeps two
 * generations, and when the young one is full the old one goes. A hit costs one walk and moves nothing, where
 * an exact order would have to be kept up on every hit.
 */
export class RecordCache<V extends object> {
  readonly #generationMax: number
  #young = new KeyTree<V>()
  #old = new KeyTree<V>()

  /** @param entriesMax how many entries both generations hold together; 0 caches nothing */
  constructor(entriesMax: number) {
    this.#generationMax = Math.floor(entriesMax / 2)
  }

  get(table: string, key: readonly string[]): V | undefined {
    const young = this.#young.get(table, key)
    if (young !== undefined) return young
    const old = this.#old.get(table, key)
    if (old !== undefined) this.set(table, key, old)
    return old
  }

  set(table: string, key: readonly string[], value: V): void {
    if (this.#generationMax === 0) return
    this.#old.delete(table, key)
    if (this.#young.size >= this.#generationMax && this.#young.get(table, key) === undefined) {
      this.#old = this.#young
      this.#young = new KeyTree()
    }
    this.#young.set(table, key, value)
  }

  /** Takes an entry in only where there is room: a walk over many rows drives out nothing. */
  offer(table: string, key: readonly string[], value: V): void {
    if (this.#old.size < this.#generationMax && this.#young.get(table, key) === undefined) {
      this.#old.set(table, key, value)
    }
  }

  delete(table: string, key: readonly string[]): void {
    this.#young.delete(table, key)
    this.#old.delete(table, key)
  }

  clear(): void {
    this.#young = new KeyTree()
    this.#old = new KeyTree()
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }
}

/** What follows one part of a key: the values where it was the last part. */
type Branch<V> = Map<string, Branch<V> | V>

/**
 * Values by table and key, a map for each part: the parts of a key are mostly texts that were looked up before,
 * whose hashes are known, where one joined text would have to be made and hashed for every look.
 */
class KeyTree<V extends object> {
  readonly #tables: Branch<V> = new Map()
  size = 0

  get(table: string, key: readonly string[]): V | undefined {
    let at: Branch<V> | V | undefined = this.#tables.get(table)
    for (const part of key) {
      if (at === undefined) return undefined
      at = branchOf(at).get(part)
    }
    // All keys of a table have as many parts as its schema says: behind the last one stands a value.
    return at as V | undefined
  }

  set(table: string, key: readonly string[], value: V): void {
    let branch = this.#tables
    let name = table
    for (const part of key) {
      const known = branch.get(name)
      const next: Branch<V> = known === undefined ? new Map() : branchOf(known)
      if (known === undefined) branch.set(name, next)
      branch = next
      // A copy: a slice would keep the request that it came with alive.
      name = Buffer.from(part).toString()
    }
    if (!branch.has(name)) this.size++
    branch.set(name, value)
  }

  delete(table: string, key: readonly string[]): void {
    this.#deleteIn(this.#tables, [table, ...key], 0)
  }

  /** Leaves no empty branch behind. */
  #deleteIn(branch: Branch<V>, path: readonly string[], depth: number): void {
    const name = path[depth] ?? ''
    const below = branch.get(name)
    if (below === undefined) return
    if (depth === path.length - 1) this.size--
    else {
      this.#deleteIn(branchOf(below), path, depth + 1)
      if (branchOf(below).size > 0) return
    }
    branch.delete(name)
  }
}

/** Before the last part of a key stand branches. */
const branchOf = <V>(below: Branch<V> | V): Branch<V> => below as Branch<V>
