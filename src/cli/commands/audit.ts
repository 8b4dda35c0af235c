import type { Command } from 'commander'
import { Option } from 'commander'
import type { Context } from '../context.ts'
import { count, folderOf, jsonLine } from '../context.ts'
import { EXIT, OutputClosed } from '../failures.ts'
import type { FolderFlags } from '../options.ts'
import { folderOptions, jsonOption } from '../options.ts'
import type { AuditVerdict } from '../program.ts'

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

  const verify = group
    .command('verify')
    .description('Check that no audit record was changed, removed or added')
    .addHelpText('after', VERIFY_HELP)
  for (const option of folderOptions()) verify.addOption(option)
  verify.addOption(jsonOption())
  context.act<FolderFlags & { readonly json: boolean }>(verify, async (flags) => {
    const verdict = await program.auditVerify(folderOf(flags, context))
    await terminal.out.write(flags.json ? jsonLine(verdict) : describeVerdict(verdict))
    return verdict.intact ? EXIT.ok : EXIT.failed
  })
}

function describeVerdict(verdict: AuditVerdict): string {
  const extent = `${count(verdict.segments, 'segment')}, ${count(verdict.frames, 'frame')}`
  const notes = (verdict.notes ?? []).map((note) => `Note: ${note}.\n`).join('')
  if (!verdict.intact) {
    const problems = verdict.problems.map((problem) => `  ${problem}\n`).join('')
    return `The audit log is broken: ${extent}.\n${problems}${notes}`
  }
  return verdict.macsChecked
    ? `The audit log is whole: ${extent}.\n${notes}`
    : `The chain is whole; MACs were not checked: ${extent}.\n${notes}`
}
