import type { Command } from 'commander'
import { Option } from 'commander'
import type { DeadLetter, EventOperator, EventSinkStatus } from '../../core/event-delivery.ts'
import type { Context } from '../context.ts'
import { count, jsonLine, withOperator } from '../context.ts'
import { EXIT, UsageError } from '../failures.ts'
import type { FolderFlags } from '../options.ts'
import { folderOptions, jsonOption } from '../options.ts'

interface EventsFlags extends FolderFlags {
  readonly json: boolean
}

interface ChoiceFlags extends EventsFlags {
  readonly id?: string
  readonly all: boolean
}

const PAGE = 100

const GROUP_HELP = `
Where events go is said at the start: strongroom start --events-to webhook:URL.
An event that a webhook does not take is tried again for 24 hours, ten times at
least and 185 times at most. Then it becomes a dead letter: kept until it is
redriven or discarded.`

const STATUS_HELP = `
sending: all that happened was sent. waiting: something was not taken and is
tried again. disabled: the sink answered 410, and nothing is sent until the next
start. stopped: no running node sends to it.

Examples:
  strongroom events status
  strongroom events status --json | jq '.[].held'`

const LETTERS_HELP = `
Example:
  strongroom events dead-letters --json | jq -r .event`

const REDRIVE_HELP = `
It is sent again ahead of what waits for the same key, and behind what was
already sent: a receiver looks at the time of an event.

Examples:
  strongroom events redrive --id d8266634-295f-8ef8-8cb3-b3c137ed8c75
  strongroom events redrive --all`

/** `strongroom events status|dead-letters|redrive|discard`. */
export function addEvents(parent: Command, context: Context): void {
  const group = parent
    .command('events')
    .description('Look after events that are sent: what waits, what was given up')
    .addHelpText('after', GROUP_HELP)
  const status = withFlags(group.command('status'))
    .description('Show the sinks, and how far each was served')
    .addHelpText('after', STATUS_HELP)
  context.act<EventsFlags>(status, async (flags) => {
    const sinks = await withOperator(flags, context, (operator) => operator.eventStatus())
    await context.terminal.out.write(flags.json ? jsonLine(sinks) : describeSinks(sinks))
    return EXIT.ok
  })
  const letters = withFlags(group.command('dead-letters'))
    .description('List the events that were given up, with --json one a line')
    .addHelpText('after', LETTERS_HELP)
  context.act<EventsFlags>(letters, async (flags) => {
    await withOperator(flags, context, (operator) => printLetters(operator, flags, context))
    return EXIT.ok
  })
  addChange(group, context, 'redrive', 'Send events again that were given up', REDRIVE_HELP)
  addChange(group, context, 'discard', 'Forget events that were given up', '')
}

function addChange(
  group: Command,
  context: Context,
  what: 'redrive' | 'discard',
  description: string,
  help: string,
): void {
  const command = withFlags(group.command(what))
    .description(description)
    .addOption(new Option('--id <event>', 'the event of this id'))
    .addOption(new Option('--all', 'all of them').default(false))
    .addHelpText('after', help)
  context.act<ChoiceFlags>(command, async (flags) => {
    if ((flags.id === undefined) !== flags.all)
      throw new UsageError('one of --id and --all says which events are meant')
    const request = flags.id === undefined ? {} : { eventId: flags.id }
    const done = await withOperator(flags, context, (operator) =>
      what === 'redrive'
        ? operator.redriveDeadLetters(request)
        : operator.discardDeadLetters(request),
    )
    const outcome = what === 'redrive' ? 'will be sent again' : 'discarded'
    const text = `${count(done.events, 'event')} ${outcome}.\n`
    await context.terminal.out.write(flags.json ? jsonLine(done) : text)
    return EXIT.ok
  })
}

async function printLetters(
  operator: EventOperator,
  flags: EventsFlags,
  { terminal }: Context,
): Promise<void> {
  let after: DeadLetter | undefined
  for (;;) {
    const page: readonly DeadLetter[] = await operator.listDeadLetters(
      after === undefined ? { limit: PAGE } : { limit: PAGE, after },
    )
    const text = page.map(flags.json ? jsonLine : describeLetter).join('')
    if (text !== '' && !(await terminal.out.write(text))) return
    after = page.at(-1)
    if (after === undefined || page.length < PAGE) return
  }
}

function withFlags(command: Command): Command {
  for (const option of folderOptions()) command.addOption(option)
  return command.addOption(jsonOption())
}

const MS_PER_SECOND = 1000

function describeSinks(sinks: readonly EventSinkStatus[]): string {
  if (sinks.length === 0) return 'No events were ever sent anywhere: see --events-to.\n'
  return sinks.map(describeSink).join('')
}

function describeSink(status: EventSinkStatus): string {
  const { sink, state, sequence, held, deadLetters } = status
  const lines = [
    sink,
    `  state         ${state}`,
    `  served up to  frame ${sequence}${status.behind ? ` (${status.behind} behind)` : ''}`,
    `  held          ${held}${status.oldestMs ? `, for ${Math.round(status.oldestMs / MS_PER_SECOND)} s` : ''}`,
    `  dead letters  ${deadLetters}`,
  ]
  if (status.delivered !== undefined)
    lines.push(`  since start   ${status.delivered} sent, ${status.failures ?? 0} failed attempts`)
  if (status.lastFailure !== undefined) lines.push(`  last failure  ${status.lastFailure}`)
  return `${lines.join('\n')}\n`
}

const describeLetter = (letter: DeadLetter): string =>
  `${letter.eventId}  ${letter.heldAt}  ${letter.detailType}  ${letter.sink}  ${count(letter.attempts, 'attempt')}: ${letter.lastFailure}\n`
