import { type ChildProcess, fork } from 'node:child_process'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningServer, WorkersOptions } from '../../cli/serving-program.ts'
import { OperatorError } from '../../core/errors.ts'
import type { Log } from '../../core/ports.ts'
import { isPostgresUrl } from '../../storage/postgres/postgres-url.ts'
import { listenOnPort } from '../http/http-listen.ts'
import { workerFolder } from '../node/node-folder.ts'
import { lockWorkers } from '../node/node-locks.ts'
import { createOperatorLog } from '../operator/operator-log.ts'
import { Exchange } from './exchange.ts'
import { isFromWorker, RESTART_SIGNAL, type SupervisorMessage } from './messages.ts'
import { BEAT_MS, Pulse, RestartPause } from './pulse.ts'

/** Workers beyond any machine's cores are a typing mistake. */
const WORKERS_MAX = 256
/** How long workers have to end in peace, once they have drained: more than each takes for the requests in flight. */
const STOP_MS_MAX = 30_000
/** How often a worker that is started again is looked at. */
const LOOK_MS = 50

const NOT_WRITTEN =
  'Nothing more is written until all workers have been stopped and started, and none that ends is started again'

/** What a worker asks of the one who watches it. */
interface Watch {
  /** Starts the process of a worker. */
  readonly start: (number: number) => ChildProcess
  readonly log: Log
  readonly exchange: Exchange
  /** How long a worker has to end in peace. */
  readonly stopMsMax: number
  /** A sync of the store has failed in this worker. */
  readonly onSyncFailure: (worker: Worker) => void
  /** Whether one that ends is started again: not where it could not write what a start writes. */
  readonly mayRestart: () => boolean
}

/** One worker, started again for as long as it is wanted. */
class Worker {
  readonly number: number
  readonly #watch: Watch
  readonly #pause = new RestartPause()
  readonly #ready = Promise.withResolvers<string>()
  #pulse = new Pulse()
  #child: ChildProcess | undefined
  #readyAtMs: number | undefined
  #restart: NodeJS.Timeout | undefined
  #isWanted = true
  /** It was asked to end, and is to be started again at once. */
  #isRestarted = false
  #hasEnded = Promise.withResolvers<void>()
  /** How often it was started again. */
  restarts = 0

  constructor(number: number, watch: Watch) {
    this.number = number
    this.#watch = watch
    // Heard of by whoever waits for it, or by nobody.
    this.#ready.promise.catch(() => undefined)
  }

  get isServing(): boolean {
    return this.#readyAtMs !== undefined
  }

  /** Resolves with the endpoint when it serves for the first time; rejects when it ends before. */
  start(): Promise<string> {
    this.#run()
    return this.#ready.promise
  }

