import { resolve } from 'node:path'
import type { Command } from 'commander'
import { Option } from 'commander'
import type { Context } from '../context.ts'
import { count, folderOf, jsonLine, withOperator } from '../context.ts'
import { EXIT } from '../failures.ts'
import type { FolderFlags } from '../options.ts'
import { folderOptions, jsonOption, parseText } from '../options.ts'
import type { DrillReport } from '../program.ts'

interface BackupFlags extends FolderFlags {
  readonly json: boolean
}

interface DrillFlags extends BackupFlags {
  readonly scratch?: string
}

const BACKUP_HELP = `
The node may be running and goes on serving: the backup is of one moment. It
holds the whole store (keys, policies, grants, aliases, accounts, users) and is
encrypted; it opens with the root key of today, so keep the key file or the
passphrase as well, elsewhere. The audit log is not in it: ship that instead.
An existing file is never overwritten.

Example:
  strongroom backup /backup/strongroom-$(date +%F).srb`

const RESTORE_HELP = `
The data folder must have no store. Key ids, ARNs and ciphertexts stay as they
were; what was changed after the backup was made is not in it, so that keys,
grants and access keys that were taken away since are there again.

Example:
  strongroom restore /backup/one.srb --keyfile /media/usb/root.key \\
    --data /var/lib/strongroom`

const DRILL_HELP = `
Nothing of a running node is touched. Every generation of every key must open,
and every key must do again what it did when the backup was made. Exit code 0:
all keys did. 1: some did not, and the output names them.

Example:
  strongroom drill /backup/one.srb --keyfile /media/usb/root.key`

/** `strongroom backup|restore|drill`. */
export function addBackup(parent: Command, context: Context): void {
  addWrite(parent, context)
  addRestore(parent, context)
  addDrill(parent, context)
}

function command(parent: Command, name: string, what: string, help: string): Command {
  const made = parent
    .command(name)
    .argument('<file>', 'the backup')
    .description(what)
    .addHelpText('after', help)
  for (const option of folderOptions()) made.addOption(option)
  return made.addOption(jsonOption())
}

function addWrite(parent: Command, context: Context): void {
  const backup = command(parent, 'backup', 'Back up the store, encrypted', BACKUP_HELP)
  context.act<BackupFlags>(backup, async (flags) => {
    const path = resolve(fileOf(backup))
    const made = await withOperator(flags, context, (operator) => operator.backup({ path }))
    const text = `Backed up ${count(made.rows, 'record')} of ${made.createdAt} to ${made.path} (${made.sizeBytes} bytes).\nTry it out with: ${context.program.commandName} drill ${made.path}\n`
    await context.terminal.out.write(flags.json ? jsonLine(made) : text)
    return EXIT.ok
  })
}

function addRestore(parent: Command, context: Context): void {
  const restore = command(
    parent,
    'restore',
    'Put a backup back as the store of a data folder',
    RESTORE_HELP,
  )
  context.act<BackupFlags>(restore, async (flags) => {
    const { program, terminal } = context
    const folder = folderOf(flags, context)
    const done = await program.restoreBackup({ ...folder, file: fileOf(restore) })
    const text = `Restored ${count(done.records, 'record')} of ${done.createdAt} to ${done.storeFile}.\nGo on with: ${program.commandName} start --data ${done.dataFolder}\n`
    await terminal.out.write(flags.json ? jsonLine(done) : text)
    return EXIT.ok
  })
}

function addDrill(parent: Command, context: Context): void {
  const drill = command(
    parent,
    'drill',
    'Prove that a backup can be put back and its keys work',
    DRILL_HELP,
  )
  drill.addOption(
    new Option(
      '--scratch <folder>',
      'where the scratch store is made (default: the folder for temporary files)',
    ).argParser(parseText),
  )
  context.act<DrillFlags>(drill, async (flags) => {
    const { program, terminal } = context
    const report = await program.drillBackup({
      ...folderOf(flags, context),
      file: fileOf(drill),
      scratch: flags.scratch,
    })
    await terminal.out.write(flags.json ? jsonLine(report) : describeReport(report))
    return report.failed === 0 ? EXIT.ok : EXIT.failed
  })
}

const fileOf = (made: Command): string => made.args[0] ?? ''

function describeReport(report: DrillReport): string {
  const lines = [
    `The backup of ${report.createdAt}: ${count(report.records, 'record')}, ${count(report.keys, 'key')}.`,
    `  ${report.proved} proved that they work`,
    `  ${report.withoutMaterial} have no material in the store`,
    `  ${report.failed} failed`,
    ...report.failures.map(({ key, why }) => `Failed: ${key}: ${why}`),
    ...report.absences.map(({ key, why }) => `No material: ${key}: ${why}`),
  ]
  return `${lines.join('\n')}\n`
}
