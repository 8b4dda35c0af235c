import { OperatorError } from '../../core/errors.ts'
import { isLoopback } from '../tls/tls-choice.ts'

/** Whether plain HTTP may leave this machine, and the flag that says so. */
export interface PlainHttp {
  readonly isAllowed: boolean
  readonly flag: string
}

/**
 * A URL that requests go to, over TLS wherever others could listen.
 * @param what for messages
 * @throws OperatorError
 */
export function assertWebUrl(what: string, text: string, plain: PlainHttp): URL {
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new OperatorError(`${what} takes an https URL`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new OperatorError(`${what} takes a URL without credentials in it`)
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (url.protocol === 'http:' && !isLoopback(host) && !plain.isAllowed) {
    throw new OperatorError(
      `${what} goes to ${url.host} in plain HTTP, where others can read and change it`,
      `use https, or add ${plain.flag}`,
    )
  }
  return url
}
