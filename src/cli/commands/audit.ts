import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { count, folderOf, jsonLine } from '../context.ts'
import { EXIT, OutputClosed } from '../failures.ts'
import type { FolderFlags } from '../options.ts'
import { folderOptions, jsonOption } from '../options.ts'

const CAT_HELP = `
The node may be running, stopped, or the folder a copy.

Examples:
  strongroom audit cat | jq 'select(.errorCode != null)'
  strongroom audit cat --data /backup/strongroom-data > records.jsonl`

const VERIFY_HELP = `
Exit code 0: the chain is whole. 1: it is broken, and the output says where.

Examples:
  strongroom audit verify
  strongroom audit verify --data /backup/strongroom-data --json`

/** `strongroom audit cat|verify`. */
export function addAudit(parent: Command, context: Context): void {
  const { program, terminal } = context
  const group = parent.command('audit').description('Read and verify the audit log')

  const cat = group
    .command('cat')
    .description('Print the audit records, oldest first, one JSON object a line')
    .addHelpText('after', CAT_HELP)
  for (const option of folderOptions()) cat.addOption(option)
  context.act<FolderFlags>(cat, async (flags) => {
    await program.auditCat(folderOf(flags, context), async (line) => {
      if (!(await terminal.out.write(`${line}\n`))) throw new OutputClosed()
    })
    return EXIT.ok
  })

  const verify = group
    .command('verify')
    .description('Check that no audit record was changed, removed or added')
    .addHelpText('after', VERIFY_HELP)
  for (const option of folderOptions()) verify.addOption(option)
  verify.addOption(jsonOption())
  context.act<FolderFlags & { readonly json: boolean }>(verify, async (flags) => {
    const verdict = await program.auditVerify(folderOf(flags, context))
    const extent = `${count(verdict.segments, 'segment')}, ${count(verdict.frames, 'frame')}`
    const text = verdict.intact
      ? `The audit log is whole: ${extent}.\n`
      : `The audit log is broken: ${extent}.\n${verdict.problems.map((problem) => `  ${problem}\n`).join('')}`
    await terminal.out.write(flags.json ? jsonLine(verdict) : text)
    return verdict.intact ? EXIT.ok : EXIT.failed
  })
}
