import { isIP } from 'node:net'
import { OperatorError } from '../../core/errors.ts'

/** Labels of letters, digits, hyphens and, as some machines have them, underscores. */
const DNS_NAME =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/
/** Addresses that mean every interface: no client connects to them by that name. */
const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::'])
const LOOPBACK = ['localhost', '127.0.0.1', '::1']

/** One entry of a certificate's subject alternative names. */
export interface ServerName {
  readonly type: 'dns' | 'ip'
  readonly value: string
}

/**
 * The names a server certificate is for: those of the loopback and the given hosts, without
 * wildcards and repetitions.
 * @throws {OperatorError} for what is neither a DNS name nor an address.
 */
export function serverNames(hosts: readonly string[]): readonly ServerName[] {
  const names = new Map<string, ServerName>()
  for (const host of [...LOOPBACK, ...hosts]) {
    const name = serverName(host)
    if (name !== undefined) names.set(name.value, name)
  }
  return [...names.values()]
}

function serverName(host: string): ServerName | undefined {
  const value = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
  if (WILDCARDS.has(value)) return undefined
  if (isIP(value) !== 0) return { type: 'ip', value: canonicalAddress(value) }
  if (DNS_NAME.test(value)) return { type: 'dns', value }
  throw new OperatorError(
    `a certificate cannot name the host ${JSON.stringify(host)}`,
    'Give a DNS name in ASCII or an IP address.',
  )
}

/** One spelling of each address, so that two spellings are not taken for two names. */
const canonicalAddress = (address: string): string =>
  isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address
