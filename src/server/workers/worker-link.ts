import type { SupervisorLink } from '../../cli/serving-program.ts'
import { OperatorError } from '../../core/errors.ts'
import type { ExpositionFormat } from '../../metrics/exposition.ts'
import { NodeAway } from '../peers/node-away.ts'
import type { PeerQuestion, Peers } from '../peers/peers.ts'
import { mergeMetrics } from './merged-metrics.ts'
import {
  isFromSupervisor,
  type Question,
  RESTART_SIGNAL,
  type WorkerAnswer,
  type WorkerMessage,
} from './messages.ts'
import { BEAT_MS } from './pulse.ts'

/** How long a worker waits for what the others say; its supervisor is to answer before. */
const WAIT_MS = 40_000

type Collect = (format: ExpositionFormat) => Promise<string>

/** This process as a worker: what it tells its supervisor, what it asks, and what it is asked. */
class WorkerLink implements SupervisorLink, Peers {
  readonly #waiting = new Map<number, (answers: readonly WorkerAnswer[]) => void>()
  readonly #number: number
  readonly #numbers: readonly number[]
  #collect: Collect | undefined
  #answer: ((question: PeerQuestion) => Promise<unknown>) | undefined
  #asked = 0
  #giveUpWriting: (() => void) | undefined

  constructor(number: number, count: number) {
    this.#number = number
    this.#numbers = Array.from({ length: count }, (_, at) => at + 1)
    process.on('message', (message: unknown) => this.#heard(message))
    // Nobody would start it again, or end it. Before it serves, this is the end at once.
    process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
    // Meant for the supervisor; systemd, for one, sends signals to every process of a service.
    process.on(RESTART_SIGNAL, () => undefined)
    // It does not keep the process alive, and a loop that hangs sends none.
    setInterval(() => this.#send({ kind: 'alive' }), BEAT_MS).unref()
    // The channel alone would keep a start that failed from ending.
    process.channel?.unref()
  }

  ready(endpoint: string): boolean {
    return this.#send({ kind: 'ready', endpoint })
  }

  /** A sync of the store has failed in this process. */
  tellSyncFailure(): void {
    this.#send({ kind: 'syncFailure' })
  }

  /** @param giveUpWriting called when one has failed in another */
  onSyncFailure(giveUpWriting: () => void): void {
    this.#giveUpWriting = giveUpWriting
  }

  /** @param collect the worker's own metrics */
  serveMetrics(collect: Collect): void {
    this.#collect = collect
  }

  /** The metrics of all workers, each with its number. */
  async metrics(own: string, format: ExpositionFormat): Promise<string> {
    const answers = await this.#ask({ what: 'metrics', format }, this.#numbers)
    const parts = answers.flatMap(({ worker, result }) =>
      typeof result === 'string'
        ? [{ worker: worker === 0 ? '' : String(worker), text: result }]
        : [],
    )
    return mergeMetrics([{ worker: String(this.#number), text: own }, ...parts])
  }

  /** The name by which the others ask this worker. */
  get name(): string {
    return String(this.#number)
  }

  /** @param answer from the worker's own log */
  answerWith(answer: (question: PeerQuestion) => Promise<unknown>): void {
    this.#answer = answer
  }

  /** The other workers. */
  async others(): Promise<readonly string[]> {
    return this.#numbers.filter((number) => number !== this.#number).map(String)
  }

  async ask(question: PeerQuestion, of: readonly string[]): Promise<ReadonlyMap<string, unknown>> {
    const answers = of.length === 0 ? [] : await this.#ask(question, of.map(Number))
    const results = new Map(answers.map(({ worker, result }) => [String(worker), result]))
    const missing = of.find((name) => results.get(name) === undefined)
    if (missing === undefined) return results
    throw new NodeAway(`worker ${missing} could not be asked what is in its audit log`)
  }

  #ask(question: Question, of: readonly number[]): Promise<readonly WorkerAnswer[]> {
    const id = this.#asked++
    return new Promise((resolve) => {
      const answered = (answers: readonly WorkerAnswer[]): void => {
        clearTimeout(timer)
        this.#waiting.delete(id)
        resolve(answers)
      }
      const timer = setTimeout(() => answered([]), WAIT_MS)
      this.#waiting.set(id, answered)
      if (!this.#send({ kind: 'ask', id, question, of })) answered([])
    })
  }

  /** What this worker answers for itself. */
  async #find(question: Question): Promise<unknown> {
    if (question.what === 'metrics') return this.#collect?.(question.format)
    return this.#answer?.(question)
  }

  #heard(message: unknown): void {
    if (!isFromSupervisor(message)) return
    if (message.kind === 'syncFailure') this.#giveUpWriting?.()
    if (message.kind === 'answers') this.#waiting.get(message.id)?.(message.answers)
    if (message.kind === 'tell') {
      const { id, question } = message
      this.#find(question).then(
        (result) => this.#send({ kind: 'told', id, result }),
        () => this.#send({ kind: 'told', id }),
      )
    }
  }

  #send(message: WorkerMessage): boolean {
    if (!process.connected) return false
    // An error means that the supervisor is gone; `disconnect` says so too.
    process.send?.(message, undefined, undefined, () => undefined)
    return true
  }
}

let joined: WorkerLink | undefined

/**
 * Makes this process a worker.
 * @param number which one, from 1 on
 * @throws OperatorError where no supervisor has started it
 */
export function joinSupervisor(number: number, count: number): SupervisorLink {
  if (process.send === undefined) {
    throw new OperatorError(
      'a worker is started by strongroom start --workers, and by nobody else',
      'leave --worker out',
    )
  }
  return (joined ??= new WorkerLink(number, count))
}

/** What this process is as a worker; undefined where it serves alone. */
export const workerLink = (): WorkerLink | undefined => joined
