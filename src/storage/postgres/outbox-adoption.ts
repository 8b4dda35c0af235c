import type { OutboxEntry } from '../../core/store.ts'
import type { Session } from './connections.ts'
import { outboxEntryOf, readOutbox, removeOutbox } from './feed-sql.ts'
import { fenceNode, fenceWriter } from './node-sql.ts'

/** Frames that are adopted in one transaction. */
const FRAMES_MAX = 500

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
