import type { Command } from 'commander'
import { Option } from 'commander'
import type { Context } from '../context.ts'
import { jsonLine, withOperator } from '../context.ts'
import { EXIT } from '../failures.ts'
import { impactText } from '../impact-text.ts'
import type { FolderFlags } from '../options.ts'
import { accountOption, folderOptions, jsonOption, parseRegion } from '../options.ts'
import { createPaint } from '../paint.ts'
import { printableLines } from '../printable.ts'

interface ImpactFlags extends FolderFlags {
  readonly account?: string
  readonly region?: string
  readonly json: boolean
}

const IMPACT_HELP = `
Who used the key last and how often in 90 days, what points at it, what is bound
to it, and what to think of before ScheduleKeyDeletion. Uses are cryptographic
operations that succeeded; those of other accounts are told by the account.
Nothing is changed.

Examples:
  strongroom key impact alias/orders
  strongroom key impact 1234abcd-12ab-34cd-56ef-1234567890ab --json`

/** `strongroom key impact`. */
export function addKey(parent: Command, context: Context): void {
  const group = parent.command('key').description('Look at a key before it is deleted')
  const command = group
    .command('impact')
    .description('Show who uses a key and what its deletion would touch')
    .argument('<key>', 'its id, ARN or alias')
    .addOption(accountOption('whose alias it is; may be left out where there is one account'))
    .addOption(
      new Option('--region <name>', 'the Region of the key')
        .default(undefined, 'any that has it')
        .argParser(parseRegion),
    )
  for (const option of folderOptions()) command.addOption(option)
  command.addOption(jsonOption()).addHelpText('after', IMPACT_HELP)
  context.act<ImpactFlags>(command, async (flags) => {
    const [key = ''] = command.args
    const { account: accountId, region } = flags
    const impact = await withOperator(flags, context, (operator) =>
      operator.keyImpact({ key, accountId, region }),
    )
    const paint = createPaint(context.terminal.hasColors)
    await context.terminal.out.write(
      flags.json ? jsonLine(impact) : printableLines(impactText(impact, paint)),
    )
    return EXIT.ok
  })
}
