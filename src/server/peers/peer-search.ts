import type { AuditSearch, EventCount, EventPage } from '../../core/audit-search.ts'
import type { RequestFrames } from '../explanations/authorization-endpoints.ts'
import { isOfRequest } from '../explanations/explanation.ts'
import { MergedSearch } from './merged-search.ts'
import type { PeerQuestion, Peers } from './peers.ts'

/** A node's own log, as it is searched. */
export interface OwnSearch extends AuditSearch {
  requestFrames(requestId: string): Promise<readonly string[]>
}

/** What a node answers when another one asks. */
export const answerFrom =
  (own: OwnSearch) =>
  (question: PeerQuestion): Promise<unknown> => {
    if (question.what === 'search') return own.search(question.query)
    if (question.what === 'counts') return own.counts(question.query)
    return own.requestFrames(question.requestId)
  }

/** Searches the logs of all that serve as one. */
export class PeerSearch {
  readonly search: AuditSearch
  readonly #own: OwnSearch
  readonly #name: string
  readonly #peers: Peers

  /** @param name by which the others ask this one */
  constructor(own: OwnSearch, name: string, peers: Peers) {
    this.#own = own
    this.#name = name
    this.#peers = peers
    this.search = new MergedSearch({
      own,
      places: async () => [name, ...(await peers.others())],
      // What comes back is what the same program gave for the same question.
      search: async (query, of) =>
        (await this.#ask({ what: 'search', query }, of)) as ReadonlyMap<string, EventPage>,
      counts: async (query, of) =>
        // Likewise.
        (await this.#ask({ what: 'counts', query }, of)) as ReadonlyMap<
          string,
          readonly EventCount[]
        >,
    })
  }

  /** The frames that may be of a request; of other nodes where none of this one's is. */
  readonly requestFrames: RequestFrames = async (requestId) => {
    const own = await this.#own.requestFrames(requestId)
    if (own.some(isOfRequest(requestId))) return own
    const found = await this.#peers.ask({ what: 'request', requestId }, await this.#peers.others())
    // Likewise.
    return [...found.values()].flatMap((frames) => frames as readonly string[])
  }

  async #ask(question: PeerQuestion, of: readonly string[]): Promise<ReadonlyMap<string, unknown>> {
    const others = of.filter((place) => place !== this.#name)
    const [own, found] = await Promise.all([
      others.length === of.length ? undefined : answerFrom(this.#own)(question),
      this.#peers.ask(question, others),
    ])
    return own === undefined ? found : new Map([[this.#name, own], ...found])
  }
}
