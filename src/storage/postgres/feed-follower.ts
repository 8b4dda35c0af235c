import { DependencyError } from '../../core/errors.ts'
import type { Change, CommitNews } from '../../core/store.ts'
import type { CommitListeners } from '../commit-listeners.ts'
import type { HeldValue } from '../held-value.ts'
import type { Connections, Session } from './connections.ts'
import {
  changeOf,
  numberOf,
  READ_EPOCH,
  readChanges,
  readSettingAndEpoch,
  settingOf,
} from './feed-sql.ts'
import type { Lease } from './lease.ts'
import { joinNodes, leaveNodes, renewNode } from './node-sql.ts'
import { sqlStateOf } from './postgres-error.ts'
import { quote } from './table-sql.ts'

/** Changes that are read together. */
const CHANGES_PAGE = 1000
/** How often the feed is read where the database tells of changes, and where it does not. */
const POLL_MS = 400
const POLL_ALONE_MS = 100
/** Pause after a failure. */
const RETRY_MS = 100

export interface FollowerOptions {
  readonly connections: Connections
  readonly listeners: CommitListeners
  readonly lease: Lease
  readonly held?: HeldValue | undefined
  readonly nodeId: string
  readonly incarnation: number
  /** Told of everything that others tell of. */
  readonly onNotice: (notice: string) => void
  /** Told when others have changed so much meanwhile that the node has dropped all that it had cached. */
  readonly onForgotten: () => void
  /** Told when this process can follow no more and never will: it serves nothing from then on. */
  readonly onEnd: (error: Error) => void
}

/** The channel on which commits are told of. Telling makes the feed faster; reading it is what counts. */
export const channelOf = (schema: string): string => `strongroom_${schema}`.slice(0, 63)

/**
 * Brings a node's caches up to date with what other nodes commit, and says in the store how far it has
 * come. For as long as that works the node has a lease: see `Lease`.
 */
export class FeedFollower {
  readonly #options: FollowerOptions
  #applied = 0
  /** The greatest epoch that this process knows of: of the feed, or of a commit of its own. */
  #seen = 0
  /** The number of the newest sign of life that the database took. */
  #renewals = 0
  /** Which primary the node joined at; see `Connections`. */
  #generation: number | undefined
  /** Own commits that the listeners have heard of and the feed has not brought yet. */
  readonly #ownEpochs = new Set<number>()
  #isClosing = false
  #isListening = false
  #session: Session | undefined
  /** Ends the pause that is going on. */
  #wake: (() => void) | undefined
  /** Whether something was told of since the last round began. */
  #isRoused = false
  #running: Promise<void> | undefined
  /** Why this process can never follow again. */
  #end: DependencyError | undefined

  constructor(options: FollowerOptions) {
    this.#options = options
  }

  /** Whether the database tells of changes. */
  get isListening(): boolean {
    return this.#isListening
  }

  /** Joins the nodes that live, and goes on by itself until `close`. */
  async start(): Promise<void> {
    await this.#join()
    this.#running = this.#run()
  }

  /** The listeners have heard of this commit of the node's own. */
  heard(changes: readonly Change[]): void {
    for (const { epoch } of changes) {
      if (epoch > this.#applied) this.#ownEpochs.add(epoch)
      this.#seen = Math.max(this.#seen, epoch)
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true
    this.#options.lease.end()
    this.#wake?.()
    await this.#running
    const { nodeId, incarnation } = this.#options
    const { text, values } = leaveNodes(nodeId, incarnation)
    // Who cannot say good-bye is given up in a while.
    await this.#session?.query(text, values).catch(() => undefined)
    await this.#session?.close()
  }

  async #run(): Promise<void> {
    while (!this.#isClosing && this.#end === undefined) {
      try {
        if (this.#session?.isOpen !== true) await this.#join()
        const isBehind = await this.#round()
        if (!isBehind) await this.#pause(this.#isListening ? POLL_MS : POLL_ALONE_MS)
      } catch {
        // The lease runs out by itself while this lasts, and nothing is served from the caches then.
        this.#isRoused = false
        await this.#pause(RETRY_MS)
      }
    }
  }

  /**
   * Says that the node lives, then applies all that was committed before it said so: whoever commits
   * from now on waits for it, and whoever did not wait had committed before.
   */
  async #join(): Promise<void> {
    const { connections, nodeId, incarnation, lease } = this.#options
    await this.#session?.close()
    const session = (this.#session = await connections.openSession((notice) => {
      this.#options.onNotice(notice)
      // Of commits the notice names who made it.
      if (notice !== nodeId) this.#rouse()
    }))
    this.#isListening = await listen(session, channelOf(connections.address.schema))
    if (this.#applied === 0) {
      // Nothing is in the caches yet: everything committed so far is applied.
      this.#applied = numberOf((await session.query(READ_EPOCH, [])).rows)
    }
    const from = lease.now()
    const join = joinNodes(nodeId, incarnation, this.#applied)
    const joined = await session.query(join.text, join.values)
    if (joined.count !== 1) throw this.#superseded()
    const renewals = numberOf(joined.rows)
    // The first of a node that had given some before: an operator had it forgotten.
    const isNew = renewals === 1
    if (renewals <= this.#renewals && !isNew) throw this.#forgotten()
    this.#renewals = renewals
    const seen = this.#seen
    const epoch = numberOf((await session.query(READ_EPOCH, [])).rows)
    if (epoch < seen) throw this.#goneBack(seen, epoch)
    while (this.#applied < epoch) {
      const before = this.#applied
      await this.#applyPage(session)
      if (this.#applied === before) await this.#forgetUntil(session, epoch)
    }
    this.#meetPrimary(isNew)
    lease.renew(from)
  }

  /**
   * Another server has become the primary, and nothing says that it had all of what the one before it
   * told: what was read there is not used any more.
   * @param isNew whether nothing is known of what this node had said before
   */
  #meetPrimary(isNew: boolean): void {
    const { generation } = this.#options.connections
    if (this.#generation !== undefined && (isNew || this.#generation !== generation)) {
      this.#options.listeners.tell('everything')
    }
    this.#generation = generation
  }

  /**
   * Others no longer keep what this node has not seen: so it uses nothing of what it had read before. What it
   * reads from now on has all that was committed up to `epoch`, and later commits are in the feed.
   */
  async #forgetUntil(session: Session, epoch: number): Promise<void> {
    await this.#takeHeld(session, 'everything')
    this.#options.listeners.tell('everything')
    this.#appliedUntil(epoch)
    this.#options.onForgotten()
  }

