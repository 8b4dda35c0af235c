import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { CpuTime } from './cpu-time.ts'
import type { EchoReply } from './echo.ts'
import type { LoadOrder, LoadResult } from './load.ts'

/** Something that answers requests: a yardstick or the real server. */
export interface Target {
  readonly port: number
  /** The process group whose CPU time counts. */
  readonly group: number
  /** Of a server that speaks TLS: whom its certificate is from (PEM). */
  readonly ca?: string | undefined
}

/** One round of one row. */
export interface Sample extends LoadResult {
  /** CPU microseconds of the target per request; undefined where the machine does not tell. */
  readonly cpuMicros: number | undefined
  /** The same, split by thread name. */
  readonly cpuMicrosByThread: Readonly<Record<string, number>>
}

const canPin =
  availableParallelism() > 1 && spawnSync('taskset', ['-c', '0,1', 'true']).status === 0

/** Whoever is measured gets the first core, the load generator the second, where that can be had. */
export const pinned = {
  server: canPin ? ['taskset', '-c', '0'] : [],
  load: canPin ? ['taskset', '-c', '1'] : [],
} as const

/** Starts a yardstick; it ends when `child` is disconnected. */
export async function startEcho(
  kind: 'net' | 'http',
  reply: EchoReply,
): Promise<Target & { readonly child: ChildProcess }> {
  const child = forkPinned('echo.ts', [kind], pinned.server)
  child.send(reply)
  const [port]: unknown[] = await once(child, 'message')
  if (typeof port !== 'number' || child.pid === undefined) throw new Error(`${kind} echo: no port`)
  return { port, group: child.pid, child }
}

/** Runs one load against `target` in a fresh generator and takes the target's CPU time around it. */
export async function measure(
  target: Target,
  order: Omit<LoadOrder, 'port' | 'ca'>,
): Promise<Sample> {
  const load = forkPinned('load.ts', [], pinned.load)
  const ended = new Promise<never>((_, reject) =>
    load.once('exit', (code) => reject(new Error(`the load generator ended with ${code}`))),
  )
  // Once the result is there, the end of the generator is no failure any more.
  ended.catch(() => undefined)
  load.send({ ...order, port: target.port, ca: target.ca } satisfies LoadOrder)
  await Promise.race([once(load, 'message'), ended])
  using cpu = new CpuTime(target.group)
  const before = cpu.byThreadName()
  load.send('go')
  const [result]: LoadResult[] = await Promise.race([once(load, 'message'), ended])
  if (result === undefined) throw new Error('the load generator sent no result')
  const after = cpu.byThreadName()
  const growth = [...after].map(
    ([name, nanoseconds]) =>
      [name, (nanoseconds - (before.get(name) ?? 0)) / 1000 / result.requests] as const,
  )
  const sum = growth.reduce((total, [, micros]) => total + micros, 0)
  return {
    ...result,
    cpuMicros: CpuTime.isAvailable ? sum : undefined,
    cpuMicrosByThread: Object.fromEntries(growth),
  }
}

function forkPinned(file: string, args: readonly string[], pin: readonly string[]): ChildProcess {
  const [execPath, ...pinArgs] = [...pin, process.execPath]
  return fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    execPath,
    // taskset takes its own arguments and the program before Node's.
    execArgv: pinArgs,
    // A group of its own, so that its CPU time can be told from ours.
    detached: true,
  })
}
