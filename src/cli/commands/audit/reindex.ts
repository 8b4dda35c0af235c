import type { Command } from 'commander'
import type { Context } from '../../context.ts'
import { count, folderOf } from '../../context.ts'
import { withOptions } from '../../event-filter.ts'
import { EXIT } from '../../failures.ts'
import { type FolderFlags, folderOptions } from '../../options.ts'
import { catchUp } from './search.ts'

const MS_PER_SECOND = 1000

const REINDEX_HELP = `
The index is made from the log, holds nothing of its own, and mends itself: one
that is damaged, old or foreign is made anew without being asked. A running node
goes on serving meanwhile, and answers questions about events when it is
through.

Example:
  strongroom audit reindex`

/** `strongroom audit reindex`. */
export function addReindex(group: Command, context: Context): void {
  const { program, terminal } = context
  const reindex = withOptions(group.command('reindex'), folderOptions())
    .description('Throw the index of the audit log away and make it again')
    .addHelpText('after', REINDEX_HELP)
  context.act<FolderFlags>(reindex, async (flags) => {
    const open = await program.openEventLookup(folderOf(flags, context))
    const started = terminal.elapsedMs()
    try {
      await open.lookup.reindexEvents()
      const frames = await catchUp(open, context)
      const seconds = ((terminal.elapsedMs() - started) / MS_PER_SECOND).toFixed(1)
      await terminal.out.write(
        `The index was made anew: ${count(frames, 'frame')} in ${seconds} s.\n`,
      )
    } finally {
      await open.close()
    }
    return EXIT.ok
  })
}
