import type { Command } from 'commander'
import type { Context } from '../../context.ts'
import { count, folderOf, jsonLine } from '../../context.ts'
import { EXIT } from '../../failures.ts'
import type { FolderFlags } from '../../options.ts'
import { folderOptions, jsonOption } from '../../options.ts'
import type { AuditVerdict } from '../../program.ts'

const VERIFY_HELP = `
Exit code 0: the chain is whole. 1: it is broken, and the output says where.

Examples:
  strongroom audit verify
  strongroom audit verify --data /backup/strongroom-data --json`

/** `strongroom audit verify`. */
export function addVerify(group: Command, context: Context): void {
  const { program, terminal } = context
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
