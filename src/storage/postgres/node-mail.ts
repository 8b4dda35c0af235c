import type { Connections, ResultRow } from './connections.ts'
import { channelOf } from './feed-follower.ts'
import { notify } from './feed-sql.ts'
import { forgetNode, readMembers } from './node-sql.ts'
import { fromPostgres } from './postgres-error.ts'
import type { Statement } from './row-sql.ts'

/** How long a message waits for its recipient. Whoever has sent it waits less. Unit: milliseconds */
const KEPT_MS = 60_000
/** Messages that are taken together. */
const TAKEN_MAX = 100

/** A node of the store: one that runs, or has run. */
export interface Member {
  readonly nodeId: string
  /** Whether it has not said good-bye, and nobody has given it up. */
  readonly isLive: boolean
}

export interface NodeMessage {
  readonly id: string
  readonly sender: string
  readonly body: Uint8Array
  /** By the database's clock. Unit: milliseconds */
  readonly ageMs: number
}

/**
 * Messages from node to node, through the database that all of them reach. They are for the moment: nothing is lost
 * with one that does not arrive but an answer. Who they are from is the sender's word; what is in them, anybody's
 * who may write to the database. The methods reject with `DependencyError`.
 */
export interface NodeMail {
  /** The other nodes. */
  members(): Promise<readonly Member[]>
  /**
   * Forgets a node that is gone for good. One that comes back is known again.
   * @returns whether there was one that does not live, all of whose audit frames are in its log
   */
  forget(nodeId: string): Promise<boolean>
  send(message: {
    readonly recipient: string
    readonly id: string
    readonly body: Uint8Array
  }): Promise<void>
  /** Takes what has come for this node: each message once. */
  take(): Promise<readonly NodeMessage[]>
  /** This node has no audit log: when its store is closed, it is forgotten. */
  leaveForGood(): void
  /** Tells of a message that has come; the database may not, so looking now and then is needed as well. */
  onMail(listener: () => void): void
}

/** Milliseconds since 1970, by one clock for all nodes. */
const NOW = 'CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000 AS BIGINT)'

const expire: Statement = {
  text: `DELETE FROM node_message WHERE sent_at < ${NOW} - ${KEPT_MS}`,
  values: [],
}

const MAIL = 'mail/'

/** Whether something that was told of is mail, and then whose. */
export const recipientOf = (notice: string): string | undefined =>
  notice.startsWith(MAIL) ? notice.slice(MAIL.length) : undefined

export class PostgresMail implements NodeMail {
  readonly #connections: Connections
  readonly #nodeId: string
  readonly #tells: () => boolean
  readonly #listeners: (() => void)[] = []
  #isForgotten = false

  /** @param tells whether the database tells who listens */
  constructor(connections: Connections, nodeId: string, tells: () => boolean) {
    this.#connections = connections
    this.#nodeId = nodeId
    this.#tells = tells
  }

  async members(): Promise<readonly Member[]> {
    return (await this.#read('read the nodes', readMembers(this.#nodeId))).map(
      ([nodeId, isLive]) => ({ nodeId: String(nodeId), isLive: isLive === true }),
    )
  }

  async forget(nodeId: string): Promise<boolean> {
    return (await this.#change('forget a node', forgetNode(nodeId))) === 1
  }

  async send(message: {
    readonly recipient: string
    readonly id: string
    readonly body: Uint8Array
  }): Promise<void> {
    const { recipient, id, body } = message
    await this.#change('remove old messages', expire)
    await this.#change('send a message', {
      text: `INSERT INTO node_message (recipient, id, sender, sent_at, body) VALUES ($1, $2, $3, ${NOW}, $4)`,
      values: [recipient, id, this.#nodeId, body],
    })
    if (!this.#tells()) return
    const { address } = this.#connections
    await this.#read('tell of a message', notify(channelOf(address.schema), MAIL + recipient))
  }

  async take(): Promise<readonly NodeMessage[]> {
    const rows = await this.#read('read messages', {
      text: `SELECT id, sender, body, ${NOW} - sent_at FROM node_message WHERE recipient = $1 ORDER BY sent_at, id LIMIT ${TAKEN_MAX}`,
      values: [this.#nodeId],
    })
    const taken: NodeMessage[] = []
    for (const row of rows) {
      const message = messageOf(row)
      // Whoever removes it has it: two processes of one node, of which one has been given up, do not both answer.
      const removed = await this.#change('take a message', {
        text: 'DELETE FROM node_message WHERE recipient = $1 AND id = $2',
        values: [this.#nodeId, message.id],
      })
      if (removed === 1) taken.push(message)
    }
    return taken
  }

  leaveForGood(): void {
    this.#isForgotten = true
  }

  /** The node has left. */
  async left(): Promise<void> {
    // One that could not be forgotten is a node that does not run, until somebody forgets it.
    if (this.#isForgotten) await this.forget(this.#nodeId).catch(() => undefined)
  }

  onMail(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** The database has told of something. */
  told(notice: string): void {
    if (recipientOf(notice) !== this.#nodeId) return
    for (const listener of this.#listeners) listener()
  }

  async #read(doing: string, { text, values }: Statement): Promise<readonly ResultRow[]> {
    try {
      return await this.#connections.read(text, values)
    } catch (error) {
      throw fromPostgres(error, doing)
    }
  }

  async #change(doing: string, { text, values }: Statement): Promise<number> {
    try {
      return await this.#connections.change(text, values)
    } catch (error) {
      throw fromPostgres(error, doing)
    }
  }
}

const messageOf = ([id, sender, body, ageMs]: ResultRow): NodeMessage => ({
  id: String(id),
  sender: String(sender),
  body: body instanceof Uint8Array ? body : new Uint8Array(),
  ageMs: Number(ageMs),
})
