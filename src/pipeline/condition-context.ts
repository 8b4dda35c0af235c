import type { ConditionContext, ConditionValue } from '../authz/access-request.ts'
import type { Permission } from '../authz/permission.ts'
import type { Principal, SessionFacts } from '../core/principal.ts'
import type { Connection } from '../core/transport.ts'
import type { Call } from './call.ts'

const PRINCIPAL_TAG = 'aws:principaltag/'
const RESOURCE_TAG = 'aws:resourcetag/'
const REQUEST_TAG = 'aws:requesttag/'
const ATTESTATION = 'kms:recipientattestation:'

/** A tag by its key in lower case: condition keys know no case. */
function tagValue(
  tags: Readonly<Record<string, string>> | undefined,
  lowerKey: string,
): string | undefined {
  for (const key in tags) {
    if (key.toLowerCase() === lowerKey) return tags[key]
  }
  return undefined
}

/** ISO 8601 in UTC, whole seconds. */
const isoTime = (milliseconds: number): string =>
  `${new Date(milliseconds).toISOString().slice(0, 19)}Z`

const truth = (value: boolean): string => (value ? 'true' : 'false')

/** `TLSv1.3` as policies write it: `1.3`. */
const tlsVersion = (version: string): string => version.replace(/^TLSv/, '')

const addressOf = ({ remoteAddress, protectedBy }: Connection): string | undefined =>
  protectedBy !== 'process' && /[.:]/.test(remoteAddress) ? remoteAddress : undefined

type Reader = (call: Call, permission: Permission) => ConditionValue | undefined

const principalOf = (call: Call): Principal => call.caller.principal

/** Everybody but services, of which none of this is told. */
const personOf = (call: Call): Principal | undefined => {
  const principal = principalOf(call)
  return principal.type === 'Service' ? undefined : principal
}

/** A service principal by name; absent for everybody else. */
const serviceNames = (call: Call): readonly string[] | undefined => principalOf(call).serviceNames

/**
 * The condition keys that every service has, by lower-case name.
 * Source: IAM User Guide, AWS global condition context keys.
 */
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['aws:principalarn', (call) => personOf(call)?.principalArn],
  ['aws:principalaccount', (call) => personOf(call)?.accountId],
  ['aws:principaltype', (call) => personOf(call)?.type],
  ['aws:userid', (call) => personOf(call)?.userId],
  ['aws:username', (call) => principalOf(call).userName],
  ['aws:principalisawsservice', (call) => truth(serviceNames(call) !== undefined)],
  ['aws:principalservicename', (call) => serviceNames(call)?.[0]],
  ['aws:principalservicenameslist', serviceNames],
  ['aws:viaawsservice', (call) => truth(call.via !== undefined)],
  ['aws:calledvia', (call) => call.via?.calledVia],
  ['aws:calledviafirst', (call) => call.via?.calledVia[0]],
  ['aws:calledvialast', (call) => call.via?.calledVia.at(-1)],
  ['aws:sourcearn', (call) => call.source?.arn],
  ['aws:sourceaccount', (call) => call.source?.accountId],
  ['aws:resourceaccount', (_call, { resource }) => resource?.accountId],
  ['aws:requestedregion', (call, { region }) => region ?? call.region],
  // A service calls from no address; the peer of a UNIX socket has none.
  ['aws:sourceip', ({ connection }) => addressOf(connection)],
  [
    'aws:securetransport',
    ({ connection: { tls, protectedBy } }) => truth((tls ?? protectedBy) !== undefined),
  ],
  [
    'aws:tlsversion',
    ({ connection: { tls } }) => (tls === undefined ? undefined : tlsVersion(tls.version)),
  ],
  ['aws:currenttime', (call) => isoTime(call.time)],
  ['aws:epochtime', (call) => String(Math.floor(call.time / 1000))],
  [
    'aws:tokenissuetime',
    (call) => {
      const { session } = principalOf(call)
      return session === undefined ? undefined : isoTime(session.issuedAt)
    },
  ],
  [
    'aws:multifactorauthpresent',
    (call) => {
      const { session } = principalOf(call)
      return session === undefined ? undefined : truth(session.mfaAt !== undefined)
    },
  ],
  [
    'aws:multifactorauthage',
    (call) => {
      const mfaAt = principalOf(call).session?.mfaAt
      return mfaAt === undefined ? undefined : String(Math.floor((call.time - mfaAt) / 1000))
    },
  ],
  ['aws:sourceidentity', (call) => principalOf(call).session?.sourceIdentity],
  ['aws:federatedprovider', (call) => principalOf(call).session?.federatedProvider],
  ['aws:useragent', (call) => (call.userAgent === '' ? undefined : call.userAgent)],
  ['aws:referer', (call) => call.referer],
  [
    'aws:tagkeys',
    (_call, { tagKeys, requestTags }) => tagKeys ?? (requestTags && Object.keys(requestTags)),
  ],
])

