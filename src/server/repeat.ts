import type { Log } from '../core/ports.ts'

/** Something that is done again and again until it is stopped. */
export interface Repetition {
  /** Resolves when the round under way, if any, has ended; none follows. */
  stop(): Promise<void>
}

/** Does `work` every `intervalMs`, never twice at once. A round that fails is told to `onError` and the next one comes. */
export function repeat(
  work: () => Promise<void>,
  intervalMs: number,
  onError: (error: unknown) => void,
): Repetition {
  let timer: NodeJS.Timeout | undefined
  let round: Promise<void> = Promise.resolve()
  let isStopped = false
  const schedule = (): void => {
    if (!isStopped) timer = setTimeout(start, intervalMs)
  }
  const start = (): void => {
    round = work().catch(onError).then(schedule)
  }
  schedule()
  return {
    async stop() {
      isStopped = true
      clearTimeout(timer)
      await round
    },
  }
}

/** What the operator reads of a round that failed. */
export const roundFailed =
  (log: Log) =>
  (error: unknown): void =>
    log.error({}, 'a round of timed work failed; the next one tries again', error)
