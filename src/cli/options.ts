import { InvalidArgumentError, Option } from 'commander'
import { type AnchorFlags, anchorOptions } from './anchor-options.ts'
import { type EventFlags, eventOptions } from './event-options.ts'
import { type OperatorCaFlags, operatorCaOptions } from './operator-ca-options.ts'
import type { AuditDurability, LogLevel, SealKind } from './program.ts'
import { AUDIT_DURABILITIES, LOG_LEVELS, SEAL_KINDS } from './program.ts'
import { type ShippingFlags, shippingOptions } from './shipping-options.ts'

/** Which folder, and how its seal opens: what every command that touches a node's data takes. */
export interface FolderFlags {
  readonly data: string
  readonly store?: string
  readonly keyfile?: string
  readonly seal?: SealKind
  readonly passphraseFile?: string
  readonly shareFile: readonly string[]
}

export interface StartFlags
  extends FolderFlags,
    AnchorFlags,
    EventFlags,
    OperatorCaFlags,
    ShippingFlags {
  readonly shares?: number
  readonly threshold?: number
  readonly port: number
  readonly host: string
  readonly region: string
  readonly tls: boolean
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly tlsHost: readonly string[]
  readonly allowPlainHttp: boolean
  readonly auditDurability: AuditDurability
  readonly auditRetention?: number
  readonly acceptAuditDamage: boolean
  readonly quotas?: string
  readonly attestationRoot?: string
  readonly trustedProxy: readonly string[]
  readonly metricsFrom: readonly string[]
  readonly logRequests: boolean
  readonly otlpEndpoint?: string
  readonly traceSample?: number
  readonly oidcAllowPrivate: boolean
  readonly drain: number
  readonly logLevel: LogLevel
  readonly workers?: number
  readonly worker?: number
}

export interface DevFlags extends EventFlags {
  readonly port: number
  readonly host: string
  readonly account: string
  readonly region: string
  readonly allowPlainHttp: boolean
  readonly seed?: string
  readonly quotas?: string
  readonly attestationRoot?: string
  readonly trustedProxy: readonly string[]
  readonly metricsFrom: readonly string[]
  readonly logRequests: boolean
  readonly otlpEndpoint?: string
  readonly traceSample?: number
  readonly oidcAllowPrivate: boolean
  readonly logLevel: LogLevel
}

export const DATA_FOLDER_DEFAULT = './strongroom-data'

/** An hour. */
const DRAIN_SECONDS_MAX = 3600
/** More are a typing mistake. The supervisor refuses them, too. */
const WORKERS_MAX = 256
const PORT_DEFAULT = 7600
const PORT_MAX = 65_535
const HOST_DEFAULT = '127.0.0.1'
/** What the AWS documentation's examples assume. */
const REGION_DEFAULT = 'us-east-1'
const DEV_ACCOUNT_DEFAULT = '000000000000'

/** The data folder alone. */
export const dataOption = (): Option =>
  new Option('--data <folder>', "the node's own folder")
    .default(DATA_FOLDER_DEFAULT)
    .argParser(parseText)

export const folderOptions = (): readonly Option[] => [
  dataOption(),
  new Option(
    '--store <place>',
    'the key store: a file, or postgres://… for one that nodes share (default: strongroom.db in the data folder)',
  ).argParser(parseText),
  new Option(
    '--keyfile <file>',
    'the root key file (default: root.key in the data folder)',
  ).argParser(parseText),
  oneOf(
    '--seal <kind>',
    'how the root key is obtained: keyfile, passphrase or shares',
    SEAL_KINDS,
    'as the store was made',
  ),
  new Option(
    '--passphrase-file <file>',
    'read the passphrase here instead of asking at the terminal',
  ).argParser(parseText),
  new Option(
    '--share-file <file>',
    'read a share of the root key here instead of asking for it; may be repeated',
  )
    .default([], 'none')
    .argParser(collectTexts),
]

/** Of commands that may make a root key in shares. */
const quorumOptions = (): readonly Option[] => [
  new Option(
    '--shares <number>',
    'with --seal shares: how many shares a new root key has',
  ).argParser(parseCount),
  new Option('--threshold <number>', 'and how many of them give it').argParser(parseCount),
]

/** A store in PostgreSQL alone, without a node's folder. */
export const storeUrlOption = (): Option =>
  new Option('--store <url>', 'the database: postgres://user@host:5432/database').argParser(
    parseText,
  )

