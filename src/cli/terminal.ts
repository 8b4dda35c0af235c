import { isatty } from 'node:tty'
import type { PassphraseInput } from './passphrase.ts'

/** Where text goes. */
export interface Output {
  /** Resolves once the text is handed over: false when nobody reads it any more. Never rejects. */
  write(text: string): Promise<boolean>
}

/** The process as a command sees it; tests pass another one. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly out: Output
  readonly err: Output
  /** Absent when standard input is no terminal. */
  readonly keyboard: PassphraseInput | undefined
  /** Width of the terminal in characters. */
  readonly columns: number
  /** Whether standard output shows colours. */
  readonly hasColors: boolean
  /** Whether a person looks at standard error: for lines that are written over. */
  readonly errIsLive: boolean
  /** Calls the listener for each request to end; the returned function takes it off again. */
  onStopSignal(listener: () => void): () => void
  /** Monotonic milliseconds. */
  elapsedMs(): number
}

const STANDARD_INPUT = 0
const STANDARD_OUTPUT = 1
const STANDARD_ERROR = 2
const COLUMNS_DEFAULT = 80
// Not SIGHUP: a listener would undo nohup, which asks for it to be ignored.
const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** The real process. */
export function processTerminal(): Terminal {
  return {
    env: process.env,
    out: streamOutput(process.stdout),
    err: streamOutput(process.stderr),
    // On demand: opening standard input costs time, and most commands never read it.
    get keyboard() {
      return isatty(STANDARD_INPUT) ? process.stdin : undefined
    },
    columns: process.stdout.columns ?? COLUMNS_DEFAULT,
    // Source: https://no-color.org
    hasColors: isatty(STANDARD_OUTPUT) && (process.env['NO_COLOR'] ?? '') === '',
    errIsLive: isatty(STANDARD_ERROR),
    onStopSignal(listener) {
      for (const signal of STOP_SIGNALS) process.on(signal, listener)
      return () => {
        for (const signal of STOP_SIGNALS) process.off(signal, listener)
      }
    },
    elapsedMs: () => performance.now(),
  }
}

/**
 * A stream whose reader may leave (`strongroom audit cat | head`). Without a listener for `error`
 * Node would end the process, a server included, with a stack trace.
 */
export function streamOutput(stream: NodeJS.WritableStream): Output {
  let open = true
  stream.on('error', () => {
    open = false
  })
  return {
    write: (text) =>
      new Promise((resolve) => {
        if (!open) return resolve(false)
        stream.write(text, (error) => resolve(!error))
      }),
  }
}
