import type { EndpointOptions, Inquirer } from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'
import { parseRegion } from '../../core/regions.ts'
import { signedHeaders } from '../../protocol/sigv4-sign.ts'
import { machineClock } from '../clocks.ts'

const SERVICE = 'kms'
/** A search of a long audit log takes its time. */
const TIMEOUT_MS = 120_000

/** The headers of a signed POST. */
function headersOf(options: EndpointOptions, url: URL, body: Uint8Array): Record<string, string> {
  const region = parseRegion(options.region)
  if (region === undefined) {
    throw new OperatorError('there is no such Region', 'name one of AWS, such as eu-central-1')
  }
  const request = {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json' },
    body,
    region,
    service: SERVICE,
    pathStyle: 'normalized',
    time: machineClock.now(),
  } as const
  return signedHeaders(request, options)
}

async function ask<T>(options: EndpointOptions, about: string, request: unknown): Promise<T> {
  const url = new URL(`/-/authorization/${about}`, options.endpoint)
  const body = JSON.stringify(request)
  const headers = headersOf(options, url, Buffer.from(body))
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const reply = await fetch(url, { method: 'POST', headers, body, signal }).catch(
    (cause: unknown) => {
      throw new OperatorError('the endpoint did not answer', 'is it the address of a node?', {
        cause,
      })
    },
  )
  const text = await reply.text()
  // The node on the other side is this program, or something else: then the next line is reached by no JSON.
  const answer = parsed(text) as (T & { error?: string; hint?: string }) | undefined
  if (answer === undefined) throw new OperatorError(`the endpoint answered ${reply.status}`)
  if (!reply.ok) {
    throw new OperatorError(answer.error ?? `the endpoint answered ${reply.status}`, answer.hint)
  }
  return answer
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Asks a node over HTTP, as whom the credentials are of. Rejects with `OperatorError`. */
export const endpointInquirer = (options: EndpointOptions): Inquirer => ({
  explain: (request) => ask(options, 'explain', request),
  whoCan: (request) => ask(options, 'who-can', request),
  simulate: (request) => ask(options, 'simulate', request),
})