  send(message: SupervisorMessage): void {
    if (this.#child?.connected === true) this.#child.send(message, () => undefined)
  }

  /** Ends it when it gives no sign of life: the system would go on handing connections to it. */
  look(): void {
    if (this.#child === undefined || !this.#pulse.look()) return
    this.#watch.log.error({ worker: this.number }, 'a worker hangs, and is ended')
    this.#child.kill('SIGKILL')
  }

  /** Lets it finish what is in flight. Resolves when it has ended. */
  async stop(): Promise<void> {
    this.#isWanted = false
    clearTimeout(this.#restart)
    await this.#end()
  }

  /** As `stop`, and starts it again. Resolves when it serves, or is not wanted any more. */
  async restartInPeace(): Promise<void> {
    this.#isRestarted = this.#child !== undefined
    await this.#end()
    while (this.#isWanted && !this.isServing && this.#watch.mayRestart()) await delay(LOOK_MS)
  }

  async #end(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), this.#watch.stopMsMax)
    await this.#hasEnded.promise
    clearTimeout(timer)
  }

  /** At once. */
  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  #run(): void {
    this.#pulse = new Pulse()
    this.#hasEnded = Promise.withResolvers<void>()
    const child = (this.#child = this.#watch.start(this.number))
    child.on('message', (message: unknown) => {
      this.#pulse.beat()
      if (!isFromWorker(message)) return
      if (message.kind === 'ready') {
        this.#readyAtMs = performance.now()
        this.#ready.resolve(message.endpoint)
      }
      if (message.kind === 'syncFailure') this.#watch.onSyncFailure(this)
      this.#watch.exchange.heard(this, message)
    })
    child.once('error', (cause) => this.#ended(cause.message))
    child.once('exit', (code, signal) => this.#ended(signal ?? `exit code ${code}`))
  }

  #ended(why: string): void {
    if (this.#child === undefined) return
    this.#child = undefined
    const servedMs = this.#readyAtMs === undefined ? 0 : performance.now() - this.#readyAtMs
    const { number } = this
    this.#readyAtMs = undefined
    this.#hasEnded.resolve()
    this.#watch.exchange.ended(this)
    this.#ready.reject(
      new OperatorError(`worker ${number} did not start (${why})`, 'see above why'),
    )
    if (!this.#isWanted) return
    if (!this.#watch.mayRestart()) {
      this.#watch.log.error({ worker: number, why }, `a worker has ended. ${NOT_WRITTEN}`)
      return
    }
    const pauseMs = this.#isRestarted ? 0 : this.#pause.next(servedMs)
    if (!this.#isRestarted) {
      this.#watch.log.warn(
        { worker: number, why, pauseMs },
        'a worker has ended, and is started again',
      )
    }
    this.#isRestarted = false
    this.#restart = setTimeout(() => {
      this.restarts++
      this.#run()
    }, pauseMs)
  }
}

/** Starts workers that share one port, and keeps them running. @throws OperatorError */
export async function startWorkers(options: WorkersOptions): Promise<RunningServer> {
  assertPossible(options)
  const lock = isEmbedded(options) ? lockWorkers(options.dataFolder, options.store) : undefined
  try {
    if (options.port !== 0) await assertPortFree(options)
    const server = await startAll(options)
    void server.stopped.then(() => lock?.release())
    return server
  } catch (error) {
    lock?.releaseAndRemove()
    throw error
  }
}

async function startAll(options: WorkersOptions): Promise<RunningServer> {
  const log = createOperatorLog(options.logLevel)
  let port = options.port
  let isBroken = false
  const watch: Watch = {
    log,
    exchange: new Exchange(() => workers),
    stopMsMax: options.drainSeconds * 1000 + STOP_MS_MAX,
    start: (number) =>
      fork(process.argv[1] ?? '', argvOf(options, number, port), {
        // What a worker asks at the terminal nobody could answer when it is started again.
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      }),
    onSyncFailure(from) {
      if (!isBroken)
        log.error({ worker: from.number }, `a sync of the store failed. ${NOT_WRITTEN}`)
      isBroken = true
      for (const worker of workers) if (worker !== from) worker.send({ kind: 'syncFailure' })
    },
    mayRestart: () => !isBroken,
  }
  const workers = Array.from({ length: options.count }, (_, at) => new Worker(at + 1, watch))
  const killAll = (): void => workers.forEach((worker) => worker.kill())
  process.on('exit', killAll)
  const restartAll = oneAtATime(() => restartInTurn(workers, watch))
  process.on(RESTART_SIGNAL, restartAll)
  const looks = setInterval(() => workers.forEach((worker) => worker.look()), BEAT_MS)
  const stopAll = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.stop()))
    clearInterval(looks)
    process.off('exit', killAll)
    process.off(RESTART_SIGNAL, restartAll)
  }
  try {
    // The first sets an empty store up, and finds the port where the system chooses it.
    const endpoint = (await workers[0]?.start()) ?? ''
    port = Number(new URL(endpoint).port) || port
    await Promise.all(workers.slice(1).map((worker) => worker.start()))
    const { promise: stopped, resolve: ended } = Promise.withResolvers<undefined>()
    let stopping: Promise<void> | undefined
    const stop = () => (stopping ??= stopAll().then(() => ended(undefined)))
    return { endpoint, stopped, stop }
  } catch (error) {
    await stopAll()
    throw error
  }
}

/** Restarts one worker after the other, so that all others serve meanwhile. */
async function restartInTurn(
  workers: readonly Worker[],
  { log, mayRestart }: Watch,
): Promise<void> {
  log.info({}, 'restarting the workers, one after the other')
  for (const worker of workers) {
    if (!mayRestart()) return log.error({}, `the workers are not restarted. ${NOT_WRITTEN}`)
    await worker.restartInPeace()
  }
  log.info({}, 'all workers have been restarted')
}

/** Begins the work unless it is still going on. */
function oneAtATime(work: () => Promise<void>): () => void {
  let isGoingOn = false
  return () => {
    if (isGoingOn) return
    isGoingOn = true
    void work().finally(() => {
      isGoingOn = false
    })
  }
}

/** Whether the workers share a file, which is to be nobody else's. */
const isEmbedded = ({ store }: WorkersOptions): boolean =>
  store === undefined || !isPostgresUrl(store)

/** What was typed, and behind it what holds for this worker: the last one counts. */
function argvOf(options: WorkersOptions, number: number, port: number): readonly string[] {
  const { argv, dataFolder, keyfile, store } = options
  const own = [
    ['--worker', number],
    ['--data', workerFolder(resolve(dataFolder), number)],
    ['--keyfile', resolve(keyfile ?? join(dataFolder, 'root.key'))],
    ['--port', port],
    ...(isEmbedded(options)
      ? [['--store', resolve(store ?? join(dataFolder, 'strongroom.db'))]]
      : []),
  ]
  return [...argv, ...own.flat().map(String)]
}

function assertPossible({ count }: WorkersOptions): void {
  if (count < 1 || count > WORKERS_MAX) {
    throw new OperatorError(`${count} workers are not possible`, `name 1 to ${WORKERS_MAX}`)
  }
  if (process.platform !== 'linux') {
    throw new OperatorError(
      'several processes can share a port on Linux alone',
      'start without --workers',
    )
  }
}

/** A port that is shared would be shared with any other service of this user, without a word. */
async function assertPortFree({ host, port }: WorkersOptions): Promise<void> {
  const server = createServer()
  await listenOnPort(server, host, port)
  await new Promise((done) => server.close(done))
}
