import type { DevServer } from './server/dev/dev.ts'

/** How a test wants its server; everything has a default. */
export interface StrongroomOptions {
  /** 0, the default, lets the system choose. */
  readonly port?: number
  /** Default: 127.0.0.1. */
  readonly host?: string
  /** Whether `host` may be an address that other machines reach: all of them may then use any key. Default: false. */
  readonly allowPlainHttp?: boolean
  /** The account of credentials that name none. Default: 000000000000. */
  readonly account?: string
  /** The Region of seeded keys that name none. Default: us-east-1. */
  readonly region?: string
  /** A file of keys with fixed ids and material, as `strongroom dev --seed` takes it. */
  readonly seedFile?: string
  /** How fast an account may call: `aws`, or a JSON file of calls per second. Default: as fast as it can. */
  readonly quotas?: string
  /** A PEM file of the roots whose attestation documents are trusted. Default: AWS's for Nitro Enclaves. */
  readonly attestationRootFile?: string
  /** Networks (CIDR) of proxies that are believed where requests come from. Default: none. */
  readonly trustedProxies?: readonly string[]
  /** Lines of JSON on standard error from this level on. Default: `warn`. */
  readonly logLevel?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
}

/** A server in this process, in memory, for tests. It accepts any secret for access key ids it never issued. */
export interface Strongroom {
  /** `http://127.0.0.1:40123`: the `endpoint` of AWS clients. */
  readonly endpoint: string
  /** Moves the server's clock; all that waited for that time has happened once it resolves. */
  advance(seconds: number): Promise<void>
  /** Empties everything and sets the clock right. */
  reset(): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts the server that `strongroom dev` runs, for a test runner.
 *
 * ```ts
 * import { KMSClient, CreateKeyCommand } from '@aws-sdk/client-kms'
 * import { startStrongroom } from 'strongroom'
 *
 * const strongroom = await startStrongroom()
 * const kms = new KMSClient({
 *   endpoint: strongroom.endpoint,
 *   region: 'eu-central-1',
 *   credentials: { accessKeyId: '111122223333', secretAccessKey: 'any' },
 * })
 * await kms.send(new CreateKeyCommand({}))
 * await strongroom.advance(7 * 86_400)
 * await strongroom.stop()
 * ```
 * @throws {Error} when the port cannot be used or the seed is not right
 */
export async function startStrongroom(options: StrongroomOptions = {}): Promise<Strongroom> {
  const { startDev } = await import('./server/dev/dev.ts')
  const server: DevServer = await startDev({
    port: options.port ?? 0,
    host: options.host ?? '127.0.0.1',
    account: options.account ?? '000000000000',
    region: options.region ?? 'us-east-1',
    allowPlainHttp: options.allowPlainHttp ?? false,
    logLevel: options.logLevel ?? 'warn',
    ...(options.seedFile !== undefined && { seedFile: options.seedFile }),
    ...(options.quotas !== undefined && { quotas: options.quotas }),
    ...(options.attestationRootFile !== undefined && {
      attestationRootFile: options.attestationRootFile,
    }),
    ...(options.trustedProxies !== undefined && { trustedProxies: options.trustedProxies }),
  })
  return {
    endpoint: server.endpoint,
    advance: async (seconds) => void (await server.controls.advance(seconds * 1000)),
    reset: () => server.controls.reset(),
    stop: () => server.stop(),
  }
}
