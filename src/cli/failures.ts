import { CommanderError } from 'commander'

/** Documented in `strongroom --help`: scripts rely on them. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** The command line itself is wrong: a flag, a value, a missing answer. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly hint: string | undefined

  constructor(message: string, options?: { readonly hint?: string }) {
    super(message)
    this.hint = options?.hint
  }
}

/** Nobody reads standard output any more: there is nothing left to do, and nothing to complain about. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed'
}

export interface Failure {
  /** For standard error, with its line ends. */
  readonly text: string
  readonly exitCode: ExitCode
}

/**
 * What a person reads when a command fails, and its exit code.
 * @param details whether to add stacks and causes, for a report to the maintainers
 */
export function describeFailure(error: unknown, details: boolean): Failure {
  if (error instanceof CommanderError) return describeRefusedCommandLine(error)
  if (error instanceof UsageError) return failure(EXIT.usage, error.message, error.hint)
  if (!(error instanceof Error)) return failure(EXIT.failed, 'failed without a reason', undefined)
  const stack = details ? `${error.stack ?? ''}${describeCauses(error.cause)}\n` : ''
  // By name, not by class: the command line imports types of core only.
  if (error.name === 'OperatorError') {
    const plain = failure(EXIT.failed, error.message, hintOf(error))
    return { ...plain, text: plain.text + stack }
  }
  const plain = failure(
    EXIT.failed,
    `unexpected error: ${firstLine(error.message)}`,
    details ? undefined : 'Run it again with STRONGROOM_DEBUG=1 to see the details.',
  )
  return { ...plain, text: plain.text + stack }
}

function failure(exitCode: ExitCode, message: string, hint: string | undefined): Failure {
  const hintLine = hint === undefined ? '' : `${hint}\n`
  return { exitCode, text: `strongroom: ${message}\n${hintLine}` }
}

/**
 * Commander's messages repeat what was typed. A person who mistakes a flag may have typed a secret,
 * and standard error ends up in logs: so no value is repeated, only names of flags and commands.
 */
function describeRefusedCommandLine(error: CommanderError): Failure {
  const message = error.message
    .replace(/^error: /, '')
    .replace(/^option '([^']+)' argument '.*' is invalid\. /s, '$1 ')
    .replace(/^(unknown option '[^'=]*)=.*?'(?=\n|$)/s, "$1'")
    .replace(/^unknown command '(?![a-z-]{1,24}')[^\n]*'/s, 'unknown command')
    .replace(/\n\((Did you mean .*)\)$/s, '. $1')
  return failure(EXIT.usage, message, undefined)
}

function hintOf(error: Error): string | undefined {
  return 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? ''

const CAUSES_MAX = 5

function describeCauses(cause: unknown): string {
  let text = ''
  for (let depth = 0; depth < CAUSES_MAX && cause instanceof Error; depth += 1) {
    text += `\ncaused by: ${cause.stack ?? cause.message}`
    cause = cause.cause
  }
  return text
}
