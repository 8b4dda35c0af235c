import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { StartOptions } from '../../cli/program.ts'
import type { Stored } from '../../core/records.ts'
import { SERVICE_SECRETS, type ServiceSecret } from '../../core/tables.ts'
import { writeFileDurably } from '../durable-file.ts'
import type { TlsCredentials } from '../http/http-server.ts'
import { nodeIdOf } from '../node/node-id.ts'
import type { NodeState, StateParts } from '../node/node-state.ts'
import { ensureServiceSecret } from '../node/service-secrets.ts'
import {
  type CertifiedKey,
  createAuthority,
  issueServerCertificate,
  needsRenewal,
} from './tls-authority.ts'

const AUTHORITY = 'tls-authority'
/** Everybody may read a certificate. */
const PUBLIC_MODE = 0o644
/** Addresses that stand for every address of the machine: no certificate can name them. */
const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::', '*'])

const asSecret = (certified: CertifiedKey) => ({
  secret: certified.privateKeyPem,
  publicPart: certified.certificatePem,
})

/**
 * Makes the installation's certificate authority where there is none: its key wrapped in the store, its
 * certificate also as `ca.pem` in the data folder, for clients to trust.
 */
export async function ensureAuthority(
  { records, folder }: NodeState,
  parts: StateParts,
): Promise<Stored<ServiceSecret>> {
  const { clock, random } = parts
  const authority = await ensureServiceSecret({ ...parts, records }, AUTHORITY, async () =>
    asSecret(await createAuthority({ now: clock.now(), random })),
  )
  const { publicPart } = authority.record
  const isThere = existsSync(folder.caFile) && readFileSync(folder.caFile, 'utf8') === publicPart
  if (!isThere) writeFileDurably(folder.caFile, publicPart, PUBLIC_MODE)
  return authority
}

/** The names that clients may use for this node. */
const hostsOf = (options: StartOptions): readonly string[] => [
  ...new Set([
    ...(WILDCARDS.has(options.host) ? [] : [options.host]),
    hostname(),
    ...options.tlsHosts,
  ]),
]

/** The node's own certificate, issued anew when it is near its end or lacks a name. @throws OperatorError for a host that cannot be named */
export async function ownCredentials(
  options: StartOptions,
  state: NodeState,
  parts: StateParts,
): Promise<TlsCredentials> {
  const { records, folder } = state
  const { clock, random } = parts
  const hosts = hostsOf(options)
  const authority = await ensureAuthority(state, parts)
  const issue = async (): Promise<CertifiedKey> => {
    using privateKeyPem = records.unwrap(SERVICE_SECRETS, authority)
    const issuer = { certificatePem: authority.record.publicPart, privateKeyPem }
    // Awaited here: the key is wiped when this function ends.
    return await issueServerCertificate(issuer, { now: clock.now(), random, hosts })
  }
  const name = `tls-server/${nodeIdOf(folder, random)}`
  let stored = await ensureServiceSecret({ ...parts, records }, name, async () =>
    asSecret(await issue()),
  )
  if (needsRenewal(stored.record.publicPart, clock.now(), hosts)) {
    stored = await renew(state, stored, asSecret(await issue()))
  }
  using key = records.unwrap(SERVICE_SECRETS, stored)
  return {
    cert: stored.record.publicPart + authority.record.publicPart,
    key: Buffer.from(key.expose()),
  }
}

async function renew(
  { records }: NodeState,
  stored: Stored<ServiceSecret>,
  { secret, publicPart }: ReturnType<typeof asSecret>,
): Promise<Stored<ServiceSecret>> {
  using _ = secret
  const record = { ...stored.record, publicPart }
  await records.transaction((tx) => tx.update(SERVICE_SECRETS, stored, record, secret))
  return (await records.find(SERVICE_SECRETS, [record.name])) ?? stored
}
