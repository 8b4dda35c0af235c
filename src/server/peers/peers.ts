import type { EventCountsQuery, EventPageQuery } from '../../core/audit-search.ts'

/** What one that serves asks another, about what is in its audit log. */
export type PeerQuestion =
  | { readonly what: 'search'; readonly query: EventPageQuery }
  | { readonly what: 'counts'; readonly query: EventCountsQuery }
  /** For the frames that may be of a request. */
  | { readonly what: 'request'; readonly requestId: string }

/** The others that serve as one with this process: nodes of a store, or workers of a machine. */
export interface Peers {
  /** Their names: also of one that is away. */
  others(): Promise<readonly string[]>
  /**
   * Asks some of them. A question has the answer of each, or none.
   * @throws {NodeAway} that names one which does not answer
   */
  ask(question: PeerQuestion, of: readonly string[]): Promise<ReadonlyMap<string, unknown>>
}
