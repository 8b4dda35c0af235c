import type { Command } from 'commander'
import { Option } from 'commander'
import type { AccountSummary, IssuedCredential, Operator } from '../../core/operator.ts'
import type { Context } from '../context.ts'
import { jsonLine, withOperator } from '../context.ts'
import { EXIT, UsageError } from '../failures.ts'
import type { FolderFlags } from '../options.ts'
import { accountOption, folderOptions, jsonOption } from '../options.ts'
import { addDeletionGuards } from './deletion-guards.ts'
import { addServiceControls } from './service-controls.ts'

interface AccountFlags extends FolderFlags {
  readonly account?: string
  readonly name?: string
  readonly json: boolean
}

const CREATE_HELP = `
Examples:
  strongroom account create --name payments
  strongroom account create --account 111122223333 --json`

const ROTATE_HELP = `
The account's old root access keys stop working at once, also on a running
node.

Examples:
  strongroom credentials rotate
      Where there is only one account.
  strongroom credentials rotate --account 111122223333 --json`

/** `strongroom account create|list`, and what `service-controls.ts` and `deletion-guards.ts` add. */
export function addAccount(parent: Command, context: Context): void {
  const group = parent
    .command('account')
    .description('Create and list accounts, and set what nobody in them may do')
  const create = withFolder(group.command('create'))
    .description('Create an account and print its root credentials, once')
    .addOption(accountOption('the id of the new account').default(undefined, 'drawn at random'))
    .addOption(new Option('--name <text>', 'a name for people'))
    .addOption(jsonOption())
    .addHelpText('after', CREATE_HELP)
  context.act<AccountFlags>(create, async (flags) => {
    const issued = await withOperator(flags, context, (operator) =>
      operator.createAccount({
        ...(flags.account !== undefined && { accountId: flags.account }),
        ...(flags.name !== undefined && { name: flags.name }),
      }),
    )
    await context.terminal.out.write(flags.json ? jsonLine(issued) : describeCredential(issued))
    return EXIT.ok
  })
  const list = withFolder(group.command('list'))
    .description('List the accounts and their root access key ids')
    .addOption(jsonOption())
  context.act<AccountFlags>(list, async (flags) => {
    const accounts = await withOperator(flags, context, (operator) => operator.listAccounts())
    const text = flags.json ? jsonLine(accounts) : accounts.map(describeAccount).join('')
    await context.terminal.out.write(text)
    return EXIT.ok
  })
  addServiceControls(group, context)
  addDeletionGuards(group, context)
}

/** `strongroom credentials rotate`. */
export function addCredentials(parent: Command, context: Context): void {
  const group = parent.command('credentials').description("Replace an account's root credentials")
  const rotate = withFolder(group.command('rotate'))
    .description('Issue new root credentials for an account, print them once, delete the old ones')
    .addOption(accountOption('the account; may be left out where there is only one'))
    .addOption(jsonOption())
    .addHelpText('after', ROTATE_HELP)
  context.act<AccountFlags>(rotate, async (flags) => {
    const issued = await withOperator(flags, context, async (operator) =>
      operator.rotateCredentials({ accountId: flags.account ?? (await onlyAccount(operator)) }),
    )
    await context.terminal.out.write(flags.json ? jsonLine(issued) : describeCredential(issued))
    return EXIT.ok
  })
}

function withFolder(command: Command): Command {
  for (const option of folderOptions()) command.addOption(option)
  return command
}

async function onlyAccount(operator: Operator): Promise<string> {
  const accounts = await operator.listAccounts()
  const [first] = accounts
  if (first !== undefined && accounts.length === 1) return first.accountId
  throw new UsageError(`which of the ${accounts.length} accounts?`, {
    hint: 'Name it: --account ID. "strongroom account list" shows them.',
  })
}

const describeCredential = (issued: IssuedCredential): string =>
  `Root credentials of account ${issued.accountId}, shown this once:\n` +
  `  access key id      ${issued.accessKeyId}\n` +
  `  secret access key  ${issued.secretAccessKey}\n`

const describeAccount = (account: AccountSummary): string =>
  `${account.accountId}  ${account.createdAt}  ${account.accessKeyIds.join(',') || '-'}  ${account.name}\n`