  /** @returns whether there is more to apply, or to say */
  async #round(): Promise<boolean> {
    const { nodeId, incarnation, lease } = this.#options
    const session = this.#session
    if (session === undefined) return false
    this.#isRoused = false
    const from = lease.now()
    const said = this.#applied
    const seen = this.#seen
    const renew = renewNode(nodeId, incarnation, said)
    const [renewed, isWhole] = await Promise.all([
      session.query(renew.text, renew.values),
      this.#applyPage(session),
    ])
    const epoch = renewed.count === 1 ? numberOf(renewed.rows) : undefined
    // Where there was nothing to apply, the epoch has not grown: else the feed has lost what was next.
    const isMissing = epoch !== undefined && this.#applied === said && epoch > said
    if (epoch === undefined || !isWhole || isMissing) {
      lease.end()
      await session.close()
      return true
    }
    this.#renewals++
    if (epoch < seen) throw this.#goneBack(seen, epoch)
    lease.renew(from)
    return this.#applied > said
  }

  /** @returns false where the feed has later changes, but no longer those that come next */
  async #applyPage(session: Session): Promise<boolean> {
    const { text, values } = readChanges(this.#applied, CHANGES_PAGE)
    const changes = (await session.query(text, values)).rows.map(changeOf)
    const last = changes.at(-1)?.epoch
    if (last === undefined) return true
    if (changes[0]?.epoch !== this.#applied + 1) return false
    await this.#takeHeld(session, changes)
    this.#options.listeners.tell(changes.filter(({ epoch }) => !this.#ownEpochs.has(epoch)))
    this.#appliedUntil(last)
    return true
  }

  #appliedUntil(last: number): void {
    this.#applied = last
    this.#seen = Math.max(this.#seen, last)
    for (const epoch of this.#ownEpochs) if (epoch <= last) this.#ownEpochs.delete(epoch)
  }

  async #takeHeld(session: Session, news: CommitNews): Promise<void> {
    const { held } = this.#options
    if (held?.isIn(news) !== true) return
    const { text, values } = readSettingAndEpoch(held.name)
    const { rows } = await session.query(text, values)
    const epoch = numberOf(rows, 1)
    try {
      held.take(settingOf(rows), epoch)
    } catch (error) {
      throw error instanceof DependencyError ? this.#ended(error.message) : error
    }
  }

  /** Until the time is over, or something is told of. */
  async #pause(milliseconds: number): Promise<void> {
    if (this.#isClosing || this.#isRoused) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = undefined
  }

  #rouse(): void {
    this.#isRoused = true
    this.#wake?.()
  }

  #superseded(): DependencyError {
    return this.#ended('another process has taken the id of this node, or its place in the store')
  }

  /** What was committed from now on would have epochs that the caches have heard of with other changes. */
  #goneBack(seen: number, epoch: number): DependencyError {
    return this.#ended(
      `the database has gone back from epoch ${seen} to ${epoch}, and acknowledged changes are missing`,
    )
  }

  #forgotten(): DependencyError {
    return this.#ended(
      'the database has forgotten signs of life of this node that it had taken, and with them acknowledged changes',
    )
  }

  #ended(why: string): DependencyError {
    this.#end = new DependencyError(`${why}: it has to be started again`)
    this.#options.lease.end()
    this.#options.onEnd(this.#end)
    return this.#end
  }
}

/** @returns whether the database tells of changes: CockroachDB, for one, does not */
async function listen(session: Session, channel: string): Promise<boolean> {
  try {
    await session.query(`LISTEN ${quote(channel)}`)
    return true
  } catch (error) {
    if (sqlStateOf(error) === undefined) throw error
    return false
  }
}
