import type { ConditionValue } from '../../../authz/access-request.ts'
import { EMPTY_POLICY } from '../../../authz/compiled-policy.ts'
import type { Permission } from '../../../authz/permission.ts'
import type { NamedPolicy } from '../../../authz/policies.ts'
import { keyArn } from '../../../core/arn.ts'
import { type AccountId, anotherAccount, type KeyId } from '../../../core/ids.ts'
import { ALIASES, type Grant } from '../../../core/tables.ts'
import type { Call } from '../../../pipeline/call.ts'
import { ALIASES_PER_KEY_MAX } from '../keys/aliases.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import type { KmsScope } from '../kms-operation.ts'
import { kmsConditionKeys, type RequestTraits } from './condition-keys.ts'
import { wholeDays } from './request-traits.ts'

/**
 * Operations that can be used on another account's key.
 * Source: AWS KMS Developer Guide, AWS KMS permissions, Cross-account use.
 */
export const CROSS_ACCOUNT: ReadonlySet<string> = new Set([
  'CreateGrant',
  'Decapsulate',
  'Decrypt',
  'DeriveSharedSecret',
  'DescribeKey',
  'Encapsulate',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'GenerateDataKeyWithoutPlaintext',
  'GenerateMac',
  'GetKeyRotationStatus',
  'GetPublicKey',
  'ListGrants',
  'ReEncryptFrom',
  'ReEncryptTo',
  'RetireGrant',
  'RevokeGrant',
  'Sign',
  'Verify',
  'VerifyMac',
])

/** What one operation asks of a key. */
export interface KeyDemand {
  /** Behind `kms:`, as grants name it as well: `Decrypt`. */
  readonly operation: string
  readonly request?: RequestTraits | undefined
  readonly namedBy?: 'arn' | 'ciphertext'
  readonly requestTags?: Readonly<Record<string, string>> | undefined
  readonly tagKeys?: readonly string[] | undefined
  readonly acceptsGrant?: ((grant: Grant) => boolean) | undefined
  /** What the request itself says, where `request` says more: a denial must not tell of that. */
  readonly asked?: RequestTraits | undefined
}

/** `kms:ResourceAliases`: the names of all aliases of a key. */
async function aliasesOf({ key }: ResolvedKey, { records }: KmsScope): Promise<ConditionValue> {
  const page = await records.page(ALIASES, {
    index: 'by_target',
    equals: [key.accountId, key.region, key.keyId],
    limit: ALIASES_PER_KEY_MAX,
  })
  return page.map(({ record }) => record.name)
}

/** `kms:TrailingDaysWithoutKeyUsage`: since the last use, or since there is something to know of uses. */
async function daysWithoutUse(
  target: ResolvedKey,
  { records, lastUses, call }: KmsScope,
): Promise<ConditionValue> {
  const last = await lastUses.lastUse(records, target)
  return wholeDays(last?.time ?? target.key.createdAt, call.time)
}

const RESOURCE_ALIASES = 'kms:resourcealiases'
const DAYS_WITHOUT_USE = 'kms:trailingdayswithoutkeyusage'
/** Source: AWS KMS Developer Guide, kms:TrailingDaysWithoutKeyUsage. */
const WITH_DAYS: ReadonlySet<string> = new Set(['DisableKey', 'ScheduleKeyDeletion'])
const SLOW_NAMES = [RESOURCE_ALIASES]
const SLOW_NAMES_WITH_DAYS = [RESOURCE_ALIASES, DAYS_WITHOUT_USE]

/** Operations whose ciphertexts can be bound to an encryption context, none of which is an empty one. */
const WITH_CONTEXT: ReadonlySet<string> = new Set([
  'Decrypt',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'GenerateDataKeyWithoutPlaintext',
  'ReEncryptFrom',
  'ReEncryptTo',
])
const NO_CONTEXT = {}

const noGrants = (): Promise<readonly Grant[]> => Promise.resolve([])

