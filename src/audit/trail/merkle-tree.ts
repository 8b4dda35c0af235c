import { hash } from 'node:crypto'
import { nodeOf } from './merkle.ts'

interface Subtree {
  readonly size: number
  readonly root: Buffer
}

/** The tree of a log file, built record by record: it keeps no more than one hash for each of its levels. */
export class MerkleTree {
  /** Whole subtrees from left to right, each smaller than the one before. */
  readonly #subtrees: Subtree[] = []

  add(record: string): void {
    let added: Subtree = { size: 1, root: hash('sha256', `\0${record}`, 'buffer') }
    for (
      let left = this.#subtrees.at(-1);
      left?.size === added.size;
      left = this.#subtrees.at(-1)
    ) {
      this.#subtrees.pop()
      added = { size: left.size * 2, root: nodeOf(left.root, added.root) }
    }
    this.#subtrees.push(added)
  }

  /** The root, 64 hex digits. */
  root(): string {
    const last = this.#subtrees.at(-1)
    if (last === undefined) return hash('sha256', '', 'hex')
    return this.#subtrees
      .slice(0, -1)
      .reduceRight((right, { root }) => nodeOf(root, right), last.root)
      .toString('hex')
  }
}
