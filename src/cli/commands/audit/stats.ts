import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import type { EventDimension } from '../../../core/audit-search.ts'
import type { Context } from '../../context.ts'
import { jsonLine } from '../../context.ts'
import {
  type CountedFilterFlags,
  countedFilterOptions,
  filterOf,
  parseCount,
  scopeOf,
  thisNodeOption,
  withOptions,
} from '../../event-filter.ts'
import { countTable, secondsText } from '../../event-table.ts'
import { EXIT, UsageError } from '../../failures.ts'
import { folderOptions, jsonOption } from '../../options.ts'
import { createPaint } from '../../paint.ts'
import { MORE, withLookup } from './search.ts'

const ROWS_DEFAULT = 100
const DIMENSIONS: readonly EventDimension[] = [
  'principal',
  'operation',
  'outcome',
  'source',
  'key',
  'account',
  'day',
]
const BY_DEFAULT: readonly EventDimension[] = ['principal', 'operation', 'source']

const STATS_HELP = `
Sessions of a role are counted as the role. An event of two keys, as ReEncrypt
is, counts for each of them where the counts are by key. Times are in UTC, and
counts are exact also where a range begins in the middle of a day.

Who decrypted with a key last month, from where, how often:
  strongroom audit stats --key alias/orders --operation Decrypt \\
    --since "last month" --until "last month"

Examples:
  strongroom audit stats --outcome denied --since 7d --by principal,key
  strongroom audit stats --by day,operation --since 30d --json`

interface StatsFlags extends CountedFilterFlags {
  readonly by?: readonly EventDimension[]
  readonly limit: number
  readonly json: boolean
}

/** `strongroom audit stats`. */
export function addStats(group: Command, context: Context): void {
  const { terminal } = context
  const stats = withOptions(group.command('stats'), [
    new Option('--by <what>', `what to count by: ${DIMENSIONS.join(', ')}; may be repeated`)
      .default(undefined, BY_DEFAULT.join(','))
      .argParser(collectDimensions),
    ...countedFilterOptions(),
    thisNodeOption(),
    new Option('--limit <number>', 'so many rows at most, those with the highest counts')
      .default(ROWS_DEFAULT)
      .argParser(parseCount),
    jsonOption(),
    ...folderOptions(),
  ])
    .description('Count events: who did what with which key, from where, how often')
    .addHelpText('after', STATS_HELP)
  context.act<StatsFlags>(stats, async (flags) => {
    const { by = BY_DEFAULT, limit, json, principal } = flags
    if (principal !== undefined && !principal.startsWith('arn:')) {
      throw new UsageError('--principal must be an ARN: counts do not know names of users')
    }
    await withLookup(flags, context, async (open) => {
      const filter = { ...(await filterOf(flags, open)), ...scopeOf(flags) }
      // One more than is shown tells whether there are more.
      const found = await open.lookup.countEvents({ ...filter, by, limit: limit + 1 })
      const counts = found.slice(0, limit)
      const text = json
        ? counts.map((count) => jsonLine(rowOf(count, by))).join('')
        : countTable(counts, by, createPaint(terminal.hasColors))
      if (counts.length > 0) await terminal.out.write(text)
      else await terminal.err.write('strongroom: no event is like that\n')
      if (found.length > limit) await terminal.err.write(MORE)
    })
    return EXIT.ok
  })
}

function rowOf(
  { values, count, first, last }: Parameters<typeof countTable>[0][number],
  by: readonly EventDimension[],
): Readonly<Record<string, string | number>> {
  const named = by.map((dimension, index) => [dimension, values[index] ?? ''] as const)
  return {
    ...Object.fromEntries(named),
    count,
    first: secondsText(first),
    last: secondsText(last),
  }
}

function collectDimensions(
  text: string,
  earlier: readonly EventDimension[] = [],
): readonly EventDimension[] {
  const all = [...earlier]
  for (const part of text.split(',')) {
    const dimension = DIMENSIONS.find((name) => name === part.trim())
    if (dimension === undefined || all.includes(dimension)) {
      throw new InvalidArgumentError(`must be some of: ${DIMENSIONS.join(', ')}`)
    }
    all.push(dimension)
  }
  return all
}
