import type { Question, SupervisorMessage, WorkerAnswer, WorkerMessage } from './messages.ts'

/** How long a worker has for its answer. A search may first have to take in what is new. */
const ANSWER_MS_MAX: Readonly<Record<Question['what'], number>> = {
  metrics: 1000,
  search: 30_000,
  counts: 30_000,
  request: 30_000,
}

/** A worker, as the exchange sees it. */
export interface Teller {
  readonly number: number
  readonly restarts: number
  readonly isServing: boolean
  send(message: SupervisorMessage): void
}

interface Asked {
  readonly asker: Teller
  readonly askerId: number
  readonly waiting: Set<number>
  readonly answers: WorkerAnswer[]
  readonly timer: NodeJS.Timeout
}

/** Asks all other workers what one of them wants to know. */
export class Exchange {
  readonly #workers: () => readonly Teller[]
  readonly #asked = new Map<number, Asked>()
  #lastId = 0

  constructor(workers: () => readonly Teller[]) {
    this.#workers = workers
  }

  heard(worker: Teller, message: WorkerMessage): void {
    if (message.kind === 'ask') this.#ask(worker, message)
    if (message.kind === 'told') this.#told(worker, message.id, message.result)
  }

  /** Whoever waits for the worker waits no longer. */
  ended(worker: Teller): void {
    for (const id of this.#asked.keys()) this.#told(worker, id, undefined)
  }

  #ask(
    asker: Teller,
    { id: askerId, question, of }: Extract<WorkerMessage, { kind: 'ask' }>,
  ): void {
    const id = this.#lastId++
    const others = this.#workers().filter(
      (worker) => worker !== asker && of.includes(worker.number),
    )
    const serving = others.filter(({ isServing }) => isServing)
    this.#asked.set(id, {
      asker,
      askerId,
      waiting: new Set(serving.map(({ number }) => number)),
      answers: [
        ...(question.what === 'metrics' ? [{ worker: 0, result: this.#ownMetrics() }] : []),
        ...others.filter(({ isServing }) => !isServing).map(({ number }) => ({ worker: number })),
      ],
      timer: setTimeout(() => this.#answer(id), ANSWER_MS_MAX[question.what]),
    })
    for (const worker of serving) worker.send({ kind: 'tell', id, question })
    if (serving.length === 0) this.#answer(id)
  }

  #told(worker: Teller, id: number, result: unknown): void {
    const asked = this.#asked.get(id)
    if (asked?.waiting.delete(worker.number) !== true) return
    asked.answers.push({ worker: worker.number, result })
    if (asked.waiting.size === 0) this.#answer(id)
  }

  #answer(id: number): void {
    const asked = this.#asked.get(id)
    if (asked === undefined) return
    this.#asked.delete(id)
    clearTimeout(asked.timer)
    const { asker, askerId, waiting, answers } = asked
    const silent = [...waiting].map((worker) => ({ worker }))
    asker.send({ kind: 'answers', id: askerId, answers: [...answers, ...silent] })
  }

  /** What the supervisor has measured itself. */
  #ownMetrics(): string {
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
