import { compileIpRange, plainAddress } from '../../authz/ip-range.ts'
import { OperatorError } from '../../core/errors.ts'
import type { Connection, HttpHandler, HttpRequest } from '../../core/transport.ts'

/** Whether an address is that of a proxy whose word about its clients is taken. */
type IsTrusted = (address: string) => boolean

/**
 * The networks that `--trusted-proxy` names; undefined where it names none.
 * @throws OperatorError for what is no network
 */
export function chooseTrustedProxies(
  networks: readonly string[] | undefined,
): IsTrusted | undefined {
  if (networks === undefined || networks.length === 0) return undefined
  const ranges = networks.map((network) => {
    const range = compileIpRange(network)
    if (range !== undefined) return range
    throw new OperatorError(
      `'${network}' is no network`,
      'name the addresses of the proxy as --trusted-proxy 10.0.0.0/8 or 2001:db8::1',
    )
  })
  return (address) => ranges.some((isWithin) => isWithin(address))
}

/** `192.0.2.1:4711` and `[2001:db8::1]:4711`, as some proxies write them. */
const WITH_PORT = /^(?:\[([^[\]]+)\]|([^:]+))(?::\d{1,5})?$/

/** The address of one entry; undefined for what is none, such as `unknown`. */
function addressOf(entry: string): string | undefined {
  const [, bracketed, bare] = WITH_PORT.exec(entry) ?? []
  return plainAddress(bracketed ?? bare ?? entry)
}

/**
 * The address behind the proxies: the last one in the list that is not a proxy's itself, since each proxy adds
 * whom it saw, and what is before that anybody can have written. Undefined for a list that cannot be read.
 */
function clientOf(forwardedFor: string, isTrusted: IsTrusted): string | undefined {
  let client: string | undefined
  for (const entry of forwardedFor.split(',').toReversed()) {
    client = addressOf(entry.trim())
    if (client === undefined || !isTrusted(client)) return client
  }
  return client
}

/** What is known of the client's bytes: where a list of schemes has another one than `https`, somebody could read them. */
function protectionOf(
  { tls, protectedBy }: Connection,
  forwardedProto: string | undefined,
): Omit<Connection, 'remoteAddress'> {
  const schemes = forwardedProto?.split(',').map((scheme) => scheme.trim().toLowerCase()) ?? []
  const isKnown = schemes.every((scheme) => scheme === 'https' || scheme === 'http')
  if (schemes.length === 0 || !isKnown) {
    return { ...(tls && { tls }), ...(protectedBy && { protectedBy }) }
  }
  // The proxy's own connection says nothing of the version that the client has.
  return schemes.includes('http') ? {} : { protectedBy: 'proxy' }
}

/** The connection of a request as a trusted proxy tells it; a word that cannot be read is not taken. */
function told({ connection, headers }: HttpRequest, isTrusted: IsTrusted): Connection {
  const forwardedFor = headers['x-forwarded-for']
  const client = forwardedFor === undefined ? undefined : clientOf(forwardedFor, isTrusted)
  return {
    remoteAddress: client ?? connection.remoteAddress,
    ...protectionOf(connection, headers['x-forwarded-proto']),
  }
}

/**
 * Takes the word of trusted proxies for where a request comes from: `X-Forwarded-For` and
 * `X-Forwarded-Proto`, and from nobody else. Without such proxies the handler is as it was.
 */
export function withTrustedProxies(
  handler: HttpHandler,
  isTrusted: IsTrusted | undefined,
): HttpHandler {
  if (isTrusted === undefined) return handler
  return (request) =>
    isTrusted(request.connection.remoteAddress)
      ? handler({ ...request, connection: told(request, isTrusted) })
      : handler(request)
}
