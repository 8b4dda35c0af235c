import type { Command } from 'commander'
import { Option } from 'commander'
import type { Context } from '../../context.ts'
import { folderOf } from '../../context.ts'
import { EXIT, OutputClosed } from '../../failures.ts'
import type { FolderFlags } from '../../options.ts'
import { folderOptions } from '../../options.ts'

const CAT_HELP = `
The node may be running, stopped, or the folder a copy. What is damaged is
passed over: standard error names each place, and the exit code is 1.

A frame is what the log keeps of one event: its sequence, its kind, what is
internal, and its records. Only --frames shows requests that were refused before
they were anybody's (kinds "refusal" and "refusals"), operators' commands, and
what a start had to mend: none of them has a CloudTrail record.

Examples:
  strongroom audit cat | jq 'select(.errorCode != null)'
  strongroom audit cat --frames | jq 'select(.kind == "refusal").internal'
  strongroom audit cat --data /backup/strongroom-data > records.jsonl`

/** `strongroom audit cat`. */
export function addCat(group: Command, context: Context): void {
  const { program, terminal } = context
  const cat = group
    .command('cat')
    .description('Print the audit records, oldest first, one JSON object a line')
    .addHelpText('after', CAT_HELP)
  for (const option of folderOptions()) cat.addOption(option)
  cat.addOption(new Option('--frames', 'print every frame of the log instead').default(false))
  context.act<FolderFlags & { readonly frames: boolean }>(cat, async (flags) => {
    let damages = 0
    await program.auditCat(
      { ...folderOf(flags, context), frames: flags.frames },
      {
        async write(line) {
          if (!(await terminal.out.write(`${line}\n`))) throw new OutputClosed()
        },
        async damaged(place) {
          damages += 1
          await terminal.err.write(`strongroom: the audit log is damaged: ${place}\n`)
        },
      },
    )
    return damages === 0 ? EXIT.ok : EXIT.failed
  })
}