const listenOptions = (): readonly Option[] => [
  new Option('--port <number>', 'the port to listen on; 0 lets the system choose')
    .default(PORT_DEFAULT)
    .argParser(parsePort),
  new Option('--host <address>', 'the address to listen on')
    .default(HOST_DEFAULT)
    .argParser(parseText),
]

const regionOption = (): Option =>
  new Option('--region <name>', 'the default Region; every Region is served')
    .default(REGION_DEFAULT)
    .argParser(parseRegion)

const quotasOption = (): Option =>
  new Option(
    '--quotas <which>',
    "how fast an account may call: off, aws for AWS's request quotas, or a JSON file of calls per second (default: off)",
  ).argParser(parseText)

const logLevelOption = (fallback: LogLevel): Option =>
  oneOf(
    '--log-level <level>',
    'what to log on standard error: trace, debug, info, warn, error, fatal or silent',
    LOG_LEVELS,
  ).default(fallback)

const attestationOption = (): Option =>
  new Option(
    '--attestation-root <file>',
    "the roots (PEM) whose attestation documents are trusted (default: AWS's for Nitro Enclaves)",
  ).argParser(parseText)

const trustedProxyOption = (): Option =>
  new Option(
    '--trusted-proxy <network>',
    'believe X-Forwarded-For and X-Forwarded-Proto of proxies in this network (CIDR); may be repeated',
  )
    .default([], 'none')
    .argParser(collectNetworks)

const metricsFromOption = (): Option =>
  new Option(
    '--metrics-from <network>',
    'let programs in this network (CIDR) read /-/metrics, as those on this machine may; may be repeated',
  )
    .default([], 'none')
    .argParser(collectNetworks)

const watchOptions = (): readonly Option[] => [
  new Option(
    '--log-requests',
    'log a line for each request: its id, service, operation, outcome and time',
  ).default(false),
  new Option(
    '--otlp-endpoint <url>',
    'send traces to this OpenTelemetry collector (OTLP over HTTP)',
  ).argParser(parseEndpoint),
  new Option(
    '--trace-sample <share>',
    'how many requests are traced whose callers do not say, 0 to 1 (default: 0.01)',
  ).argParser(parseShare),
]

const oidcOption = (): Option =>
  new Option(
    '--oidc-allow-private',
    'fetch keys of identity providers in private networks too, and on this machine by plain HTTP',
  ).default(false)

const plainHttpOption = (description: string): Option =>
  new Option('--allow-plain-http', description).default(false)

const drainOption = (): Option =>
  new Option(
    '--drain <seconds>',
    'when told to stop, answer /-/ready with 503 and serve on for so long, until balancers have heard',
  )
    .default(0)
    .argParser(parseDrain)

/** How many processes serve; and, between them, which one a process is. */
export const workerOptions = (): readonly Option[] => [
  new Option(
    '--workers <number>',
    'serve with so many processes on one port (default: with this one)',
  ).argParser(parseWorkers),
  new Option('--worker <number>').argParser(parseCount).hideHelp(),
]

export const startOptions = (): readonly Option[] => [
  ...listenOptions(),
  ...folderOptions(),
  ...quorumOptions(),
  regionOption(),
  new Option('--tls', "serve HTTPS with a certificate of the node's own CA").default(false),
  new Option('--tls-cert <file>', 'serve HTTPS with this certificate chain (PEM)').argParser(
    parseText,
  ),
  new Option('--tls-key <file>', 'and this private key (PEM)').argParser(parseText),
  new Option(
    '--tls-host <name>',
    "a further name or address for the node's own certificate; may be repeated",
  )
    .default([], 'none')
    .argParser(collectNames),
  ...operatorCaOptions(),
  plainHttpOption('serve plain HTTP beyond loopback, where others can read data keys on the wire'),
  oneOf(
    '--audit-durability <mode>',
    'sync: no reply before its audit record is on disk; async: faster, may lose the last records',
    AUDIT_DURABILITIES,
  ).default('sync'),
  new Option(
    '--audit-retention <days>',
    'remove audit records that are older, from the log and the trail (default: keep them for ever)',
  ).argParser(parseDays),
  new Option(
    '--accept-audit-damage',
    'start although the audit log is damaged; the damage itself is recorded',
  ).default(false),
  quotasOption(),
  attestationOption(),
  trustedProxyOption(),
  metricsFromOption(),
  ...watchOptions(),
  oidcOption(),
  ...eventOptions(),
  ...shippingOptions(),
  ...anchorOptions(),
  drainOption(),
  logLevelOption('info'),
]