/** What a visitor does not have: these tell of an identity, or of a session that it is only asking for. */
const OF_IDENTITIES: ReadonlySet<string> = new Set([
  'aws:principalarn',
  'aws:principalaccount',
  'aws:principaltype',
  'aws:userid',
  'aws:username',
  'aws:tokenissuetime',
  'aws:multifactorauthpresent',
  'aws:multifactorauthage',
  'aws:sourceidentity',
])

/** `kms:RecipientAttestation:PCR0` and its like; registers are hex. */
function attestationValue(
  { attestation }: Permission,
  lowerName: string,
): ConditionValue | undefined {
  if (attestation === undefined) return undefined
  const { source, pcrs, imageSha384 } = attestation
  if (lowerName === 'imagesha384') return imageSha384
  const prefix = source === 'NitroTPM' ? 'nitrotpmpcr' : 'pcr'
  if (!lowerName.startsWith(prefix)) return undefined
  return pcrs.get(Number(lowerName.slice(prefix.length)))
}

/** A condition key of the identity provider; policies choose the key, and no other member is one. */
function federatedValue(
  session: SessionFacts | undefined,
  key: string,
): ConditionValue | undefined {
  const keys = session?.federatedKeys
  return keys !== undefined && Object.hasOwn(keys, key) ? keys[key] : undefined
}

/** The condition keys of one permission that a call asks for. Nothing is worked out that no policy reads. */
export class CallContext implements ConditionContext {
  readonly #call: Call
  readonly #permission: Permission
  /** Values that had to be waited for. */
  readonly #slow: ReadonlyMap<string, ConditionValue | undefined> | undefined

  constructor(
    call: Call,
    permission: Permission,
    slow?: ReadonlyMap<string, ConditionValue | undefined>,
  ) {
    this.#call = call
    this.#permission = permission
    this.#slow = slow
  }

  get(key: string): ConditionValue | undefined {
    const call = this.#call
    const permission = this.#permission
    const { isVisitor, session } = call.caller.principal
    if (key.startsWith('aws:')) {
      if (isVisitor === true && OF_IDENTITIES.has(key)) return undefined
      const reader = READERS.get(key)
      if (reader !== undefined) return reader(call, permission)
      if (key.startsWith(PRINCIPAL_TAG)) {
        return tagValue(call.caller.principal.tags, key.slice(PRINCIPAL_TAG.length))
      }
      if (key.startsWith(RESOURCE_TAG)) {
        return tagValue(permission.resource?.tags, key.slice(RESOURCE_TAG.length))
      }
      if (key.startsWith(REQUEST_TAG)) {
        return tagValue(permission.requestTags, key.slice(REQUEST_TAG.length))
      }
      return undefined
    }
    if (key.startsWith(ATTESTATION)) {
      return attestationValue(permission, key.slice(ATTESTATION.length))
    }
    const own = permission.serviceKey?.(key) ?? this.#slow?.get(key)
    // An identity provider whose host is called like a service says nothing in that service's name.
    if (own !== undefined || key.startsWith(`${call.service}:`)) return own
    return federatedValue(session, key)
  }
}
