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

/** The command line is right, and yet it cannot be done now: no node is running, for one. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
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

/** How a failure is told. */
export interface Telling {
  /** Whether to add stacks and causes, for a report to the maintainers. */
  readonly details: boolean
  /** How this program is called in hints. */
  readonly commandName: string
}

/** What a person reads when a command fails, and its exit code. */
export function describeFailure(error: unknown, telling: Telling): Failure {
  if (error instanceof CommanderError) return describeRefusedCommandLine(error)
  if (error instanceof UsageError) return told(EXIT.usage, error.message, error.hint, telling)
  if (!(error instanceof Error)) return told(EXIT.failed, 'failed without a reason', undefined)
  const plain = describeFailed(error, telling)
  if (!telling.details) return plain
  return { ...plain, text: `${plain.text}${error.stack ?? ''}${describeCauses(error.cause)}\n` }
}

/**
 * Errors that are no bugs, and what to do where nothing better is known. By name, not by class: the
 * command line imports types of core only.
 */
const PLAIN_ERRORS: ReadonlyMap<string, string | undefined> = new Map([
  ['CommandError', undefined],
  ['OperatorError', undefined],
  ['IntegrityError', 'it was changed or damaged outside Strongroom: put it back from its backup'],
  ['DependencyError', 'look whether the disk is full or fails'],
  ['ConflictError', 'another process was faster: try again'],
])

/** Messages that the words of the operating system would only repeat. */
const SAYS_WHY =
  /does not exist|is missing|may not|in use|is not an address|does not resolve|there is no/

/** What a refusal of the operating system asks of the person. */
const SYSTEM_HINTS: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', 'make room on the disk, and try again'],
  ['EDQUOT', 'make room within the quota, and try again'],
  ['EFBIG', 'the limit on the size of files (ulimit -f) is too low'],
  ['EROFS', 'the file system is mounted for reading only'],
  ['EACCES', 'files and folders must belong to the user who runs Strongroom'],
  ['EPERM', 'files and folders must belong to the user who runs Strongroom'],
  ['EMFILE', 'the limit on open files (ulimit -n) is too low'],
  ['EIO', 'the disk fails: look at the log of the system'],
])

function describeFailed(error: Error, telling: Telling): Failure {
  const system = systemErrorIn(error)
  const hint =
    hintOf(error) ?? (system && SYSTEM_HINTS.get(system.code)) ?? PLAIN_ERRORS.get(error.name)
  if (PLAIN_ERRORS.has(error.name)) {
    const known = system === undefined || SAYS_WHY.test(error.message)
    const reason =
      known || error.message.includes(system.code) ? '' : `: ${firstLine(system.message)}`
    return told(EXIT.failed, error.message + reason, hint, telling)
  }
  if (system !== undefined && hint !== undefined) {
    return told(EXIT.failed, firstLine(system.message), hint, telling)
  }
  const debug = telling.details
    ? undefined
    : 'run it again with STRONGROOM_DEBUG=1 to see the details'
  return told(EXIT.failed, `unexpected error: ${firstLine(error.message)}`, debug, telling)
}

/** The refusal of the operating system that is behind an error, if one is. */
function systemErrorIn(error: Error): { code: string; message: string } | undefined {
  let at: unknown = error
  for (let depth = 0; depth < CAUSES_MAX && at instanceof Error; depth += 1) {
    if ('code' in at && typeof at.code === 'string' && 'syscall' in at) {
      return { code: at.code, message: at.message }
    }
    at = at.cause
  }
  return undefined
}

function told(
  exitCode: ExitCode,
  message: string,
  hint: string | undefined,
  telling?: Telling,
): Failure {
  const hintLine = hint === undefined ? '' : `${asSentence(hint, telling?.commandName)}\n`
  return { exitCode, text: `strongroom: ${message}\n${hintLine}` }
}

/** `strongroom start` in a text, but neither a path that ends so nor the product's name. */
const OWN_COMMAND = /(?<![\w./-])strongroom(?= [a-z-])/g

/** A text with its commands as this program is called. */
export const callable = (text: string, commandName: string): string =>
  commandName === 'strongroom' ? text : text.replace(OWN_COMMAND, () => commandName)

/** Hints come from every layer; they are shown in one style, with a capital and a full stop. */
function asSentence(hint: string, commandName = 'strongroom'): string {
  const first = /^(?!strongroom\b)[a-z]+(?=[ ,:;])/.test(hint) ? hint.charAt(0).toUpperCase() : ''
  const text = first + hint.slice(first.length)
  return callable(/[.!?]$/.test(text) ? text : `${text}.`, commandName)
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
  return told(EXIT.usage, message, undefined)
}

function hintOf(error: Error): string | undefined {
  if ('hint' in error && typeof error.hint === 'string') return error.hint
  const isOfDatabase = error.name === 'DependencyError' && error.message.startsWith('the database ')
  return isOfDatabase ? 'look whether the database runs, and is what the URL says' : undefined
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
