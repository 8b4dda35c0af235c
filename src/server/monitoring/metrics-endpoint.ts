import { compileIpRange, plainAddress } from '../../authz/ip-range.ts'
import { OperatorError } from '../../core/errors.ts'
import type { HttpReply, HttpRequest } from '../../core/transport.ts'
import {
  CONTENT_TYPES,
  type ExpositionFormat,
  exposeMetrics,
  formatOf,
} from '../../metrics/exposition.ts'
import { type AdminRoutes, jsonReply } from '../admin-endpoints.ts'
import { isLoopback } from '../tls/tls-choice.ts'
import type { NodeMetrics } from './node-metrics.ts'

/** Whether a client at an address may read the metrics. */
export type MayRead = (address: string) => boolean

/**
 * Who may read the metrics: programs on this machine, and the networks that `--metrics-from` names.
 * @throws OperatorError for what is no network
 */
export function chooseMetricsReaders(networks: readonly string[] = []): MayRead {
  const ranges = networks.map((network) => {
    const range = compileIpRange(network)
    if (range !== undefined) return range
    throw new OperatorError(
      `'${network}' is no network`,
      'name the addresses of the scraper as --metrics-from 10.0.0.0/8 or 2001:db8::1',
    )
  })
  return (address) => {
    const plain = plainAddress(address) ?? address
    return isLoopback(plain) || ranges.some((isWithin) => isWithin(plain))
  }
}

const REFUSED = {
  error:
    'the metrics are for this machine, and for the networks that the node was started with: --metrics-from <network>',
}

/** Whether a proxy that nobody named passed the request on: then its address says nothing of who asks. */
const cameThroughProxy = ({ headers }: HttpRequest): boolean =>
  headers['x-forwarded-for'] !== undefined || headers['forwarded'] !== undefined

/** What a program on this machine calls it. */
const LOCAL_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i

/** Whether a page in a browser may be what asks: by way of a name that was made to point here, it has no origin to tell. */
const mayBePage = ({ headers }: HttpRequest): boolean =>
  headers['origin'] !== undefined || !LOCAL_HOST.test(headers['host'] ?? '')

/** Where several processes serve as one: whoever is asked answers for all of them. */
export interface MetricsShare {
  /** Tells the others what this process has measured. */
  serveMetrics(collect: (format: ExpositionFormat) => Promise<string>): void
  /** The metrics of all, of which these are its own. */
  metrics(own: string, format: ExpositionFormat): Promise<string>
}

/** `GET /-/metrics`, as Prometheus reads it. */
export function metricsRoutes(
  metrics: () => NodeMetrics,
  mayRead: MayRead,
  share?: MetricsShare,
): AdminRoutes {
  const collect = async (format: ExpositionFormat): Promise<string> =>
    exposeMetrics(await metrics().collect(), format)
  share?.serveMetrics(collect)
  const serve = async (request: HttpRequest): Promise<HttpReply> => {
    const { remoteAddress } = request.connection
    // What a page in a browser asks for, or somebody behind a proxy, is not asked by this machine.
    const isVeiled =
      isLoopback(plainAddress(remoteAddress) ?? remoteAddress) &&
      (cameThroughProxy(request) || mayBePage(request))
    if (isVeiled || !mayRead(remoteAddress)) return jsonReply(403, REFUSED)
    const format = formatOf(request.headers['accept'])
    return {
      status: 200,
      headers: ['Content-Type', CONTENT_TYPES[format], 'Cache-Control', 'no-store'],
      body:
        share === undefined
          ? await collect(format)
          : await share.metrics(await collect(format), format),
    }
  }
  return new Map([['GET /-/metrics', serve]])
}
