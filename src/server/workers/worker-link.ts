import type { SupervisorLink } from '../../cli/serving-program.ts'
import { OperatorError } from '../../core/errors.ts'
import type { ExpositionFormat } from '../../metrics/exposition.ts'
import { mergeMetrics } from './merged-metrics.ts'
import { isFromSupervisor, type MetricsPart, type WorkerMessage } from './messages.ts'
import { BEAT_MS } from './pulse.ts'

/** How long a worker waits for the metrics of the others; it answers with its own then. */
const METRICS_WAIT_MS = 2000

type Collect = (format: ExpositionFormat) => Promise<string>

/** This process as a worker: what it tells its supervisor, and what it is asked. */
class WorkerLink implements SupervisorLink {
  readonly #waiting = new Map<number, (parts: readonly MetricsPart[]) => void>()
  readonly #number: string
  #collect: Collect | undefined
  #asked = 0

  constructor(number: number) {
    this.#number = String(number)
    process.on('message', (message: unknown) => this.#heard(message))
    // Nobody would start it again, or end it. Before it serves, this is the end at once.
    process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
    // It does not keep the process alive, and a loop that hangs sends none.
    setInterval(() => this.#send({ kind: 'alive' }), BEAT_MS).unref()
    // The channel alone would keep a start that failed from ending.
    process.channel?.unref()
  }

  ready(endpoint: string): boolean {
    return this.#send({ kind: 'ready', endpoint })
  }

  /** @param collect the worker's own metrics */
  serveMetrics(collect: Collect): void {
    this.#collect = collect
  }

  /** The metrics of all workers, each with its number. */
  async metrics(own: string, format: ExpositionFormat): Promise<string> {
    const id = this.#asked++
    const others = await new Promise<readonly MetricsPart[]>((resolve) => {
      const timer = setTimeout(() => resolve([]), METRICS_WAIT_MS)
      this.#waiting.set(id, (parts) => {
        clearTimeout(timer)
        resolve(parts)
      })
      this.#send({ kind: 'ask metrics', id, format })
    })
    this.#waiting.delete(id)
    return mergeMetrics([{ worker: this.#number, text: own }, ...others])
  }

  #heard(message: unknown): void {
    if (!isFromSupervisor(message)) return
    if (message.kind === 'all metrics') this.#waiting.get(message.id)?.(message.parts)
    if (message.kind === 'tell metrics') {
      const { id } = message
      const format = message.format === 'openmetrics' ? 'openmetrics' : 'prometheus'
      this.#collect?.(format).then(
        (text) => this.#send({ kind: 'metrics', id, text }),
        () => undefined,
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

/** @param number which worker this process is, from 1 on @throws OperatorError where no supervisor has started it */
export function joinSupervisor(number: number): SupervisorLink {
  if (process.send === undefined) {
    throw new OperatorError(
      'a worker is started by strongroom start --workers, and by nobody else',
      'leave --worker out',
    )
  }
  return (joined ??= new WorkerLink(number))
}

/** What this process is as a worker; undefined where it serves alone. */
export const workerLink = (): WorkerLink | undefined => joined
