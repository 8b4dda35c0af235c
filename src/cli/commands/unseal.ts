import type { Command } from 'commander'
import { Option } from 'commander'
import type { Context } from '../context.ts'
import { jsonLine } from '../context.ts'
import { EXIT } from '../failures.ts'
import { dataOption, jsonOption, parseText } from '../options.ts'
import type { UnsealState } from '../program.ts'
import { typedShare } from '../shares.ts'
import { readTextFile } from '../text-file.ts'

const HELP = `
For a node whose root key is in shares (init --seal shares). It is started, says
that it is sealed, and serves once enough shares have been given, each by
whoever keeps it, in any order. A share is asked for without showing it; it goes
to the node over its own socket and is kept by nobody.

Exit code 0: the share was taken. 1: it was not, and the output says why.

Example:
  strongroom unseal --data /var/lib/strongroom`

/** `strongroom unseal`: gives one share to a sealed node. */
export function addUnseal(parent: Command, context: Context): void {
  const command = parent
    .command('unseal')
    .description('Give a sealed node a share of its root key')
    .addHelpText('after', HELP)
    .addOption(dataOption())
    .addOption(
      new Option('--share-file <file>', 'read the share here instead of asking for it').argParser(
        parseText,
      ),
    )
    .addOption(jsonOption())
  context.act<{ readonly data: string; readonly shareFile?: string; readonly json: boolean }>(
    command,
    async ({ data, shareFile, json }) => {
      const { program, terminal } = context
      const share =
        shareFile === undefined
          ? await typedShare(context, 'Share: ')
          : await readTextFile(shareFile, 'share')
      const state = await program.unseal({ dataFolder: data, share })
      await terminal.out.write(json ? jsonLine(state) : describe(state))
      return state.refusal === undefined ? EXIT.ok : EXIT.failed
    },
  )
}

function describe({ sealed, given, threshold, refusal, hint }: UnsealState): string {
  const progress = `${given} of ${threshold} shares have been given.\n`
  if (refusal !== undefined) {
    return `Not taken: ${refusal}${hint === undefined ? '' : ` (${hint})`}.\n${progress}`
  }
  return sealed ? progress : 'The node is unsealed.\n'
}
