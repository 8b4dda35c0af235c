import { resolve } from 'node:path'
import type { Command } from 'commander'
import { Option } from 'commander'
import type { DrillReport, KeyProofs, RestoredPlace } from '../backup-program.ts'
import type { Context } from '../context.ts'
import { count, folderOf, jsonLine, withOperator } from '../context.ts'
import { EXIT } from '../failures.ts'
import type { FolderFlags } from '../options.ts'
import { folderOptions, jsonOption, parseText } from '../options.ts'
import type { FolderOptions } from '../program.ts'
import { withProgressBar } from '../progress-bar.ts'

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
The data folder must have no store. With --store postgres://…, the tables of the
database must be empty (strongroom migrate makes them) and every node stopped.
Key ids, ARNs and ciphertexts stay as they were; what was changed after the
backup was made is not in it, so that keys, grants and access keys that were
taken away since are there again. Every key is tried as with strongroom drill.

Exit code 0: all is there. 1: it is not, or some keys do not work, and the
output says which.

Examples:
  strongroom restore /backup/one.srb --keyfile /media/usb/root.key \\
    --data /var/lib/strongroom
  strongroom restore /backup/one.srb --keyfile /etc/strongroom/root.key \\
    --data /var/lib/strongroom --store postgres://strongroom@db.example/kms`

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
    'Put a backup back, in a data folder or a database',
    RESTORE_HELP,
  )
  context.act<BackupFlags>(restore, async (flags) => {
    const { program, terminal } = context
    const folder = folderOf(flags, context)
    const done = await withProgressBar(context, (onProgress) =>
      program.restoreBackup({ ...folder, file: fileOf(restore), onProgress }),
    )
    await terminal.out.write(
      flags.json ? jsonLine(done) : describeRestored(done, program.commandName, folder),
    )
    return done.failed === 0 ? EXIT.ok : EXIT.failed
  })
}

function describeRestored(
  done: RestoredPlace,
  commandName: string,
  { keyfile }: FolderOptions,
): string {
  const flags = [
    `--data ${done.dataFolder}`,
    ...(isDatabase(done) ? [`--store ${done.store}`] : []),
    ...(keyfile === undefined ? [] : [`--keyfile ${keyfile}`]),
  ]
  const lines = [
    `Restored ${count(done.records, 'record')} and ${count(done.keys, 'key')} of ${done.createdAt} to ${done.store}.`,
    ...describeProofs(done),
    `Go on with: ${commandName} start ${flags.join(' ')}`,
  ]
  return `${lines.join('\n')}\n`
}

const isDatabase = ({ store }: RestoredPlace): boolean => /^postgres(ql)?:/.test(store)

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
    ...describeProofs(report),
  ]
  return `${lines.join('\n')}\n`
}

const describeProofs = (proofs: KeyProofs): readonly string[] => [
  `  ${proofs.proved} proved that they work`,
  `  ${proofs.withoutMaterial} have no material in the store`,
  `  ${proofs.failed} failed`,
  ...proofs.failures.map(({ key, why }) => `Failed: ${key}: ${why}`),
  ...proofs.absences.map(({ key, why }) => `No material: ${key}: ${why}`),
]
