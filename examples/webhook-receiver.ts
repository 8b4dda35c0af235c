/**
 * Receives events of a node and prints those that are genuine and new:
 * `node examples/webhook-receiver.ts 8080 webhook-secret`, and
 * `strongroom start --events-to webhook:http://127.0.0.1:8080/ --events-secret-file webhook-secret`.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'

const TOLERANCE_SECONDS = 300

/** Whether a request was signed with the secret, within the last minutes. `body`: as it came. */
export function isGenuine(headers: IncomingHttpHeaders, body: string, secret: string): boolean {
  const [id, timestamp, given] = ['id', 'timestamp', 'signature'].map((name) =>
    String(headers[`webhook-${name}`]),
  )
  const ageSeconds = Math.abs(Date.now() / 1000 - Number(timestamp))
  if (!(ageSeconds <= TOLERANCE_SECONDS)) return false
  const key = Buffer.from(secret.trim().replace('whsec_', ''), 'base64')
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest()
  return (given ?? '')
    .split(' ')
    .map((signature) => Buffer.from(signature.replace('v1,', ''), 'base64'))
    .some((mac) => mac.length === expected.length && timingSafeEqual(mac, expected))
}

if (import.meta.main) {
  const [port = '8080', secretFile = 'webhook-secret'] = process.argv.slice(2)
  const secret = readFileSync(secretFile, 'utf8')
  // A real receiver keeps these with what it does about them, in one transaction.
  const seen = new Set<string>()
  const receive = async (request: IncomingMessage): Promise<number> => {
    const body = Buffer.concat(await request.toArray()).toString('utf8')
    if (!isGenuine(request.headers, body, secret)) return 401
    const id = String(request.headers['webhook-id'])
    if (!seen.has(id)) console.log(body)
    seen.add(id)
    return 204
  }
  createServer((request, response) => {
    receive(request).then(
      (status) => response.writeHead(status).end(),
      () => response.destroy(),
    )
  }).listen(Number(port), '127.0.0.1')
}
