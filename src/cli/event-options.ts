import { InvalidArgumentError, Option } from 'commander'
import { EVENT_API_CALLS, type EventApiCalls, type EventOptions } from './program.ts'

/** Where events go, and which. */
export interface EventFlags {
  readonly eventsTo: readonly string[]
  readonly eventsApiCalls: EventApiCalls
  readonly eventsSecretFile?: string
  readonly eventsAllowPlainHttp: boolean
}

export const eventOptions = (): readonly Option[] => [
  new Option(
    '--events-to <sink>',
    'send events of keys (rotation, expiry, deletion) here: webhook:URL, file:PATH or stdout; may be repeated',
  )
    .default([], 'nowhere')
    .argParser(collectSinks),
  new Option(
    '--events-api-calls <which>',
    'which API calls become events, too: none, write for those that change something, or all',
  )
    .default('none')
    .argParser(parseApiCalls),
  new Option(
    '--events-secret-file <file>',
    'sign events to webhooks with the secret in this file: whsec_ and base64 of 24 to 64 bytes',
  ).argParser(parseFile),
  new Option(
    '--events-allow-plain-http',
    'send events by plain HTTP beyond this machine, too, where others can read them',
  ).default(false),
]

/** The flags as the program takes them: nothing where no sink is named. */
export const eventsOf = (flags: EventFlags): { readonly events?: EventOptions } =>
  flags.eventsTo.length === 0
    ? {}
    : {
        events: {
          to: flags.eventsTo,
          apiCalls: flags.eventsApiCalls,
          allowPlainHttp: flags.eventsAllowPlainHttp,
          ...(flags.eventsSecretFile !== undefined && {
            webhookSecretFile: flags.eventsSecretFile,
          }),
        },
      }

/** Several in one text, as an environment variable has them, stand apart by spaces. */
function collectSinks(text: string, earlier: readonly string[] = []): readonly string[] {
  const sinks = text.split(/\s+/).filter((sink) => sink !== '')
  const isKnown = sinks.every((sink) => sink === 'stdout' || /^(webhook|file):./.test(sink))
  if (sinks.length === 0 || !isKnown)
    throw new InvalidArgumentError('must be webhook:URL, file:PATH or stdout')
  return [...earlier, ...sinks]
}

function parseApiCalls(text: string): EventApiCalls {
  const found = EVENT_API_CALLS.find((choice) => choice === text)
  if (found === undefined)
    throw new InvalidArgumentError(`must be one of: ${EVENT_API_CALLS.join(', ')}`)
  return found
}

function parseFile(text: string): string {
  if (text === '') throw new InvalidArgumentError('must not be empty')
  return text
}
