import assert from 'node:assert/strict'
import type { AccessRequest, ConditionValue } from '../../src/authz/access-request.ts'
import { compilePolicy } from '../../src/authz/compiled-policy.ts'
import {
  decideByIdentity,
  decideOnKey,
  decideOnTrust,
  decideRetirement,
  type KeyAccess,
} from '../../src/authz/decide.ts'
import type { Decision, PolicyLayer } from '../../src/authz/decision.ts'
import type { NamedPolicy, PrincipalPolicies } from '../../src/authz/policies.ts'
import { instant, parseKeyId } from '../../src/core/ids.ts'
import { parseRegion } from '../../src/core/regions.ts'
import type { Grant } from '../../src/core/tables.ts'
import { CAST, OTHER, OWNER } from './cast.ts'

/** A list of statements of version 2012-10-17, a whole policy, or its text. */
export type PolicySource = readonly object[] | object | string

/** One case of a file: who wants what, under which policies, and what is to come of it. */
export interface AuthorizationCase {
  readonly name: string
  /** Of the cast. */
  readonly caller: string
  readonly action: string
  readonly decide?: 'key' | 'identity' | 'trust' | 'retirement'
  /** The key, the role or `*`, unless another is asked for. */
  readonly resource?: string
  readonly context?: Readonly<Record<string, ConditionValue>>
  readonly keyPolicy?: PolicySource
  readonly trust?: PolicySource
  readonly principalIds?: Readonly<Record<string, string>>
  readonly identity?: readonly PolicySource[]
  /** Stands for one identity policy that allows everything under this condition. */
  readonly condition?: object
  /** Of the policy that `condition` stands for. */
  readonly version?: string
  readonly boundary?: PolicySource
  readonly session?: readonly PolicySource[]
  readonly serviceControl?: readonly PolicySource[]
  readonly grants?: readonly Partial<Grant>[]
  readonly encryptionContext?: Readonly<Record<string, string>>
  readonly operation?: string
  /** Whether the operation may be used across accounts; true unless said. */
  readonly crossAccount?: boolean
  readonly namedBy?: 'arn' | 'ciphertext'
  readonly expect: 'allow' | 'deny'
  readonly path?: string
  readonly layer?: PolicyLayer
  readonly explicit?: boolean
  readonly message?: string
}

export const REGION = parseRegion('eu-central-1') ?? assert.fail()
export const KEY_ID = parseKeyId('0d990263-018e-4e65-a703-eff731de951e') ?? assert.fail()
export const KEY_ARN = `arn:aws:kms:${REGION}:${OWNER}:key/${KEY_ID}`
const ROLE_ARN = `arn:aws:iam::${OWNER}:role/svc/app`

export const policyText = (source: PolicySource): string => {
  if (typeof source === 'string') return source
  return JSON.stringify(
    Array.isArray(source) ? { Version: '2012-10-17', Statement: source } : source,
  )
}

export const named = (
  layer: PolicyLayer,
  source: PolicySource,
  principalIds?: Readonly<Record<string, string>>,
): NamedPolicy => ({
  layer,
  name: layer,
  policy: compilePolicy(policyText(source), principalIds),
})

const grantOf = (grant: Partial<Grant>, index: number): Grant => ({
  region: REGION,
  keyId: KEY_ID,
  grantId: String(index).padStart(64, '0'),
  name: '',
  operations: [],
  issuingAccount: OWNER,
  createdAt: instant(0),
  ...grant,
})

const identityOf = ({
  identity,
  condition,
  version,
}: AuthorizationCase): readonly PolicySource[] =>
  condition === undefined
    ? (identity ?? [])
    : [
        {
          Version: version ?? '2012-10-17',
          Statement: { Effect: 'Allow', Action: '*', Resource: '*', Condition: condition },
        },
      ]

/** What comes with the caller of a case. */
export const policiesOf = (c: AuthorizationCase): PrincipalPolicies => ({
  identity: identityOf(c).map((source) => named('identity-policy', source)),
  ...(c.boundary && { boundary: named('permissions-boundary', c.boundary) }),
  ...(c.session && { session: c.session.map((source) => named('session-policy', source)) }),
  ...(c.serviceControl && {
    serviceControl: c.serviceControl.map((source) => named('service-control-policy', source)),
  }),
})

const RESOURCES = { key: KEY_ARN, identity: '*', trust: ROLE_ARN, retirement: KEY_ARN } as const

export function requestOf(c: AuthorizationCase): AccessRequest {
  const values = new Map(
    Object.entries(c.context ?? {}).map(([key, value]) => [key.toLowerCase(), value]),
  )
  const principal = CAST.get(c.caller) ?? assert.fail(`nobody is called ${c.caller}`)
  const resourceArn = c.resource ?? RESOURCES[c.decide ?? 'key']
  const account = resourceArn.split(':')[4]
  return {
    action: c.action,
    principal,
    resourceArn,
    resourceAccount: account === OWNER ? OWNER : account === OTHER ? OTHER : principal.accountId,
    context: { get: (key) => values.get(key) },
  }
}

/** The key of a case. */
export const accessOf = (c: AuthorizationCase): KeyAccess => ({
  policy: named('resource-policy', c.keyPolicy ?? [], c.principalIds),
  operation: c.operation ?? c.action.slice('kms:'.length),
  isCrossAccount: c.crossAccount ?? true,
  grants: (c.grants ?? []).map(grantOf),
  encryptionContext: c.encryptionContext,
})

/** Decides a case. */
export function decide(c: AuthorizationCase): Decision {
  const request = requestOf(c)
  const policies = policiesOf(c)
  const grants = (c.grants ?? []).map(grantOf)
  switch (c.decide ?? 'key') {
    case 'identity':
      return decideByIdentity(request, policies)
    case 'trust':
      return decideOnTrust(request, policies, named('trust-policy', c.trust ?? [], c.principalIds))
    case 'retirement':
      return decideRetirement(request, policies, grants[0] ?? assert.fail('which grant?'))
    case 'key':
      return decideOnKey(request, policies, accessOf(c))
    default:
      return assert.fail('nothing else is decided')
  }
}
