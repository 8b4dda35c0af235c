import type { Cell, HistoryEntry } from './history-checker.ts'
import {
  HistoryClient,
  type HistoryReply,
  type Principal,
  type ServiceName,
} from './history-client.ts'
import type { SeededChoice } from './kill-nine-model.ts'

/** One call of a story, and what its answer says. */
export interface Step {
  readonly who: Principal
  readonly service?: ServiceName
  readonly operation: string
  readonly input: Readonly<Record<string, unknown>>
  /** Which node; any when absent. */
  readonly node?: number
  readonly writes?: readonly Cell[]
  /** What a success shows. */
  readonly shows?: (reply: HistoryReply) => readonly Cell[]
  /** The codes of a refusal that may be, and what one shows: one of these. */
  readonly refusals?: readonly string[]
  readonly refusalShows?: readonly Cell[]
}

/** A step of a story was not answered: the story begins anew, with new things. */
export class Unanswered extends Error {}

/** What becomes of a request that failed authentication: the log has it as a refusal, without a record. */
const WITHOUT_RECORD: ReadonlySet<string> = new Set([
  'UnrecognizedClientException',
  'InvalidClientTokenId',
])

/** Makes calls at the nodes and keeps the history of them. */
export class Load implements Disposable {
  readonly history: HistoryEntry[] = []
  readonly #pending = new Set<HistoryEntry>()
  readonly choice: SeededChoice
  readonly root: Principal
  readonly #endpoints: readonly (() => string)[]
  readonly #client = new HistoryClient()
  #names = 0

  constructor(parts: {
    readonly endpoints: readonly (() => string)[]
    readonly root: Principal
    readonly choice: SeededChoice
  }) {
    this.#endpoints = parts.endpoints
    this.root = parts.root
    this.choice = parts.choice
  }

  get nodes(): number {
    return this.#endpoints.length
  }

  /** The history until now, with the calls that wait for their answers. */
  soFar(): readonly HistoryEntry[] {
    return [...this.history, ...this.#pending]
  }

  /** Never the same twice. */
  name(kind: string): string {
    return `${kind}-${this.#names++}`
  }

  /** Makes a call, whatever comes of it. */
  async send(step: Step): Promise<HistoryEntry['outcome']> {
    return (await this.#send(step)).outcome
  }

  /** Makes a call that must succeed where it is answered. @throws {Unanswered} */
  async succeed(step: Step): Promise<HistoryReply> {
    const { reply, outcome } = await this.#send(step)
    if (outcome === 'done') return reply
    throw new Unanswered(`${step.operation}: ${reply.status} ${reply.code}`)
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]()
  }

  async #send(step: Step) {
    const { who, service = 'kms', operation, input, refusals = [] } = step
    const node = step.node ?? this.choice.below(this.#endpoints.length)
    const call = `${operation} at node ${node} of ${who.accessKeyId}`
    const writes = step.writes && { writes: step.writes }
    const startMs = performance.now()
    const pending: HistoryEntry = {
      call,
      startMs,
      endMs: Infinity,
      outcome: 'unknown',
      ...writes,
    }
    this.#pending.add(pending)
    const endpoint = this.#endpoints[node]?.() ?? ''
    const reply = await this.#client.call(endpoint, who, service, operation, input)
    const endMs = performance.now()
    this.#pending.delete(pending)
    const outcome = outcomeOf(reply)
    const isRecorded = outcome !== 'unknown' && !WITHOUT_RECORD.has(reply.code)
    const isUnexpected = outcome === 'refused' && !refusals.includes(reply.code)
    this.history.push({
      call,
      startMs,
      endMs,
      outcome,
      ...writes,
      ...(outcome === 'done' && step.shows && { shows: step.shows(reply) }),
      ...(outcome === 'refused' && step.refusalShows && { showsOneOf: step.refusalShows }),
      ...(isUnexpected && { unexpected: `${reply.status} ${reply.body.slice(0, 200)}` }),
      ...(isRecorded && { recordedAs: reply.requestId ?? 'an answer without a request id' }),
    })
    return { reply, outcome }
  }
}

function outcomeOf({ status }: HistoryReply): HistoryEntry['outcome'] {
  if (status === 200) return 'done'
  return status === 0 || status >= 500 ? 'unknown' : 'refused'
}
