import { createHash, createHmac, type KeyObject } from 'node:crypto'
import type { EndpointOptions, Inquirer } from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'
import { parseRegion } from '../../core/regions.ts'
import { Secret } from '../../core/secret.ts'
import { deriveSigningKey } from '../../protocol/sigv4-keys.ts'
import { machineClock } from '../clocks.ts'

const SERVICE = 'kms'
/** A search of a long audit log takes its time. */
const TIMEOUT_MS = 120_000

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

function signingKey({ secretAccessKey, region }: EndpointOptions, date: string): KeyObject {
  const known = parseRegion(region)
  if (known === undefined) {
    throw new OperatorError('there is no such Region', 'name one of AWS, such as eu-central-1')
  }
  using secret = new Secret(new TextEncoder().encode(secretAccessKey))
  return deriveSigningKey(secret, { date, region: known, service: SERVICE })
}

/**
 * The headers of a signed POST. Source: AWS General Reference, Signature Version 4 signing process.
 */
function signedHeaders(options: EndpointOptions, url: URL, body: string): Record<string, string> {
  const stamp = new Date(machineClock.now()).toISOString().replace(/[:-]|\.\d{3}/g, '')
  const date = stamp.slice(0, 8)
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    host: url.host,
    'x-amz-date': stamp,
    ...(options.sessionToken !== undefined && { 'x-amz-security-token': options.sessionToken }),
  }
  const names = Object.keys(headers).sort()
  const lines = names.map((name) => `${name}:${headers[name] ?? ''}\n`).join('')
  const canonical = ['POST', url.pathname, '', lines, names.join(';'), sha256(body)].join('\n')
  const scope = `${date}/${options.region}/${SERVICE}/aws4_request`
  const signature = createHmac('sha256', signingKey(options, date))
    .update(`AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${sha256(canonical)}`)
    .digest('hex')
  const credential = `${options.accessKeyId}/${scope}`
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return { ...headers, authorization }
}

async function ask<T>(options: EndpointOptions, about: string, request: unknown): Promise<T> {
  const url = new URL(`/-/authorization/${about}`, options.endpoint)
  const body = JSON.stringify(request)
  const headers = signedHeaders(options, url, body)
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
