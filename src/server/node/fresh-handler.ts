import type { HttpHandler, HttpReply } from '../../core/transport.ts'

/** How long a request waits for the node to be up to date again, before it is refused. */
const WAIT_MS = 2500

/** Whether what a node has cached is true; see `Lease`. */
export interface Freshness {
  isFresh(): boolean
  whenFresh(atMostMs: number): Promise<boolean>
}

/** SDKs send a request with this answer again. */
const unavailable = (): HttpReply => ({
  status: 503,
  headers: [
    'Content-Type',
    'application/x-amz-json-1.1',
    'x-amzn-ErrorType',
    'ServiceUnavailableException',
  ],
  body: JSON.stringify({
    __type: 'ServiceUnavailableException',
    message: 'The service is temporarily unavailable.',
  }),
})

/**
 * Lets a request through only while the node knows of every change that has returned on other nodes:
 * so a key that was disabled elsewhere is not used here. Where nothing is shared it changes nothing.
 */
export function whileFresh(handler: HttpHandler, freshness: Freshness | undefined): HttpHandler {
  if (freshness === undefined) return handler
  return (request) => {
    if (freshness.isFresh()) return handler(request)
    return freshness
      .whenFresh(WAIT_MS)
      .then((isFresh) => (isFresh ? handler(request) : unavailable()))
  }
}
