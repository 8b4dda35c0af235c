import type { Option } from 'commander'
import { Command, CommanderError } from 'commander'
import { addAccount, addCredentials } from './commands/accounts.ts'
import { addAudit } from './commands/audit/audit.ts'
import { addBackup } from './commands/backup.ts'
import { addDev } from './commands/dev.ts'
import { addEnv } from './commands/env.ts'
import { addEvents } from './commands/events.ts'
import { addExplain, addSimulate, addWhoCan } from './commands/explanations.ts'
import { addKey } from './commands/key-impact.ts'
import { addMigrate } from './commands/migrate.ts'
import { addMigrateStore } from './commands/migrate-store.ts'
import { addNodes } from './commands/nodes.ts'
import { addOidc } from './commands/oidc.ts'
import { addOperatorCertificates } from './commands/operator-certificates.ts'
import { addRotation } from './commands/rotation.ts'
import { addInit, addStart } from './commands/start.ts'
import { addStatus } from './commands/status.ts'
import { addUnseal } from './commands/unseal.ts'
import type { Context } from './context.ts'
import { applyEnvironment } from './environment.ts'
import type { ExitCode } from './failures.ts'
import { callable, describeFailure, EXIT, OutputClosed } from './failures.ts'
import type { Program } from './program.ts'
import type { Terminal } from './terminal.ts'

const HELP_COLUMNS_MAX = 100

const ROOT_HELP = `
Try it:
  strongroom dev                   in memory, any credentials
  strongroom start                 with data that lasts, in ./strongroom-data
  eval "$(strongroom env)"         point this shell's AWS clients at it

Every flag of every command is also an environment variable: --tls-cert is
STRONGROOM_TLS_CERT. A flag wins over its variable; the variable of a switch is
true or false. STRONGROOM_DEBUG=1 adds the details to an error.

Exit codes:
  0  done, or stopped as asked
  1  failed; standard error says why, "audit verify" also on standard output
  2  the command line is wrong`

/**
 * Runs one command line to its end. Never rejects: what goes wrong is said on standard error.
 * @param argv what was typed behind the program's name
 * @returns the process's exit code
 */
export async function runCommandLine(
  argv: readonly string[],
  terminal: Terminal,
  program: Program,
): Promise<ExitCode> {
  // Commander writes synchronously; collected here, so that nothing is lost when the process ends.
  let help = ''
  let exitCode: ExitCode = EXIT.ok
  const context: Context = {
    program,
    terminal,
    argv,
    act: (command, work) => {
      command.action(async () => {
        applyEnvironment(command, terminal.env)
        exitCode = await work(command.opts())
      })
    },
  }
  const { commandName } = program
  const print = (text: string): void => {
    help += callable(text, commandName)
  }
  const root = buildCommands(context, print)
  try {
    await root.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (thrown) {
    const error = await mistypedCommand(root, argv, context, thrown)
    if (error instanceof OutputClosed) return EXIT.ok
    if (error instanceof CommanderError && error.exitCode === 0) {
      await terminal.out.write(help)
      return EXIT.ok
    }
    // A command that only has subcommands, alone.
    if (error instanceof CommanderError && error.code === 'commander.help') {
      await terminal.err.write(help)
      return EXIT.usage
    }
    const details = (terminal.env['STRONGROOM_DEBUG'] ?? '') !== ''
    const failure = describeFailure(error, { details, commandName })
    await terminal.err.write(failure.text)
    if (failure.exitCode === EXIT.usage) {
      const names = [commandName, ...commandWords(root, argv)]
      await terminal.err.write(`See: ${names.join(' ')} --help\n`)
    }
    return failure.exitCode
  }
}

/** The whole command tree. `print` takes the help and version texts. */
export function buildCommands(context: Context, print: (text: string) => void): Command {
  const columns = Math.min(context.terminal.columns, HELP_COLUMNS_MAX)
  const root = new Command('strongroom')
    .description('A key management service of your own that speaks the AWS KMS API.')
    .version(context.program.version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .configureOutput({
      writeOut: print,
      writeErr: print,
      // Errors are written once, by describeFailure.
      outputError: () => undefined,
      getOutHelpWidth: () => columns,
      getErrHelpWidth: () => columns,
    })
    .configureHelp({ optionDescription: describeOption })
    .exitOverride()
    .addHelpText('after', ROOT_HELP)
  for (const add of [addStart, addDev, addInit, addStatus, addEnv]) add(root, context)
  for (const add of [addAccount, addCredentials, addOidc, addKey]) add(root, context)
  for (const add of [addUnseal, addRotation, addBackup, addAudit, addEvents, addMigrate])
    add(root, context)
  for (const add of [addMigrateStore, addOperatorCertificates, addNodes]) add(root, context)
  for (const add of [addExplain, addWhoCan, addSimulate]) add(root, context)
  const version = root.command('version').description('Print the version')
  context.act(version, async () => {
    await context.terminal.out.write(`${context.program.version()}\n`)
    return EXIT.ok
  })
  return root
}

/** The text of a flag in `--help`: what it does, and its default. */
function describeOption(option: Option): string {
  const fallback = option.defaultValueDescription ?? plainDefault(option.defaultValue)
  return fallback === undefined
    ? option.description
    : `${option.description} (default: ${fallback})`
}

const plainDefault = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined

/** The words of the command that was meant, as far as they were right: whose help to read. */
function commandWords(root: Command, argv: readonly string[]): readonly string[] {
  const words: string[] = []
  let command = root
  for (const word of argv) {
    const next = command.commands.find((candidate) => candidate.name() === word)
    if (next === undefined) break
    words.push(word)
    command = next
  }
  return words
}

/**
 * Commander answers `strongroom mistyped --help` with the help of what it did understand, as if all
 * were well. Such a line is refused like the same one without the flag; any other error is given back.
 */
async function mistypedCommand(
  root: Command,
  argv: readonly string[],
  context: Context,
  thrown: unknown,
): Promise<unknown> {
  if (!(thrown instanceof CommanderError) || thrown.code !== 'commander.helpDisplayed')
    return thrown
  const words = commandWords(root, argv)
  const next = argv[words.length]
  const isHelp = next === undefined || next.startsWith('-') || next === 'help'
  const group = words.reduce(
    (command, word) => command.commands.find((candidate) => candidate.name() === word) ?? command,
    root,
  )
  if (isHelp || group.commands.length === 0) return thrown
  // Ends in a refusal before any command's work begins: `next` is none of the group's commands.
  return buildCommands(context, () => undefined)
    .parseAsync([...words, next], { from: 'user' })
    .then(
      () => thrown,
      (refusal: unknown) => refusal,
    )
}
