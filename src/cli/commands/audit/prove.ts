import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { Option } from 'commander'
import type { Context } from '../../context.ts'
import { folderOf } from '../../context.ts'
import { EXIT } from '../../failures.ts'
import { LiveLine } from '../../live-line.ts'
import type { FolderFlags } from '../../options.ts'
import { folderOptions } from '../../options.ts'
import type { ProveOptions } from '../../program.ts'

const PROVE_HELP = `
A proof is one file of JSON. Whoever has it and the public key can check that
the record stands in the trail as it is, with no other file and no program of
ours: examples/verify-proof has a checker of a page, in JavaScript and in
Python. It says nothing of other events.

The node may be running, stopped, or the folder a copy. An event can be proven
once its hour is over and has a digest.

Examples:
  strongroom audit prove 5a0e4a53-1f0a-8c2e-9c0e-8a3e6d1f7b21 --out proof.json
  strongroom audit prove 5a0e4a53-1f0a-8c2e-9c0e-8a3e6d1f7b21 --dir /copy/trail`

interface ProveFlags extends FolderFlags {
  readonly out?: string
  readonly dir?: string
}

/** `strongroom audit prove`. */
export function addProve(group: Command, context: Context): void {
  const { terminal } = context
  const prove = group
    .command('prove')
    .argument('<event-id>', 'the eventID of the record')
    .description('Export a proof that one event is in the trail')
    .addHelpText('after', PROVE_HELP)
  prove.addOption(new Option('--out <file>', 'write it here (default: standard output)'))
  prove.addOption(
    new Option('--dir <folder>', "prove it from this copy of the trail, not a node's"),
  )
  for (const option of folderOptions()) prove.addOption(option)
  context.act<ProveFlags>(prove, async (flags) => {
    const [eventId = ''] = prove.args
    const proof = await proofOf({ ...folderOf(flags, context), eventId, copy: flags.dir }, context)
    if (flags.out === undefined) {
      await terminal.out.write(`${proof}\n`)
    } else {
      await writeFile(flags.out, `${proof}\n`)
      await terminal.err.write(`The proof is in ${flags.out}.\n`)
    }
    return EXIT.ok
  })
}

async function proofOf(
  options: ProveOptions,
  { program, terminal }: Pick<Context, 'program' | 'terminal'>,
): Promise<string> {
  const line = new LiveLine(terminal)
  try {
    return await program.auditProve(options, (done, of) =>
      line.show(`Indexing the log: ${done} of ${of} frames …`),
    )
  } finally {
    await line.clear()
  }
}
