import { ServiceError } from '../../core/errors.ts'
import type { Random } from '../../core/ports.ts'
import type { HttpHandler, HttpReply, HttpRequest } from '../../core/transport.ts'
import type { Service } from '../../pipeline/service.ts'

/** How long a request waits for the node to be up to date again, before it is refused. */
const WAIT_MS = 2500

/** Whether what a node has cached is true; see `Lease` and `SharedFile`. */
export interface Freshness {
  isFresh(): boolean
  whenFresh(atMostMs: number): Promise<boolean>
}

/**
 * A refusal in the words and the form of the service that is asked, which SDKs send again. As nobody can
 * be authenticated, and nothing is done, nothing is recorded.
 * @param route the service of a request
 */
export const refuseUnavailable =
  (route: (request: HttpRequest) => Pick<Service, 'codec'>, random: Random) =>
  (request: HttpRequest): HttpReply =>
    route(request).codec.errorReply(
      new ServiceError('ServiceUnavailableException', 'The service is temporarily unavailable.'),
      random.uuid(),
    )

/** Has what others have changed leave the caches first, where that can be found out; operators are answered in any case. */
export function lookingFirst(handler: HttpHandler, freshness: Freshness | undefined): HttpHandler {
  if (freshness === undefined) return handler
  return (request) => {
    freshness.isFresh()
    return handler(request)
  }
}

/**
 * Lets a request through only while the node knows of every change that has returned on other nodes:
 * so a key that was disabled elsewhere is not used here. Where nothing is shared it changes nothing.
 */
export function whileFresh(
  handler: HttpHandler,
  refuse: HttpHandler,
  freshness: Freshness | undefined,
): HttpHandler {
  if (freshness === undefined) return handler
  return (request) => {
    if (freshness.isFresh()) return handler(request)
    return freshness
      .whenFresh(WAIT_MS)
      .then((isFresh) => (isFresh ? handler(request) : refuse(request)))
  }
}