export const devOptions = (): readonly Option[] => [
  ...listenOptions(),
  new Option('--account <id>', 'the account of access key ids that are no account number')
    .default(DEV_ACCOUNT_DEFAULT)
    .argParser(parseAccount),
  regionOption(),
  plainHttpOption('serve beyond loopback, where everybody who reaches the port may use any key'),
  new Option('--seed <file>', 'a JSON file of keys with fixed ids and material').argParser(
    parseText,
  ),
  quotasOption(),
  attestationOption(),
  trustedProxyOption(),
  metricsFromOption(),
  ...watchOptions(),
  oidcOption(),
  ...eventOptions(),
  logLevelOption('warn'),
]

export const accountOption = (description: string): Option =>
  new Option('--account <id>', description).argParser(parseAccount)

export const jsonOption = (): Option =>
  new Option('--json', 'print JSON, for scripts').default(false)

export function oneOf(
  flags: string,
  description: string,
  choices: readonly string[],
  fallback?: string,
): Option {
  const option = new Option(flags, description).choices([...choices])
  if (fallback !== undefined) option.default(undefined, fallback)
  // Commander's own message repeats the value; see failures.ts.
  return option.argParser((text: string) => {
    if (choices.includes(text)) return text
    throw new InvalidArgumentError(`must be one of: ${choices.join(', ')}`)
  })
}

export function parseText(text: string): string {
  if (text === '') throw new InvalidArgumentError('must not be empty')
  return text
}

function parseDays(text: string): number {
  const days = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (days === 0) throw new InvalidArgumentError('must be a whole number of days, from 1 on')
  return days
}

function parseDrain(text: string): number {
  const seconds = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN
  if (seconds <= DRAIN_SECONDS_MAX) return seconds
  throw new InvalidArgumentError(`must be a whole number from 0 to ${DRAIN_SECONDS_MAX}`)
}

/** Decimal digits only: `0x1f` and `7e3` are typing mistakes. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= PORT_MAX)) {
    throw new InvalidArgumentError(`must be a whole number from 0 to ${PORT_MAX}`)
  }
  return port
}

function parseWorkers(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= WORKERS_MAX) return count
  throw new InvalidArgumentError(`must be a whole number from 1 to ${WORKERS_MAX}`)
}

export function parseCount(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new InvalidArgumentError('must be a whole number')
  return Number(text)
}

export function parseAccount(text: string): string {
  if (!/^\d{12}$/.test(text)) throw new InvalidArgumentError('must be an account id of 12 digits')
  return text
}

/** ISO 8601, a time with its zone or a day in UTC; milliseconds since the Unix epoch. */
export function parseInstant(text: string): number {
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
  const time = isTime ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError('must be a time such as 2026-01-31T09:00:00Z, or a day')
  }
  return time
}

/** The form only: which Regions exist is the server's knowledge. */
export function parseRegion(text: string): string {
  if (!/^[a-z]{2,4}(-[a-z]{2,12}){1,3}-\d{1,2}$/.test(text)) {
    throw new InvalidArgumentError('must be the name of a Region, such as eu-central-1')
  }
  return text
}

function collect(text: string, earlier: readonly string[], what: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.includes('')) throw new InvalidArgumentError(`must be ${what}`)
  return [...earlier, ...names]
}

const collectNames = (text: string, earlier: readonly string[] = []): readonly string[] =>
  collect(text, earlier, 'a host name or an address')

const collectTexts = (text: string, earlier: readonly string[] = []): readonly string[] =>
  collect(text, earlier, 'a file')

/** The form is looked at by the server, which knows addresses. */
const collectNetworks = (text: string, earlier: readonly string[] = []): readonly string[] =>
  collect(text, earlier, 'a network, such as 10.0.0.0/8')

export function parseEndpoint(text: string): string {
  const url = URL.parse(text)
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text
  throw new InvalidArgumentError('must be an http or https URL')
}

function parseShare(text: string): number {
  const share = /^(?:0|1|0?\.\d{1,9}|1\.0{1,9})$/.test(text) ? Number(text) : Number.NaN
  if (share >= 0 && share <= 1) return share
  throw new InvalidArgumentError('must be a number from 0 to 1')
}
