import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { EndpointOptions, Inquirer } from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'
import { parseRegion } from '../../core/regions.ts'
import { signedHeaders } from '../../protocol/sigv4-sign.ts'
import { machineClock } from '../clocks.ts'
import { readTlsFile } from '../tls/tls-files.ts'

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
  const body = Buffer.from(JSON.stringify(request))
  const { status, text } = await post(url, headersOf(options, url, body), body, options)
  // The node on the other side is this program, or something else: then the next line is reached by no JSON.
  const answer = parsed(text) as (T & { error?: string; hint?: string }) | undefined
  if (answer === undefined) throw new OperatorError(`the endpoint answered ${status}`)
  if (status !== 200) {
    throw new OperatorError(answer.error ?? `the endpoint answered ${status}`, answer.hint)
  }
  return answer
}

/** What the endpoint answered. @throws OperatorError where it did not */
async function post(
  url: URL,
  headers: Record<string, string>,
  body: Buffer,
  { clientCertFile, clientKeyFile }: EndpointOptions,
): Promise<{ readonly status: number; readonly text: string }> {
  const cert = clientCertFile && (await readTlsFile(clientCertFile, 'certificate'))
  const key = clientKeyFile && (await readTlsFile(clientKeyFile, 'private key'))
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  try {
    const sent = send(url, { method: 'POST', headers, signal, ...(cert && key && { cert, key }) })
    sent.end(body)
    // `once` rejects where the request fails before.
    const [reply] = (await once(sent, 'response')) as [IncomingMessage]
    const chunks: Buffer[] = []
    for await (const chunk of reply) chunks.push(Buffer.from(chunk))
    return { status: reply.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }
  } catch (cause) {
    throw new OperatorError('the endpoint did not answer', 'is it the address of a node?', {
      cause,
    })
  }
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
