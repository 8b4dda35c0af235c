import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { EventOptions } from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'
import type { ApiCallChoice } from '../../outbound/events/bridge-event.ts'
import type { EventSink } from '../../outbound/events/event-sink.ts'
import { fileSink, streamSink } from '../../outbound/events/line-sinks.ts'
import { parseWebhookSecrets } from '../../outbound/events/webhook-secrets.ts'
import { WebhookSink } from '../../outbound/events/webhook-sink.ts'
import { machineClock } from '../clocks.ts'
import { assertWebUrl } from './web-url.ts'

const NAME_DIGITS = 8

/** Where events go, and which. */
export interface EventChoice {
  readonly sinks: readonly EventSink[]
  readonly apiCalls: ApiCallChoice
}

/** @throws OperatorError where events would be lost, or go out unsigned or readable by others */
export function chooseEvents(options: EventOptions | undefined): EventChoice {
  if (options === undefined) return { sinks: [], apiCalls: 'none' }
  const sinks = options.to.map((text) => sinkOf(text, options))
  const names = new Set(sinks.map(({ name }) => name))
  if (names.size < sinks.length) throw new OperatorError('--events-to names the same sink twice')
  return { sinks, apiCalls: options.apiCalls }
}

function sinkOf(text: string, options: EventOptions): EventSink {
  const [kind = '', ...rest] = text.split(':')
  const place = rest.join(':')
  if (text === 'stdout') return streamSink(text, writeOut)
  if (kind === 'file' && place !== '') {
    const path = resolve(place)
    return fileSink(`file:${path}`, path)
  }
  if (kind === 'webhook') return webhookOf(place, options)
  throw new OperatorError(
    '--events-to takes webhook:URL, file:PATH or stdout',
    'for example --events-to webhook:https://receiver.example.com/kms',
  )
}

/** Whoever owns standard output listens for its errors. */
const writeOut = (text: string): Promise<boolean> =>
  new Promise((resolved) => {
    process.stdout.write(text, (error) => resolved(!error))
  })

function webhookOf(place: string, options: EventOptions): EventSink {
  const url = assertWebUrl('--events-to webhook:', place, {
    isAllowed: options.allowPlainHttp,
    flag: '--events-allow-plain-http',
  })
  const { webhookSecretFile } = options
  if (webhookSecretFile === undefined) {
    throw new OperatorError(
      'events to a webhook are signed, and there is no secret for it',
      'name a file with --events-secret-file',
    )
  }
  const name = webhookName(url)
  return new WebhookSink({
    name,
    url,
    secrets: readSecrets(webhookSecretFile),
    machine: machineClock,
  })
}

/** A query may hold a token: of it the name has a hash. */
function webhookName({ origin, pathname, search }: URL): string {
  const digest = search === '' ? '' : `?${hash('sha256', search, 'hex').slice(0, NAME_DIGITS)}`
  return `webhook:${origin}${pathname}${digest}`
}

function readSecrets(path: string) {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new OperatorError(`the webhook secret file ${path} cannot be read`, undefined, { cause })
  }
  const secrets = parseWebhookSecrets(text)
  if (secrets === undefined) {
    throw new OperatorError(
      `the webhook secret file ${path} does not hold a secret: one to four lines of whsec_ and base64 of 24 to 64 bytes`,
      'make one: echo "whsec_$(openssl rand -base64 32)"',
    )
  }
  return secrets
}
