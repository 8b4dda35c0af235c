import { type Command, InvalidArgumentError, Option } from 'commander'
import type { EventFilter, EventOutcome, EventScope } from '../core/audit-search.ts'
import type { Instant } from '../core/ids.ts'
import { UsageError } from './failures.ts'
import { accountOption, type FolderFlags, parseRegion } from './options.ts'
import type { OpenLookup } from './program.ts'
import { parseTimeText, type TimeText } from './time-text.ts'

/** What the commands about events have in common. */
export interface CountedFilterFlags extends FolderFlags {
  readonly key?: string
  readonly principal?: string
  readonly operation: readonly string[]
  readonly outcome?: EventOutcome
  readonly sourceIp?: string
  readonly account?: string
  readonly region?: string
  readonly since?: TimeText
  readonly until?: TimeText
  readonly thisNode?: boolean
}

export interface FilterFlags extends CountedFilterFlags {
  readonly error?: string
  readonly context: readonly (readonly [string, string])[]
}

const OUTCOMES: readonly EventOutcome[] = ['success', 'denied', 'failure']

const KEY =
  /^(alias\/.+|arn:[\w-]+:kms:.+|(key\/)?(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}))$/
const ALIAS = /^(arn:[\w-]+:kms:[^:]*:\d{12}:)?alias\//

export const countedFilterOptions = (): readonly Option[] => [
  new Option('--key <name>', 'of this key: its id, ARN or alias').argParser(parseKey),
  new Option('--principal <arn>', 'by this user, role, session or account'),
  new Option(
    '--operation <names>',
    'these operations: names, or parts of them with *; may be repeated',
  )
    .default([], 'all')
    .argParser(collectOperations),
  new Option('--outcome <kind>', 'success, denied or failure').argParser(parseOutcome),
  new Option('--source-ip <address>', 'from this address'),
  accountOption('in the log of this account'),
  new Option('--region <name>', 'in this Region').argParser(parseRegion),
  new Option('--since <time>', 'from this time on').argParser(parseTimeText),
  new Option('--until <time>', 'before this time; of a period, to its end').argParser(
    parseTimeText,
  ),
]

export const filterOptions = (): readonly Option[] => [
  ...countedFilterOptions(),
  new Option('--error <code>', 'failed with this error code'),
  new Option('--context <name=value>', 'with this pair in the encryption context; may be repeated')
    .default([], 'any')
    .argParser(collectPairs),
]

/** For commands that ask all that serve as one. */
export const thisNodeOption = (): Option =>
  new Option('--this-node', 'in the log of this node alone, whatever other nodes have').default(
    false,
  )

export const scopeOf = ({ thisNode }: CountedFilterFlags): EventScope =>
  thisNode === true ? { scope: 'node' } : {}

export const withOptions = (command: Command, options: readonly Option[]): Command => {
  for (const option of options) command.addOption(option)
  return command
}

/** Times and names of flags, as what events are asked for. @throws OperatorError for an alias that there is not */
export async function filterOf(
  flags: CountedFilterFlags & Partial<FilterFlags>,
  { lookup, now }: OpenLookup,
): Promise<EventFilter> {
  const { key, principal, operation, account: accountId, region, context = [] } = flags
  const isAlias = key !== undefined && ALIAS.test(key)
  const resourceName = isAlias
    ? (await lookup.findKeyArn({ key, accountId, region })).arn
    : key?.replace(/^key\//, '')
  const isArn = principal?.startsWith('arn:') === true
  return {
    ...(accountId !== undefined && { accountId }),
    ...(region !== undefined && { region }),
    ...(resourceName !== undefined && { resourceName }),
    ...(principal !== undefined && (isArn ? { principal } : { username: principal })),
    ...(operation.length > 0 && { eventNames: operation }),
    ...(flags.outcome !== undefined && { outcome: flags.outcome }),
    ...(flags.error !== undefined && { errorCode: flags.error }),
    ...(flags.sourceIp !== undefined && { sourceIp: flags.sourceIp }),
    ...(context.length > 0 && { encryptionContext: Object.fromEntries(context) }),
    ...rangeOf(flags, now),
  }
}

/** @throws UsageError where the range ends before it begins */
function rangeOf(
  { since, until }: CountedFilterFlags,
  now: number,
): Pick<EventFilter, 'from' | 'to'> {
  const from = since?.start(now)
  const to = until?.end(now)
  if (from !== undefined && to !== undefined && from >= to) {
    throw new UsageError('--until is not behind --since')
  }
  // What the clock and the calendar gave are times.
  return {
    ...(from !== undefined && { from: from as Instant }),
    ...(to !== undefined && { to: to as Instant }),
  }
}

function parseKey(text: string): string {
  if (!KEY.test(text)) throw new InvalidArgumentError('must be a key id, an ARN, or alias/NAME')
  return text
}

function parseOutcome(text: string): EventOutcome {
  const outcome = OUTCOMES.find((each) => each === text)
  if (outcome === undefined)
    throw new InvalidArgumentError(`must be one of: ${OUTCOMES.join(', ')}`)
  return outcome
}

function collectOperations(text: string, earlier: readonly string[] = []): readonly string[] {
  const names = text.split(',').map((name) => name.trim())
  if (!names.every((name) => /^[A-Za-z0-9*]{1,64}$/.test(name))) {
    throw new InvalidArgumentError('must be names of operations, such as Decrypt or Generate*')
  }
  return [...earlier, ...names]
}

function collectPairs(
  text: string,
  earlier: readonly (readonly [string, string])[] = [],
): readonly (readonly [string, string])[] {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('must be a name and a value: name=value')
  return [...earlier, [text.slice(0, at), text.slice(at + 1)]]
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) {
    throw new InvalidArgumentError('must be a whole number from 1 to 999999')
  }
  return Number(text)
}
