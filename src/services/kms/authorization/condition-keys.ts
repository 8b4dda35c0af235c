import type { ConditionValue } from '../../../authz/access-request.ts'
import type { Key } from '../../../core/key.ts'
import type { GrantConstraints } from '../../../core/tables.ts'
import type { Call } from '../../../pipeline/call.ts'

/** What a key is, whether it is there already or to be made. */
export type KeyTraits = Pick<Key, 'spec' | 'usage' | 'origin' | 'region' | 'multiRegion'>

/** What a request says that conditions can be about. Absent members have no condition key. */
export interface RequestTraits {
  /** As the request names its key: an alias is what `kms:RequestAlias` is about. */
  readonly keyId?: string | undefined
  /** With its default, which counts as given. */
  readonly encryptionAlgorithm?: string | undefined
  readonly encryptionContext?: Readonly<Record<string, string>> | undefined
  readonly isSameKey?: boolean | undefined
  /** Further condition keys by lower-case name behind `kms:`; worked out only when a policy reads one. */
  readonly values?: (() => Readonly<Record<string, ConditionValue | undefined>>) | undefined
}

const PREFIX = 'kms:'
const CONTEXT = 'encryptioncontext:'

/** `alias/app` from an alias or its ARN; undefined for every other identifier. */
function aliasNameOf(keyId: string | undefined): string | undefined {
  if (keyId === undefined) return undefined
  if (keyId.startsWith('alias/')) return keyId
  const at = keyId.startsWith('arn:') ? keyId.indexOf(':alias/') : -1
  return at === -1 ? undefined : keyId.slice(at + 1)
}

/** A service has none, whomever it acts for. */
const callerAccount = ({ caller: { principal } }: Call): string | undefined =>
  principal.type === 'Service' ? undefined : principal.accountId

const truth = (value: boolean): string => (value ? 'true' : 'false')

/**
 * The values of one pair, found without regard to the case of its name. Two names that differ in
 * nothing else give both values.
 */
function contextValue(
  context: Readonly<Record<string, string>> | undefined,
  lowerName: string,
): ConditionValue | undefined {
  if (context === undefined) return undefined
  const values = Object.entries(context)
    .filter(([name]) => name.toLowerCase() === lowerName)
    .map(([, value]) => value)
  return values.length < 2 ? values[0] : values
}

function multiRegionKeyType({ multiRegion, region }: KeyTraits): string | undefined {
  if (multiRegion === undefined) return undefined
  return multiRegion.primaryRegion === region ? 'PRIMARY' : 'REPLICA'
}

/** What a key says, by lower-case name behind `kms:`. */
export function keyValue(key: KeyTraits, name: string): ConditionValue | undefined {
  switch (name) {
    case 'keyspec':
    case 'customermasterkeyspec':
      return key.spec
    case 'keyusage':
    case 'customermasterkeyusage':
      return key.usage
    case 'keyorigin':
      return key.origin
    case 'multiregion':
      return truth(key.multiRegion !== undefined)
    case 'multiregionkeytype':
      return multiRegionKeyType(key)
    default:
      return undefined
  }
}

function requestValue(request: RequestTraits, name: string): ConditionValue | undefined {
  if (name.startsWith(CONTEXT)) {
    return contextValue(request.encryptionContext, name.slice(CONTEXT.length))
  }
  switch (name) {
    case 'requestalias':
      return aliasNameOf(request.keyId)
    case 'encryptionalgorithm':
      return request.encryptionAlgorithm
    case 'encryptioncontextkeys':
      return request.encryptionContext && Object.keys(request.encryptionContext)
    case 'reencryptonsamekey':
      return request.isSameKey === undefined ? undefined : truth(request.isSameKey)
    default: {
      const values = request.values?.()
      return values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined
    }
  }
}

/**
 * The condition keys of KMS for one request, by lower-case name.
 * Source: AWS KMS Developer Guide, Condition keys for AWS KMS.
 * @param key absent where the request is about no key
 */
export const kmsConditionKeys =
  (call: Call, key: KeyTraits | undefined, request: RequestTraits) =>
  (name: string): ConditionValue | undefined => {
    if (!name.startsWith(PREFIX)) return undefined
    const own = name.slice(PREFIX.length)
    if (own === 'calleraccount') return callerAccount(call)
    if (own === 'viaservice') return key && call.via?.viaService
    return (key && keyValue(key, own)) ?? requestValue(request, own)
  }

/** The pairs that a grant's constraints name: what the encryption context of its creation and end is taken to be. */
export const constraintContext = (
  constraints: GrantConstraints | undefined,
): Readonly<Record<string, string>> | undefined =>
  constraints?.encryptionContextEquals === undefined &&
  constraints?.encryptionContextSubset === undefined
    ? undefined
    : { ...constraints.encryptionContextSubset, ...constraints.encryptionContextEquals }

/** `kms:GrantConstraintType`. What it says of a constraint on the source alone is not documented: nothing here. */
export const constraintType = (constraints: GrantConstraints | undefined): string | undefined => {
  if (constraints?.encryptionContextEquals !== undefined) return 'EncryptionContextEquals'
  return constraints?.encryptionContextSubset === undefined ? undefined : 'EncryptionContextSubset'
}
