import type { StartOptions } from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/i

/** Whether an address is reached from this machine alone. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host)

/** How the endpoint is secured: not at all, by the operator's files, or by the node's own CA. */
export type TlsChoice =
  | { readonly kind: 'plain' }
  | { readonly kind: 'files'; readonly certFile: string; readonly keyFile: string }
  | { readonly kind: 'own' }

/** @throws OperatorError for half of a pair, and for plain HTTP that others could read */
export function chooseTls(options: StartOptions): TlsChoice {
  const { tlsCert, tlsKey, host } = options
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new OperatorError('--tls-cert and --tls-key go together', 'give both, or neither')
  }
  if (tlsCert !== undefined && tlsKey !== undefined) {
    return { kind: 'files', certFile: tlsCert, keyFile: tlsKey }
  }
  if (options.tls) return { kind: 'own' }
  if (!isLoopback(host) && !options.allowPlainHttp) {
    throw new OperatorError(
      `plain HTTP is refused on ${host}: everybody on the network could read plaintext and data keys`,
      'add --tls, or --tls-cert and --tls-key; or --allow-plain-http where something else encrypts',
    )
  }
  return { kind: 'plain' }
}
