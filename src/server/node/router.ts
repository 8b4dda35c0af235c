import type { QueryFacts } from '../../core/model.ts'
import type { HttpRequest } from '../../core/transport.ts'
import type { Service } from '../../pipeline/service.ts'
import { peekQueryAction } from '../../protocol/query.ts'
import { credentialScopeOf } from '../../protocol/sigv4-parse.ts'

/** A service and how unsigned requests for it are told. */
export interface Route {
  readonly service: Service
  /** `TrentService`; a service with two of them has two routes, one of REST none. */
  readonly targetPrefix?: string
  /** Of a service that is spoken over the Query protocol: its version tells its requests. */
  readonly query?: QueryFacts | undefined
  /** Of a REST service: whether an unsigned request is for it, by its host or its path. */
  claims?(request: HttpRequest): boolean
  /** Of a service that is spoken over several protocols: the same service over the one that a request is in. */
  readonly choose?: ((request: HttpRequest) => Service) | undefined
}

const looksLikeQuery = ({ method, target, headers }: HttpRequest): boolean =>
  (method === 'GET' && /[?&]Action=/.test(target)) ||
  headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true

/** A prefix may have dots, too: the operation stands behind the last one. */
const prefixOf = (target: string): string => target.slice(0, Math.max(0, target.lastIndexOf('.')))

/**
 * Picks the service of a request: by the credential scope it was signed for, else by its target, else by
 * its host or path, else by the version that a Query request names. A Query request of no version we have goes to the first
 * service that speaks Query, and what nothing tells to the first service: either refuses it.
 */
export function createRouter(
  routes: readonly [Route, ...Route[]],
): (request: HttpRequest) => Service {
  const pick = createPicker(routes)
  const choices = new Map(routes.map(({ service, choose }) => [service, choose]))
  const [first] = routes
  return (request) => {
    const service = pick(request)
    return service === first.service ? service : (choices.get(service)?.(request) ?? service)
  }
}

function createPicker(routes: readonly [Route, ...Route[]]): (request: HttpRequest) => Service {
  const byName = new Map(routes.map(({ service }) => [service.name, service]))
  const byPrefix = new Map(routes.map(({ service, targetPrefix }) => [targetPrefix, service]))
  const claimants = routes.filter(({ claims }) => claims !== undefined)
  const byVersion = new Map(routes.map(({ service, query }) => [query?.version, service]))
  const [first] = routes
  const firstQuery = routes.find(({ query }) => query !== undefined)?.service ?? first.service
  const firstScope = `/${first.service.name}/aws4_request`
  return (request) => {
    // Nearly every request is this one: one search instead of taking the scope apart. A wrong guess
    // harms nobody, because authentication takes the scope apart in any case.
    if (request.headers['authorization']?.includes(firstScope) === true) return first.service
    const signed = byName.get(credentialScopeOf(request)?.service ?? '')
    if (signed !== undefined) return signed
    const target = request.headers['x-amz-target']
    if (target !== undefined) return byPrefix.get(prefixOf(target)) ?? first.service
    const claimant = claimants.find(({ claims }) => claims?.(request) === true)
    if (claimant !== undefined) return claimant.service
    if (!looksLikeQuery(request)) return first.service
    const version = peekQueryAction(request)?.version
    return (version === undefined ? undefined : byVersion.get(version)) ?? firstQuery
  }
}
