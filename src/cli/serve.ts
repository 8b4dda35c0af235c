import type { ExitCode } from './failures.ts'
import { EXIT } from './failures.ts'
import type { RunningServer } from './serving-program.ts'
import type { Terminal } from './terminal.ts'

/**
 * Ctrl-C under npm arrives twice: from the terminal, which signals the whole process group, and from
 * npm, which passes its own on. A second signal within this time is the same wish.
 */
const SAME_WISH_MS = 1000

const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

/** The one line that says that a server serves, for people and scripts. */
export const readyLine = (endpoint: string, host: string): string =>
  `strongroom ready at ${endpoint}${WILDCARDS.has(host) ? ` (listening on all addresses, ${host})` : ''}\n`

/**
 * Announces the server and waits until it ends or is asked to. The first signal lets it finish what
 * is in flight, a later one gives up waiting.
 * @param announce tells the world; signals are heard from before, since whoever reads that the server
 *   is ready may stop it at once
 * @throws whatever ended the server by itself
 */
export async function serveUntilStopped(
  server: Pick<RunningServer, 'stop' | 'stopped'>,
  terminal: Terminal,
  announce: () => Promise<unknown>,
): Promise<ExitCode> {
  const asked = Promise.withResolvers<'asked'>()
  const forced = Promise.withResolvers<'forced'>()
  let askedAtMs: number | undefined
  const unsubscribe = terminal.onStopSignal(() => {
    if (askedAtMs === undefined) {
      askedAtMs = terminal.elapsedMs()
      asked.resolve('asked')
    } else if (terminal.elapsedMs() - askedAtMs >= SAME_WISH_MS) {
      forced.resolve('forced')
    }
  })
  try {
    await announce()
    const first = await Promise.race([asked.promise, server.stopped])
    if (first instanceof Error) throw first
    if (first === undefined) return EXIT.ok
    await terminal.err.write(
      'strongroom: finishing the requests in flight; signal again to end at once\n',
    )
    const last = await Promise.race([forced.promise, stopAll(server)])
    if (last instanceof Error) throw last
    return last === 'forced' ? EXIT.failed : EXIT.ok
  } finally {
    unsubscribe()
  }
}

async function stopAll(
  server: Pick<RunningServer, 'stop' | 'stopped'>,
): Promise<Error | undefined> {
  await server.stop()
  return await server.stopped
}
