/**
 * The load generator, a process of its own: `fork` it, send a `LoadOrder`, wait for `signed`, send
 * `go`, get a `LoadResult`. Each connection has one request in flight. The client side is kept
 * cheap, because it shares the machine's caches with the server: the requests lie signed in memory
 * before the run, and of a reply only the status and the length are looked at.
 */
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { RequestSigner, type SigningIdentity } from './signer.ts'
import { type Subjects, workloadOf } from './workload.ts'

export interface LoadOrder {
  readonly port: number
  /** Of a server that speaks TLS: whom its certificate is from (PEM). */
  readonly ca: string | undefined
  readonly connections: number
  /** Requests in all. */
  readonly requests: number
  /** How many of them are different; the yardsticks, which look at none, get the same ones again. */
  readonly distinct: number
  /** The name of a row of `workload.ts`. */
  readonly workload: string
  readonly identity: SigningIdentity
  readonly subjects: Subjects
}

export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Replies by status. */
  readonly statuses: Readonly<Record<string, number>>
  /** The first reply that was not 200, if any. */
  readonly failure: string | undefined
}

const RECEIVE_BUFFER_BYTES = 64 * 1024
const HEAD_BYTES_MAX = 16 * 1024

/** The state all connections share: which request is next, and what came back. */
class Run {
  readonly #requests: readonly Buffer[]
  readonly #total: number
  readonly #latenciesMs: Float64Array
  readonly #statuses = new Map<string, number>()
  readonly finished = Promise.withResolvers<void>()
  failure: string | undefined
  #sent = 0
  #answered = 0

  constructor(requests: readonly Buffer[], total: number) {
    this.#requests = requests
    this.#total = total
    this.#latenciesMs = new Float64Array(total)
  }

  next(): Buffer | undefined {
    if (this.#sent === this.#total) return undefined
    return this.#requests[this.#sent++ % this.#requests.length]
  }

  answered(status: string, latencyMs: number): void {
    this.#latenciesMs[this.#answered++] = latencyMs
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1)
    if (this.#answered === this.#total) this.finished.resolve()
  }

  result(seconds: number): LoadResult {
    const sorted = this.#latenciesMs.sort()
    const quantile = (share: number): number =>
      sorted[Math.min(this.#total - 1, Math.floor(this.#total * share))] ?? Number.NaN
    return {
      requests: this.#total,
      seconds,
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
      statuses: Object.fromEntries(this.#statuses),
      failure: this.failure,
    }
  }
}

/** One keep-alive connection. */
class Lane {
  readonly #run: Run
  readonly #socket: Socket
  readonly connected = Promise.withResolvers<void>()
  #sentAt = 0
  #status = ''
  /** Body bytes still to come; -1 while the head is not complete. */
  #missing = -1
  /** The beginning of a head that came in pieces; empty nearly always. */
  #partialHead = ''

  constructor({ port, ca }: LoadOrder, run: Run) {
    this.#run = run
    this.#socket = ca === undefined ? this.#connect(port) : this.#connectTls(port, ca)
    this.#socket.on('error', (cause) => this.#fail(cause))
    this.#socket.on('close', () => this.#fail(new Error('the server closed a connection')))
  }

  #connect(port: number): Socket {
    const onread = {
      buffer: Buffer.allocUnsafeSlow(RECEIVE_BUFFER_BYTES),
      callback: (size: number, buffer: Uint8Array) => {
        this.#receive(Buffer.from(buffer.buffer, buffer.byteOffset, size))
        return true
      },
    }
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread })
    return socket.on('connect', () => this.connected.resolve())
  }

  #connectTls(port: number, ca: string): Socket {
    const socket = connectTls({ port, host: '127.0.0.1', ca })
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => this.#receive(bytes))
    return socket.on('secureConnect', () => this.connected.resolve())
  }

  send(): void {
    const request = this.#run.next()
    if (request === undefined) return
    this.#sentAt = performance.now()
    this.#socket.write(request)
  }

  close(): void {
    this.#socket.removeAllListeners('close')
    this.#socket.destroy()
  }

  #receive(bytes: Buffer): void {
    if (this.#missing === -1) this.#receiveHead(bytes)
    else this.#missing -= bytes.length
    if (this.#missing !== 0) return
    this.#missing = -1
    this.#run.answered(this.#status, performance.now() - this.#sentAt)
    this.send()
  }

  #receiveHead(bytes: Buffer): void {
    const text =
      this.#partialHead + bytes.toString('latin1', 0, Math.min(bytes.length, HEAD_BYTES_MAX))
    const headEnd = text.indexOf('\r\n\r\n')
    if (headEnd === -1) {
      this.#partialHead = text
      return
    }
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1]
    if (length === undefined) this.#fail(new Error(`a reply without Content-Length: ${text}`))
    this.#status = text.slice(9, 12)
    if (this.#status !== '200') this.#run.failure ??= text
    this.#missing = headEnd + 4 + Number(length) - this.#partialHead.length - bytes.length
    this.#partialHead = ''
  }

  #fail(cause: Error): void {
    this.connected.reject(cause)
    this.#run.finished.reject(cause)
  }
}

function sign(order: LoadOrder): Buffer[] {
  const signer = new RequestSigner(order.identity, `127.0.0.1:${order.port}`)
  const { operation, input } = workloadOf(order.workload)
  return Array.from({ length: Math.min(order.distinct, order.requests) }, (_, index) =>
    signer.request({
      operation,
      body: JSON.stringify(input(index, order.subjects)),
    }),
  )
}

async function carryOut(order: LoadOrder): Promise<LoadResult> {
  const run = new Run(sign(order), order.requests)
  // A failure before anyone waits for it must not end the process without a word.
  run.finished.promise.catch(() => undefined)
  const lanes = Array.from({ length: order.connections }, () => new Lane(order, run))
  await Promise.all(lanes.map((lane) => lane.connected.promise))
  const go = new Promise((resolve) => process.once('message', resolve))
  process.send?.('signed')
  await go
  const start = performance.now()
  for (const lane of lanes) lane.send()
  await run.finished.promise
  const seconds = (performance.now() - start) / 1000
  for (const lane of lanes) lane.close()
  return run.result(seconds)
}

// Whoever ordered the load is gone: nobody waits for its result.
process.on('disconnect', () => process.exit(0))

process.once('message', (order: LoadOrder) => {
  carryOut(order).then(
    (result) => {
      process.send?.(result, undefined, undefined, () => process.disconnect?.())
    },
    (cause: unknown) => {
      console.error(cause)
      process.exit(1)
    },
  )
})
