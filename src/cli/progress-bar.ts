import { type Context, count } from './context.ts'

/** How far something has come that goes through many records, in steps. */
export interface Progress {
  readonly step: string
  /** So far. */
  readonly rows: number
  /** Undefined where it is not known beforehand. */
  readonly total: number | undefined
}

const BAR_COLUMNS = 30
/** How often the bar is drawn. */
const DRAW_MS = 100

/** One line that is written over, for a person who looks. `work` is given what it tells of its progress. */
export async function withProgressBar<T>(
  { terminal }: Context,
  work: (onProgress: (progress: Progress) => void) => Promise<T>,
): Promise<T> {
  let drawnAt = -Infinity
  let isDrawn = false
  const draw = (progress: Progress): void => {
    const now = terminal.elapsedMs()
    const isLast = progress.rows === progress.total
    if (!terminal.errIsLive || (now - drawnAt < DRAW_MS && !isLast)) return
    drawnAt = now
    isDrawn = true
    void terminal.err.write(`\r${describeProgress(progress)}\u001b[K`)
  }
  try {
    return await work(draw)
  } finally {
    if (isDrawn) await terminal.err.write('\n')
  }
}

/** `copied    [###       ] 30 %, 300 of 1000 records` */
export function describeProgress({ step, rows, total }: Progress): string {
  const name = step.padEnd(9)
  const what = step === 'proved' ? 'key' : 'record'
  if (total === undefined) return `${name} ${count(rows, what)}`
  const share = total === 0 ? 1 : Math.min(rows / total, 1)
  const full = Math.round(share * BAR_COLUMNS)
  const bar = `${'#'.repeat(full)}${' '.repeat(BAR_COLUMNS - full)}`
  return `${name} [${bar}] ${Math.floor(share * 100)} %, ${rows} of ${count(total, what)}`
}
