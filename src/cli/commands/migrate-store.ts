import { type Command, Option } from 'commander'
import type { Context } from '../context.ts'
import { count, folderOf, jsonLine } from '../context.ts'
import { EXIT, UsageError } from '../failures.ts'
import type { FolderFlags } from '../options.ts'
import { folderOptions, jsonOption, parseText } from '../options.ts'
import { withProgressBar } from '../progress-bar.ts'

interface TransferFlags extends FolderFlags {
  readonly to?: string
  readonly json: boolean
}

const HELP = `
The node must be stopped, and so must every other node on the same store. All of
it is copied and compared row by row, and every key and secret of the copy is
opened, before the old store is marked as moved; it is not removed. Key ids and
ciphertexts stay as they are, and so does the audit log in the data folder.

A database has its tables made first, with strongroom migrate. To go back, name
the database with --store and a file with --to.

Example:
  strongroom migrate-store --data /var/lib/strongroom \\
    --to postgres://strongroom@db.example/kms`

/** `strongroom migrate-store`: moves a store between a file and PostgreSQL. */
export function addMigrateStore(parent: Command, context: Context): void {
  const command = parent
    .command('migrate-store')
    .description('Move the store of a stopped node to PostgreSQL, or back to a file')
    .addHelpText('after', HELP)
  for (const option of folderOptions()) command.addOption(option)
  command
    .addOption(new Option('--to <place>', 'a new file, or an empty database').argParser(parseText))
    .addOption(jsonOption())
  context.act<TransferFlags>(command, async (flags) => {
    const { to } = flags
    if (to === undefined) throw new UsageError('--to is missing: where is the store to go?')
    const { program, terminal } = context
    const done = await withProgressBar(context, (onProgress) =>
      program.transferStore({ ...folderOf(flags, context), to, onProgress }),
    )
    const text = `Moved ${count(done.records, 'record')} from ${done.from} to ${done.to}; every one was compared, and every secret opened.\nGo on with: ${program.commandName} start --data ${flags.data} --store ${done.to}\n`
    await terminal.out.write(flags.json ? jsonLine(done) : text)
    return EXIT.ok
  })
}
