import type { MetricsPart, SupervisorMessage, WorkerMessage } from './messages.ts'

/** How long a worker has to tell its metrics; one that hangs is left out. */
const TELL_MS_MAX = 1000

/** A worker, as the exchange sees it. */
export interface Teller {
  readonly number: number
  readonly restarts: number
  readonly isServing: boolean
  send(message: SupervisorMessage): void
}

interface Question {
  readonly asker: Teller
  readonly askerId: number
  readonly waiting: Set<number>
  readonly parts: MetricsPart[]
  readonly timer: NodeJS.Timeout
}

/** Gets a worker that is scraped what the others have measured. */
export class MetricsExchange {
  readonly #workers: () => readonly Teller[]
  readonly #questions = new Map<number, Question>()
  #asked = 0

  constructor(workers: () => readonly Teller[]) {
    this.#workers = workers
  }

  heard(worker: Teller, message: WorkerMessage): void {
    if (message.kind === 'ask metrics') this.#ask(worker, message.id, message.format)
    if (message.kind === 'metrics') this.#told(worker, message.id, message.text)
  }

  #ask(asker: Teller, askerId: number, format: string): void {
    const id = this.#asked++
    const others = this.#workers().filter((worker) => worker !== asker && worker.isServing)
    const question: Question = {
      asker,
      askerId,
      waiting: new Set(others.map(({ number }) => number)),
      parts: [{ worker: '', text: this.#own() }],
      timer: setTimeout(() => this.#answer(id), TELL_MS_MAX),
    }
    this.#questions.set(id, question)
    for (const worker of others) worker.send({ kind: 'tell metrics', id, format })
    if (others.length === 0) this.#answer(id)
  }

  #told(worker: Teller, id: number, text: string): void {
    const question = this.#questions.get(id)
    if (question?.waiting.delete(worker.number) !== true) return
    question.parts.push({ worker: String(worker.number), text })
    if (question.waiting.size === 0) this.#answer(id)
  }

  #answer(id: number): void {
    const question = this.#questions.get(id)
    if (question === undefined) return
    this.#questions.delete(id)
    clearTimeout(question.timer)
    const { asker, askerId, parts } = question
    asker.send({ kind: 'all metrics', id: askerId, parts })
  }

  /** What the supervisor knows itself. */
  #own(): string {
    const lines = (name: string, valueOf: (worker: Teller) => number): string =>
      this.#workers()
        .map((worker) => `${name}{worker="${worker.number}"} ${valueOf(worker)}\n`)
        .join('')
    return (
      '# HELP strongroom_worker_up Whether a worker serves\n# TYPE strongroom_worker_up gauge\n' +
      lines('strongroom_worker_up', ({ isServing }) => Number(isServing)) +
      '# HELP strongroom_worker_restarts How often a worker was started again\n# TYPE strongroom_worker_restarts gauge\n' +
      lines('strongroom_worker_restarts', ({ restarts }) => restarts)
    )
  }
}