/** The permission on one key: its policy, the caller's policies and its grants decide together. */
export function keyPermission(demand: KeyDemand, target: ResolvedKey, scope: KmsScope): Permission {
  const { operation, request = {}, namedBy, requestTags, tagKeys, acceptsGrant } = demand
  const { key, arn } = target
  const { keyPolicies, grantIndex, records } = scope
  return {
    action: `kms:${operation}`,
    resource: {
      accountId: key.accountId,
      arn,
      tags: key.tags,
      guard: {
        kind: 'key',
        policy: () => keyPolicies.of(key, records),
        operation,
        isCrossAccount: CROSS_ACCOUNT.has(operation),
        encryptionContext: WITH_CONTEXT.has(operation)
          ? (request.encryptionContext ?? NO_CONTEXT)
          : undefined,
        // What is an AWS managed key is never another account's to use.
        grantsFor: (principal) =>
          key.managedBy !== undefined && principal.accountId !== key.accountId
            ? noGrants()
            : grantIndex.grantsFor(principal, key, records),
        acceptsGrant,
      },
    },
    namedBy: namedBy ?? 'arn',
    untold: untoldOf(demand, target, scope),
    requestTags,
    tagKeys,
    serviceKey: kmsConditionKeys(scope.call, key, request),
    slowKeys: {
      names: WITH_DAYS.has(operation) ? SLOW_NAMES_WITH_DAYS : SLOW_NAMES,
      load: (name) =>
        name === RESOURCE_ALIASES ? aliasesOf(target, scope) : daysWithoutUse(target, scope),
    },
  }
}

/** What a denial on another account's key is told from. */
function untoldOf(
  { operation, request = {}, asked = request, namedBy }: KeyDemand,
  { key, arn }: ResolvedKey,
  { call }: KmsScope,
): Permission | undefined {
  if (key.accountId === call.accountId) return undefined
  const named = asked.keyId?.startsWith('arn:') === true ? asked.keyId : arn
  const missing = { operation, accountId: key.accountId, arn: named, request: asked }
  return missingKey({ ...missing, ...(namedBy && { namedBy }) }, call)
}

/** Lets nobody do anything. */
const CLOSED: NamedPolicy = { layer: 'resource-policy', name: 'no policy', policy: EMPTY_POLICY }

/** What a request names in another account, as far as it can be told without there being such a key. */
interface MissingKey {
  readonly operation: string
  readonly accountId: AccountId
  /** As the request names it. */
  readonly arn: string
  readonly namedBy?: 'arn' | 'ciphertext'
  readonly request?: RequestTraits | undefined
}

/** The permission on a key of another account that is not there. */
export function missingKey(missing: MissingKey, call: Call): Permission {
  const { operation, accountId, arn, namedBy = 'arn', request = {} } = missing
  const isCrossAccount = CROSS_ACCOUNT.has(operation)
  const guard = {
    kind: 'key',
    policy: () => CLOSED,
    operation,
    isCrossAccount,
    grantsFor: noGrants,
  } as const
  return {
    action: `kms:${operation}`,
    resource: { accountId, arn, guard },
    namedBy,
    serviceKey: kmsConditionKeys(call, undefined, request),
  }
}

/**
 * The permission on a key that a ciphertext names and that is nowhere. Nobody knows whose it was: the caller's
 * own account is asked as if it were its own, and then it is told what callers of other accounts are told.
 */
export const lostKey = (
  { operation, request, namedBy = 'ciphertext' }: Omit<MissingKey, 'accountId' | 'arn'>,
  keyId: KeyId,
  call: Call,
): Permission => {
  const accountId = anotherAccount(call.accountId)
  return missingKey({ operation, accountId, arn: keyArn(call, keyId), namedBy, request }, call)
}

/** Operations that no condition key of KMS is about, but for what is attested of the caller's machine. */
const WITHOUT_KEYS: ReadonlySet<string> = new Set([
  'GenerateRandom',
  'ListAliases',
  'ListKeys',
  'ListRetirableGrants',
])

/** A permission that identity policies alone decide, on no key: `kms:ListKeys`. */
export const servicePermission = (
  operation: string,
  scope: KmsScope,
  more: Partial<Pick<Permission, 'requestTags' | 'resource' | 'region'>> & {
    readonly request?: RequestTraits
    readonly key?: Parameters<typeof kmsConditionKeys>[1]
  } = {},
): Permission => {
  const { request = {}, key, ...rest } = more
  return {
    ...rest,
    action: `kms:${operation}`,
    serviceKey: WITHOUT_KEYS.has(operation)
      ? undefined
      : kmsConditionKeys(scope.call, key, request),
  }
}
