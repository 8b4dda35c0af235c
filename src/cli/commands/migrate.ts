import { type Command, Option } from 'commander'
import type { Context } from '../context.ts'
import { jsonLine } from '../context.ts'
import { EXIT, UsageError } from '../failures.ts'
import { jsonOption, storeUrlOption } from '../options.ts'
import type { StoreMigration } from '../store-program.ts'

interface MigrateFlags {
  readonly store?: string
  readonly dryRun: boolean
  readonly json: boolean
}

const HELP = `
Makes the tables of a new store, or adds what a newer version needs. It is safe
while nodes of the older version run: what is added does not disturb them. Run
it as the owner of the tables; nodes need no right to change them.

A store in a file is brought up to date by the start.

Example:
  STRONGROOM_STORE=postgres://owner:…@db.example:5432/kms strongroom migrate`

/** `strongroom migrate`: brings the tables of a store in PostgreSQL up to date. */
export function addMigrate(parent: Command, context: Context): void {
  const command = parent
    .command('migrate')
    .description('Set up or update the tables of a store in PostgreSQL')
    .addHelpText('after', HELP)
    .addOption(storeUrlOption())
    .addOption(
      new Option('--dry-run', 'only say which steps would be run, and change nothing').default(
        false,
      ),
    )
    .addOption(jsonOption())
  context.act<MigrateFlags>(command, async ({ store, dryRun, json }) => {
    if (store === undefined) throw new UsageError('--store is missing: which database is meant?')
    const done = await context.program.migrateStore({ store, dryRun })
    await context.terminal.out.write(json ? jsonLine(done) : describe(done, dryRun))
    return EXIT.ok
  })
}

function describe({ from, to, applied }: StoreMigration, dryRun: boolean): string {
  const steps = applied.map((step) => `  ${step}\n`).join('')
  if (applied.length === 0) {
    return from > to
      ? `The store has schema ${from}, which is newer than this version's (${to}).\n`
      : `The store has schema ${to} already.\n`
  }
  return dryRun
    ? `The store has schema ${from}, and would have ${to}:\n${steps}`
    : `The store has schema ${to} now, it had ${from}:\n${steps}`
}
