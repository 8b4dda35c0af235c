import { hash } from 'node:crypto'

/**
 * The Merkle tree of a log file: RFC 6962, section 2.1, with SHA-256, over the UTF-8 bytes of each record.
 */

type Leaf = string | Uint8Array

export function leafOf(record: Leaf): Buffer {
  if (typeof record === 'string') return hash('sha256', `\0${record}`, 'buffer')
  const bytes = Buffer.allocUnsafe(record.length + 1)
  bytes[0] = 0
  bytes.set(record, 1)
  return hash('sha256', bytes, 'buffer')
}

export function nodeOf(left: Uint8Array, right: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(left.length + right.length + 1)
  bytes[0] = 1
  bytes.set(left, 1)
  bytes.set(right, left.length + 1)
  return hash('sha256', bytes, 'buffer')
}

/** The largest power of two below `count`, which is at least 2. */
const splitOf = (count: number): number => 2 ** Math.floor(Math.log2(count - 1))

function rootOf(leaves: readonly Buffer[]): Buffer {
  const [first] = leaves
  if (first === undefined) return hash('sha256', Buffer.alloc(0), 'buffer')
  if (leaves.length === 1) return first
  const split = splitOf(leaves.length)
  return nodeOf(rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)))
}

/** The root, 64 hex digits. */
export const merkleRoot = (records: readonly Leaf[]): string =>
  rootOf(records.map(leafOf)).toString('hex')

/** RFC 6962, section 2.1.1: PATH(m, D[n]). */
function pathOf(leaves: readonly Buffer[], index: number): Buffer[] {
  if (leaves.length === 1) return []
  const split = splitOf(leaves.length)
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)]
  return index < split
    ? [...pathOf(left, index), rootOf(right)]
    : [...pathOf(right, index - split), rootOf(left)]
}

/**
 * The nodes, 64 hex digits each, that lead from one record to the root: the one beside it first.
 * @param index from 0; below the number of records
 */
export const merklePath = (records: readonly Leaf[], index: number): string[] =>
  pathOf(records.map(leafOf), index).map((node) => node.toString('hex'))
