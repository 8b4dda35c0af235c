import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { jsonLine } from '../context.ts'
import { EXIT, UsageError } from '../failures.ts'
import { jsonOption, storeUrlOption } from '../options.ts'

interface MigrateFlags {
  readonly store?: string
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
    .addOption(jsonOption())
  context.act<MigrateFlags>(command, async ({ store, json }) => {
    if (store === undefined) throw new UsageError('--store is missing: which database is meant?')
    const done = await context.program.migrateStore({ store })
    const steps = done.applied.map((step) => `  ${step}\n`).join('')
    const text =
      done.applied.length === 0
        ? `The store has schema ${done.to} already.\n`
        : `The store has schema ${done.to} now, it had ${done.from}:\n${steps}`
    await context.terminal.out.write(json ? jsonLine(done) : text)
    return EXIT.ok
  })
}
