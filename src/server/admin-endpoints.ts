import type { HttpHandler, HttpReply, HttpRequest } from '../core/transport.ts'

const JSON_HEADERS: readonly string[] = [
  'Content-Type',
  'application/json',
  'Cache-Control',
  'no-store',
]

/** A reply in JSON from an endpoint of our own. */
export const jsonReply = (status: number, value: unknown): HttpReply => ({
  status,
  headers: JSON_HEADERS,
  body: `${JSON.stringify(value)}\n`,
})

/** A route of our own: `GET /-/ready`. */
export type AdminRoutes = ReadonlyMap<
  string,
  (request: HttpRequest) => HttpReply | Promise<HttpReply>
>

/** What a node tells anybody: that it is alive, and whether it can serve. */
export const healthRoutes = (isReady: () => boolean): AdminRoutes =>
  new Map([
    ['GET /-/health', () => jsonReply(200, { status: 'alive' })],
    [
      'GET /-/ready',
      () =>
        isReady() ? jsonReply(200, { status: 'ready' }) : jsonReply(503, { status: 'not ready' }),
    ],
  ])

/** Gives the refusal of a request that is not an operator's; undefined for one that is. */
export type AdmitOperator = (request: HttpRequest) => HttpReply | undefined

/** What machines ask that look after the node: they show no certificate. */
const PROBES: ReadonlySet<string> = new Set(['/-/health', '/-/ready'])

/**
 * Serves the paths under `/-/` from the routes and everything else from the API.
 * @param admit who may ask anything there but the probes; everybody by default, each route then knows its own
 */
export function withAdminRoutes(
  api: HttpHandler,
  routes: AdminRoutes,
  admit?: AdmitOperator,
): HttpHandler {
  return (request) => {
    if (!request.target.startsWith('/-/')) return api(request)
    const path = request.target.split('?', 1)[0] ?? ''
    const refusal = PROBES.has(path) ? undefined : admit?.(request)
    if (refusal !== undefined) return refusal
    const route = routes.get(`${request.method} ${path}`)
    if (route !== undefined) return route(request)
    const known = [...routes.keys()].filter((name) => name.endsWith(` ${path}`))
    if (known.length === 0) return jsonReply(404, { error: `there is nothing at ${path}` })
    return jsonReply(405, {
      error: `use ${known.map((name) => name.split(' ', 1)[0]).join(' or ')}`,
    })
  }
}
