import type { OutboxEntry } from '../../core/store.ts'
import type { Session } from './connections.ts'
import { outboxEntryOf, readOutbox, removeOutbox } from './feed-sql.ts'
import { fenceNode, fenceWriter, type Neighbour } from './node-sql.ts'

/** Frames that are adopted in one transaction. */
const FRAMES_MAX = 500

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
  find(neighbours: readonly Neighbour[]): readonly string[] {
    const now = this.#elapsed()
    const silent: string[] = []
    for (const { nodeId, renewal, frames } of neighbours) {
      const seen = this.#seen.get(nodeId)
      if (seen?.renewal !== renewal) this.#seen.set(nodeId, { renewal, at: now })
      else if (frames > 0 && now - seen.at >= this.#silentMs) silent.push(nodeId)
    }
    return silent
  }
}

/** What adopting needs of a transaction. */
export interface AdoptingTransaction {
  readonly session: Session
  addOutbox(frame: string): Promise<number>
}

/**
 * Takes over the frames that a node has left in its outbox. The node can write nothing more until it is started again: what it was about to
 * write would be in two logs. Some of the frames may be in its log already; they carry the same event ids there.
 * @returns the frames under their new ids
 */
export async function adoptOutbox(
  { session, addOutbox }: AdoptingTransaction,
  nodeId: string,
): Promise<readonly OutboxEntry[]> {
  for (const { text, values } of [fenceWriter(nodeId), fenceNode(nodeId)]) {
    await session.query(text, values)
  }
  const read = readOutbox(nodeId, 0, FRAMES_MAX)
  const left = (await session.query(read.text, read.values)).rows.map(outboxEntryOf)
  const adopted: OutboxEntry[] = []
  for (const { frame } of left) adopted.push({ id: await addOutbox(frame), frame })
  const remove = removeOutbox(
    nodeId,
    left.map(({ id }) => id),
  )
  await session.query(remove.text, remove.values)
  return adopted
}
