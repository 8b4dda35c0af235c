import type { Command } from 'commander'
import type { ServiceControlPolicy } from '../../core/operator.ts'
import type { Context } from '../context.ts'
import { jsonLine, withOperator } from '../context.ts'
import { EXIT, UsageError } from '../failures.ts'
import type { FolderFlags } from '../options.ts'
import { folderOptions, jsonOption } from '../options.ts'
import { readTextFile } from '../text-file.ts'

interface ServiceControlFlags extends FolderFlags {
  readonly json: boolean
}

const SET_HELP = `
A service control policy gives nothing: it says what nobody in the account may
do, its root included, whatever else allows it. What none of its statements
allows is denied, so that a policy that only denies begins with a statement that
allows everything. It is in force from the next call on.

Example:
  strongroom account set-scp 111122223333 no-deletion.json`

const SHOW_HELP = `
Example:
  strongroom account show-scp 111122223333 > scp.json`

const REMOVE_HELP = `
Example:
  strongroom account remove-scp 111122223333`

/** `strongroom account set-scp|show-scp|remove-scp`. */
export function addServiceControls(group: Command, context: Context): void {
  const set = withFlags(group.command('set-scp'))
    .description('Set the service control policy of an account: what nobody in it may do')
    .argument('<account>', 'the id of the account')
    .argument('<file>', 'the policy, as JSON')
    .addHelpText('after', SET_HELP)
  context.act<ServiceControlFlags>(set, async (flags) => {
    const accountId = accountArgument(set)
    const policy = await readTextFile(set.args[1] ?? '', 'policy')
    const done = await withOperator(flags, context, (operator) =>
      operator.setServiceControl({ accountId, policy }),
    )
    const text = `The service control policy of account ${done.accountId} is in force.\n`
    await context.terminal.out.write(flags.json ? jsonLine(done) : text)
    return EXIT.ok
  })
  const show = withFlags(group.command('show-scp'))
    .description('Print the service control policy of an account')
    .argument('<account>', 'the id of the account')
    .addHelpText('after', SHOW_HELP)
  context.act<ServiceControlFlags>(show, async (flags) => {
    const accountId = accountArgument(show)
    const found = await withOperator(flags, context, (operator) =>
      operator.getServiceControl({ accountId }),
    )
    await context.terminal.out.write(flags.json ? jsonLine(found) : policyLines(found))
    return EXIT.ok
  })
  const remove = withFlags(group.command('remove-scp'))
    .description('Remove the service control policy of an account')
    .argument('<account>', 'the id of the account')
    .addHelpText('after', REMOVE_HELP)
  context.act<ServiceControlFlags>(remove, async (flags) => {
    const accountId = accountArgument(remove)
    const done = await withOperator(flags, context, (operator) =>
      operator.removeServiceControl({ accountId }),
    )
    const text = `Account ${done.accountId} has no service control policy any more.\n`
    await context.terminal.out.write(flags.json ? jsonLine(done) : text)
    return EXIT.ok
  })
}

function withFlags(command: Command): Command {
  for (const option of folderOptions()) command.addOption(option)
  return command.addOption(jsonOption())
}

/** The id of an account as a command's first argument: not checked by commander, whose message would repeat what was typed. */
export function accountArgument(command: Command): string {
  const [accountId = ''] = command.args
  if (!/^\d{12}$/.test(accountId)) throw new UsageError('an account id has 12 digits')
  return accountId
}

const policyLines = ({ policy }: ServiceControlPolicy): string =>
  policy.endsWith('\n') ? policy : `${policy}\n`
