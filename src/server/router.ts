import type { HttpRequest } from '../core/transport.ts'
import type { Service } from '../pipeline/service.ts'
import { credentialScopeOf } from '../protocol/sigv4-parse.ts'

/** A service and how unsigned requests for it are told. */
export interface Route {
  readonly service: Service
  /** `TrentService` */
  readonly targetPrefix: string
  /** Whether it is spoken over the Query protocol, with an Action parameter. */
  readonly hasActions: boolean
}

const namesAction = ({ method, target, headers }: HttpRequest): boolean =>
  (method === 'GET' && /[?&]Action=/.test(target)) ||
  headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true

/**
 * Picks the service of a request: by the credential scope it was signed for, else by its target, else
 * by its being a Query request. What nothing tells goes to the first service, which refuses it.
 */
export function createRouter(
  routes: readonly [Route, ...Route[]],
): (request: HttpRequest) => Service {
  const byName = new Map(routes.map(({ service }) => [service.name, service]))
  const byPrefix = new Map(routes.map(({ service, targetPrefix }) => [targetPrefix, service]))
  const [first] = routes
  const query = routes.find(({ hasActions }) => hasActions)
  const firstScope = `/${first.service.name}/aws4_request`
  return (request) => {
    // Nearly every request is this one: one search instead of taking the scope apart. A wrong guess
    // harms nobody, because authentication takes the scope apart in any case.
    if (request.headers['authorization']?.includes(firstScope) === true) return first.service
    const signed = byName.get(credentialScopeOf(request)?.service ?? '')
    if (signed !== undefined) return signed
    const target = request.headers['x-amz-target']
    if (target !== undefined) return byPrefix.get(target.split('.', 1)[0] ?? '') ?? first.service
    return query !== undefined && namesAction(request) ? query.service : first.service
  }
}
