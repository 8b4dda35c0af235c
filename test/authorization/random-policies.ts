import fc from 'fast-check'
import type { AccessRequest, ConditionValue } from '../../src/authz/access-request.ts'
import type { PolicyLayer } from '../../src/authz/decision.ts'
import type { PrincipalPolicies } from '../../src/authz/policies.ts'
import { instant } from '../../src/core/ids.ts'
import type { Grant } from '../../src/core/tables.ts'
import { KEY_ARN, KEY_ID, named, REGION } from './authorization-case.ts'
import { CAST, OTHER, OWNER } from './cast.ts'

// Small alphabets, so that random policies often have something to say about random requests.
const ACTIONS = ['kms:Decrypt', 'kms:Encrypt', 'kms:DescribeKey', 'kms:CreateGrant']
const RESOURCES = [KEY_ARN, `${KEY_ARN.slice(0, -1)}f`]
const KEYS = ['kms:viaservice', 'kms:encryptioncontext:a', 'aws:username', 'aws:tagkeys']
const VALUES = ['a', 'b', 'ab', '*', '7', 'true']
const OPERATORS = [
  'StringEquals',
  'StringNotEquals',
  'StringLike',
  'StringNotLikeIfExists',
  'ForAllValues:StringEquals',
  'ForAnyValue:StringLike',
  'NumericLessThan',
  'Bool',
  'Null',
]
const PRINCIPAL_NAMES = [
  '*',
  OWNER,
  OTHER,
  ...[...CAST.values()].flatMap(({ type, arn, principalArn, uniqueId }) =>
    type === 'Service' || type === 'Account' ? [] : [arn, principalArn, uniqueId],
  ),
]

const some = <T>(values: readonly T[]): fc.Arbitrary<T[]> =>
  fc.array(fc.constantFrom(...values), { minLength: 1, maxLength: 2 })

const condition = fc.dictionary(
  fc.constantFrom(...OPERATORS),
  fc.dictionary(
    fc.constantFrom(...KEYS),
    some([...VALUES, '${aws:username}', 'a*', "${aws:username, 'b'}"]),
    { minKeys: 1, maxKeys: 2 },
  ),
  { maxKeys: 1 },
)

const principals = fc.oneof(
  fc.record({ AWS: some(PRINCIPAL_NAMES) }),
  fc.record({ Service: some(['logs.amazonaws.com', 's3.amazonaws.com']) }),
  fc.constant('*'),
)

/** Either a member or its negation. */
const either = <T>(name: string, value: fc.Arbitrary<T>): fc.Arbitrary<object> =>
  fc
    .tuple(fc.integer({ min: 0, max: 4 }), value)
    .map(([die, drawn]) => ({ [die === 0 ? `Not${name}` : name]: drawn }))

export type Effect = 'Allow' | 'Deny'

const parts = {
  action: either('Action', some([...ACTIONS, 'kms:*', '*', 'kms:De*'])),
  resource: either('Resource', some([...RESOURCES, '*', 'arn:aws:kms:*:*:key/${aws:username}*'])),
  condition,
}

/** A statement of a policy of an identity. */
export const identityStatement = (effect: fc.Arbitrary<Effect>): fc.Arbitrary<object> =>
  fc
    .record({ effect, ...parts })
    .map(({ effect: Effect, action, resource, condition: Condition }) => ({
      Effect,
      ...action,
      ...resource,
      Condition,
    }))

/** A statement of a key policy. */
export const keyStatement = (effect: fc.Arbitrary<Effect>): fc.Arbitrary<object> =>
  fc
    .tuple(identityStatement(effect), either('Principal', principals))
    .map(([statement, element]) => ({ ...statement, ...element }))

export const anyEffect: fc.Arbitrary<Effect> = fc.oneof(
  { arbitrary: fc.constant<Effect>('Allow'), weight: 4 },
  { arbitrary: fc.constant<Effect>('Deny'), weight: 1 },
)

const statements = fc.array(identityStatement(anyEffect), { maxLength: 3 })

/** The statements of all policies that have a say; an absent list stands for an absent policy. */
export interface Statements {
  readonly key: readonly object[]
  readonly identity: readonly object[]
  readonly boundary: readonly object[] | undefined
  readonly session: readonly object[] | undefined
  readonly serviceControl: readonly object[] | undefined
}

const seldom = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: 1 })

export const anyStatements: fc.Arbitrary<Statements> = fc.record({
  key: fc.array(keyStatement(anyEffect), { maxLength: 4 }),
  identity: statements,
  boundary: seldom(statements),
  session: seldom(statements),
  serviceControl: seldom(statements),
})

export const LAYERS = ['key', 'identity', 'boundary', 'session', 'serviceControl'] as const

const LAYER_NAMES: Readonly<Record<(typeof LAYERS)[number], PolicyLayer>> = {
  key: 'resource-policy',
  identity: 'identity-policy',
  boundary: 'permissions-boundary',
  session: 'session-policy',
  serviceControl: 'service-control-policy',
}

/** The policies of the caller, compiled. */
export function principalPolicies(all: Statements): PrincipalPolicies {
  const compiled = (layer: (typeof LAYERS)[number]) =>
    all[layer] && named(LAYER_NAMES[layer], all[layer])
  const [session, serviceControl] = [compiled('session'), compiled('serviceControl')]
  return {
    identity: [named('identity-policy', all.identity)],
    boundary: compiled('boundary'),
    session: session && [session],
    serviceControl: serviceControl && [serviceControl],
  }
}

/** The policy of the key, compiled. */
export const keyPolicy = (all: Statements) => named('resource-policy', all.key)

const value: fc.Arbitrary<ConditionValue> = fc.oneof(
  fc.constantFrom(...VALUES),
  fc.array(fc.constantFrom(...VALUES), { maxLength: 2 }),
)

/** What a request says, without who asks. */
export interface Wish {
  readonly caller: string
  readonly action: string
  readonly resourceArn: string
  readonly values: Readonly<Record<string, ConditionValue>>
}

export const anyWish: fc.Arbitrary<Wish> = fc.record({
  caller: fc.constantFrom(...CAST.keys()),
  action: fc.constantFrom(...ACTIONS),
  resourceArn: fc.constantFrom(...RESOURCES),
  values: fc.dictionary(fc.constantFrom(...KEYS), value, { maxKeys: 3 }),
})

export function requestFor({ caller, action, resourceArn, values }: Wish): AccessRequest {
  const principal = CAST.get(caller)
  if (principal === undefined) throw new TypeError(`nobody is called ${caller}`)
  const known = new Map(Object.entries(values))
  const context = { get: (key: string) => known.get(key) }
  return { action, principal, resourceArn, resourceAccount: OWNER, context }
}

/** A grant on the key, to somebody of the cast or their account. */
export const anyGrant: fc.Arbitrary<Grant> = fc
  .record({
    grantee: fc.constantFrom(...PRINCIPAL_NAMES.slice(1), `arn:aws:iam::${OWNER}:root`),
    operations: some(ACTIONS.map((action) => action.slice('kms:'.length))),
    encryptionContextSubset: seldom(fc.constant({ a: 'a' })),
  })
  .map(({ grantee, operations, encryptionContextSubset }) => ({
    region: REGION,
    keyId: KEY_ID,
    grantId: '0'.repeat(64),
    name: '',
    granteePrincipal: grantee,
    operations,
    constraints: { encryptionContextSubset },
    issuingAccount: OWNER,
    createdAt: instant(0),
  }))
