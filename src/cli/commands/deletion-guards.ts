import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import type { DeletionGuardSetting } from '../../core/operator.ts'
import type { Context } from '../context.ts'
import { count, jsonLine, withOperator } from '../context.ts'
import { EXIT } from '../failures.ts'
import type { FolderFlags } from '../options.ts'
import { folderOptions, jsonOption } from '../options.ts'
import { accountArgument } from './service-controls.ts'

interface GuardFlags extends FolderFlags {
  readonly json: boolean
}

interface SetFlags extends GuardFlags {
  readonly days: number
}

const SET_HELP = `
ScheduleKeyDeletion of a key that was used with success within so many days then
fails with KMSInvalidStateException, whoever asks, from the next call on. A key
that was never used may go. DisableKey is always allowed: disable a key first,
and see who complains.

Example:
  strongroom account set-deletion-guard 111122223333 --days 90`

const SHOW_HELP = `
Example:
  strongroom account show-deletion-guard 111122223333`

const REMOVE_HELP = `
Example:
  strongroom account remove-deletion-guard 111122223333`

/** `strongroom account set-deletion-guard|show-deletion-guard|remove-deletion-guard`. */
export function addDeletionGuards(group: Command, context: Context): void {
  const set = withFlags(group.command('set-deletion-guard'))
    .description('Refuse to delete keys of an account that were used of late')
    .addOption(
      new Option('--days <number>', 'how long a key must not have been used')
        .argParser(parseDays)
        .makeOptionMandatory(),
    )
    .addHelpText('after', SET_HELP)
  context.act<SetFlags>(set, async (flags) => {
    const accountId = accountArgument(set)
    const { days } = flags
    const done = await withOperator(flags, context, (operator) =>
      operator.setDeletionGuard({ accountId, days }),
    )
    await context.terminal.out.write(flags.json ? jsonLine(done) : guardLine(done))
    return EXIT.ok
  })
  const show = withFlags(group.command('show-deletion-guard'))
    .description('Print the deletion guard of an account')
    .addHelpText('after', SHOW_HELP)
  context.act<GuardFlags>(show, async (flags) => {
    const accountId = accountArgument(show)
    const found = await withOperator(flags, context, (operator) =>
      operator.getDeletionGuard({ accountId }),
    )
    await context.terminal.out.write(flags.json ? jsonLine(found) : guardLine(found))
    return EXIT.ok
  })
  const remove = withFlags(group.command('remove-deletion-guard'))
    .description('Remove the deletion guard of an account')
    .addHelpText('after', REMOVE_HELP)
  context.act<GuardFlags>(remove, async (flags) => {
    const accountId = accountArgument(remove)
    const done = await withOperator(flags, context, (operator) =>
      operator.removeDeletionGuard({ accountId }),
    )
    const text = `Account ${done.accountId} has no deletion guard any more.\n`
    await context.terminal.out.write(flags.json ? jsonLine(done) : text)
    return EXIT.ok
  })
}

function withFlags(command: Command): Command {
  command.argument('<id>', 'of the account')
  for (const option of folderOptions()) command.addOption(option)
  return command.addOption(jsonOption())
}

function parseDays(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('takes a number of days.')
  return Number(text)
}

const guardLine = ({ accountId, days }: DeletionGuardSetting): string =>
  `Keys of account ${accountId} that were used within ${count(days, 'day')} are not scheduled for deletion.\n`
