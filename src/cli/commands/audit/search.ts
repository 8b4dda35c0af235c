import type { Command } from 'commander'
import { Option } from 'commander'
import type { EventPageQuery, FoundEvent } from '../../../core/audit-search.ts'
import type { Context } from '../../context.ts'
import { folderOf } from '../../context.ts'
import {
  type CountedFilterFlags,
  type FilterFlags,
  filterOf,
  filterOptions,
  parseCount,
  scopeOf,
  thisNodeOption,
  withOptions,
} from '../../event-filter.ts'
import { EventTable } from '../../event-table.ts'
import { EXIT, OutputClosed } from '../../failures.ts'
import { LiveLine } from '../../live-line.ts'
import { folderOptions, jsonOption, oneOf } from '../../options.ts'
import { createPaint } from '../../paint.ts'
import type { OpenLookup } from '../../program.ts'

const PAGE_EVENTS = 1000
const LIMIT_DEFAULT = 50

const SEARCH_HELP = `
The node may be running, stopped, or the folder a copy; no key is needed, except
for an alias on a stopped node. Times are in UTC. A period such as "last month"
or 2026-01 means its beginning for --since and its end for --until. --json
prints the records as they stand in the log, one a line.

Examples:
  strongroom audit search --key alias/orders --since 24h
  strongroom audit search --outcome denied --since "last month" --json
  strongroom audit search --operation 'Generate*,Decrypt' --context tenant=a
  strongroom audit search --principal arn:aws:iam::111122223333:role/app`

interface SearchFlags extends FilterFlags {
  readonly limit: number
  readonly order: 'newest' | 'oldest'
  readonly json: boolean
}

/** Beside what is shown, where the limit cut it. */
export const MORE = 'strongroom: there are more; --limit says how many are shown\n'

/** `strongroom audit search`. */
export function addSearch(group: Command, context: Context): void {
  const { terminal } = context
  const search = withOptions(group.command('search'), [
    ...filterOptions(),
    thisNodeOption(),
    new Option('--limit <number>', 'so many events at most')
      .default(LIMIT_DEFAULT)
      .argParser(parseCount),
    oneOf('--order <which>', 'newest or oldest first', ['newest', 'oldest']).default('newest'),
    jsonOption(),
    ...folderOptions(),
  ])
    .description('Find events in the audit log')
    .addHelpText('after', SEARCH_HELP)
  context.act<SearchFlags>(search, async (flags) => {
    await withLookup(flags, context, async (open) => {
      const order = flags.order === 'newest' ? 'newest-first' : 'oldest-first'
      const filter = { ...(await filterOf(flags, open)), ...scopeOf(flags) }
      const query = { ...filter, order, limit: flags.limit } as const
      const { events, hasMore } = await eventsOf(open, query)
      await print(events, flags.json, context)
      if (events.length === 0) await terminal.err.write('strongroom: no event is like that\n')
      if (hasMore) await terminal.err.write(MORE)
    })
    return EXIT.ok
  })
}

/** Opens what knows the events, up to date, and closes it whatever happens. */
export async function withLookup(
  flags: CountedFilterFlags,
  context: Context,
  work: (open: OpenLookup) => Promise<void>,
): Promise<void> {
  const open = await context.program.openEventLookup(folderOf(flags, context))
  try {
    await catchUp(open, context)
    await work(open)
  } finally {
    await open.close()
  }
}

const BAR_CELLS = 30
/** Fewer frames are through before anybody sees a bar. */
const SHOWN_FROM = 20_000

/** Brings the index up to date, with a bar where that takes long. */
export async function catchUp(open: OpenLookup, { terminal }: Context): Promise<number> {
  const line = new LiveLine(terminal)
  let frames = 0
  await open.catchUp((done, of) => {
    frames = done
    if (of - done < SHOWN_FROM) return
    const share = done / of
    const bar = '#'.repeat(Math.floor(share * BAR_CELLS)).padEnd(BAR_CELLS, '.')
    line.show(`indexing [${bar}] ${Math.floor(share * 100)} % of ${of} frames`)
  })
  await line.clear()
  return frames
}

/** All pages up to the limit. */
export async function eventsOf(
  { lookup }: OpenLookup,
  query: EventPageQuery,
): Promise<{ readonly events: readonly FoundEvent[]; readonly hasMore: boolean }> {
  const events: FoundEvent[] = []
  let after: string | undefined
  for (;;) {
    const limit = Math.min(PAGE_EVENTS, query.limit - events.length)
    const page = await lookup.searchEvents({
      ...query,
      limit,
      ...(after !== undefined && { after }),
    })
    events.push(...page.events)
    after = page.next
    if (after === undefined || events.length >= query.limit) {
      return { events, hasMore: after !== undefined }
    }
  }
}

export async function print(
  events: readonly FoundEvent[],
  isJson: boolean,
  { terminal }: Context,
  table: EventTable = new EventTable(createPaint(terminal.hasColors)),
): Promise<void> {
  if (events.length === 0) return
  const text = isJson ? events.map((event) => `${event.text}\n`).join('') : table.lines(events)
  if (!(await terminal.out.write(text))) throw new OutputClosed()
}
