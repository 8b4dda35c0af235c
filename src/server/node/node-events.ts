import type { Clock, Log, Random } from '../../core/ports.ts'
import type { RecordStore } from '../../core/records.ts'
import { EventFeed, type FeedStats } from '../../outbound/events/event-feed.ts'
import type { LogSource } from '../../outbound/log-source.ts'
import { type Repetition, repeat } from '../repeat.ts'
import type { EventChoice } from './events-choice.ts'

/** How often is looked for events that are to go out. */
const ROUND_MS = 500

export interface NodeEventsParts {
  readonly records: RecordStore
  readonly source: LogSource
  readonly machine: Clock
  readonly random: Random
  readonly log: Log
}

/** The events that leave a node, to all its sinks. */
export interface NodeEvents {
  /** From now on what happens goes out. */
  start(): void
  /** Settles when every sink was offered all that had happened; a sink that is not there is not waited for. */
  flush(): Promise<void>
  /** Held events were changed in the store. */
  reload(): void
  stats(): readonly FeedStats[]
  /** Frames of the log up to this one are not needed any more for events; undefined where none ever are. */
  mark(): number | undefined
  close(): Promise<void>
}

/** Begins to serve the sinks that were chosen, and closes them in the end. A node without any keeps nothing for them. */
export async function openNodeEvents(
  parts: NodeEventsParts,
  { sinks, apiCalls }: EventChoice,
): Promise<NodeEvents> {
  const feeds: EventFeed[] = []
  const rounds: Repetition[] = []
  const { log } = parts
  const onError = (error: unknown): void =>
    log.error({}, 'events were not sent; it is tried again', error)
  for (const sink of sinks) feeds.push(await EventFeed.open({ ...parts, sink, apiCalls }))
  return {
    start() {
      for (const feed of feeds) rounds.push(repeat(() => feed.round(), ROUND_MS, onError))
    },
    async flush() {
      await Promise.all(feeds.map((feed) => feed.flush().catch(onError)))
    },
    reload() {
      for (const feed of feeds) feed.reload()
    },
    stats: () => feeds.map((feed) => feed.stats()),
    mark: () => (feeds.length === 0 ? undefined : Math.min(...feeds.map(({ cursor }) => cursor))),
    async close() {
      // First told to end, then waited for: a round may be long.
      const closed = feeds.map((feed) => feed.close())
      await Promise.all([...closed, ...rounds.map((round) => round.stop())])
    },
  }
}
