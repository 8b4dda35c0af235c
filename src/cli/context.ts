import type { Command } from 'commander'
import type { ExitCode } from './failures.ts'
import type { FolderFlags } from './options.ts'
import { askPassphrase } from './passphrase.ts'
import type { FolderOptions, OpenOperator, Program } from './program.ts'
import { quorumOf, shareReader, showShares } from './shares.ts'
import type { Terminal } from './terminal.ts'

/** What every command is given. */
export interface Context {
  readonly program: Program
  readonly terminal: Terminal
  /** What was typed behind the program's name. */
  readonly argv: readonly string[]
  /** Makes `work` the command's action: its flags, the environment included, in; its exit code out. */
  // The type parameter says what the options that were added to the command make of the flags.
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  act<Flags extends object>(command: Command, work: (flags: Flags) => Promise<ExitCode>): void
}

/** The folder flags as the program takes them. */
export function folderOf(
  flags: FolderFlags & {
    readonly shares?: number
    readonly threshold?: number
    readonly json?: boolean
  },
  context: Context,
): FolderOptions {
  const { program, terminal } = context
  const quorum = quorumOf(flags)
  return {
    dataFolder: flags.data,
    store: flags.store,
    keyfile: flags.keyfile,
    seal: flags.seal,
    passphraseFile: flags.passphraseFile,
    readPassphrase: async (purpose = 'open') =>
      program.newSecret(await askPassphrase(purpose, terminal.keyboard, terminal.err)),
    ...(quorum && { quorum }),
    readShare: shareReader(flags.shareFile, context),
    hasShareFiles: flags.shareFile.length > 0,
    showShares: (shares) =>
      showShares(shares, context, { threshold: quorum?.threshold, json: flags.json === true }),
  }
}

/** Opens the operator's door for `work` and closes it whatever happens. */
export async function withOperator<T>(
  flags: FolderFlags,
  context: Context,
  work: (operator: OpenOperator['operator']) => Promise<T>,
): Promise<T> {
  const door = await context.program.openOperator(folderOf(flags, context))
  try {
    return await work(door.operator)
  } finally {
    await door.close()
  }
}

/** `1 segment`, `2 segments`. */
export const count = (number: number, noun: string): string =>
  `${number} ${noun}${number === 1 ? '' : 's'}`

/** One JSON document on one line. */
export const jsonLine = (value: unknown): string => `${JSON.stringify(value)}\n`
