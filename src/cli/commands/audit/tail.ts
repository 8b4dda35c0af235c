import type { Command } from 'commander'
import { Option } from 'commander'
import type { Context } from '../../context.ts'
import {
  type FilterFlags,
  filterOf,
  filterOptions,
  parseCount,
  withOptions,
} from '../../event-filter.ts'
import { EventTable } from '../../event-table.ts'
import { EXIT } from '../../failures.ts'
import { folderOptions, jsonOption } from '../../options.ts'
import { createPaint } from '../../paint.ts'
import { eventsOf, print, withLookup } from './search.ts'

const LINES_DEFAULT = 10

const TAIL_HELP = `
With --follow it goes on with what is written from now on, until it is
interrupted or nobody reads any more.

Examples:
  strongroom audit tail -f
  strongroom audit tail -f --outcome denied --json | jq .errorMessage
  strongroom audit tail --lines 100 --key alias/orders`

interface TailFlags extends FilterFlags {
  readonly lines: number
  readonly follow: boolean
  readonly json: boolean
}

/** `strongroom audit tail`. */
export function addTail(group: Command, context: Context): void {
  const { terminal } = context
  const tail = withOptions(group.command('tail'), [
    ...filterOptions(),
    new Option('-n, --lines <number>', 'so many of the newest events')
      .default(LINES_DEFAULT)
      .argParser(parseCount),
    new Option('-f, --follow', 'and those that are written from now on').default(false),
    jsonOption(),
    ...folderOptions(),
  ])
    .description('Show the newest events of the audit log')
    .addHelpText('after', TAIL_HELP)
  context.act<TailFlags>(tail, async (flags) => {
    await withLookup(flags, context, async (open) => {
      const filter = await filterOf(flags, open)
      const table = new EventTable(createPaint(terminal.hasColors))
      // Of this log alone, as what follows: each has its own sequence.
      const query = {
        ...filter,
        order: 'newest-first',
        limit: flags.lines,
        scope: 'node',
      } as const
      const newest = async (upTo: number): Promise<void> => {
        const { events } = await eventsOf(open, query)
        const known = events.filter(({ sequence }) => sequence <= upTo).toReversed()
        await print(known, flags.json, context, table)
      }
      if (!flags.follow) return newest(Number.POSITIVE_INFINITY)
      const stop = new AbortController()
      const unsubscribe = terminal.onStopSignal(() => stop.abort())
      const to = {
        begins: newest,
        write: (event: Parameters<typeof print>[0][number]) =>
          print([event], flags.json, context, table),
      }
      try {
        await open.follow(filter, to, stop.signal)
      } finally {
        unsubscribe()
      }
    })
    return EXIT.ok
  })
}
