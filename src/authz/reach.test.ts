import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import {
  type AuthorizationCase,
  accessOf,
  KEY_ARN,
  policiesOf,
  requestOf,
} from '../../test/authorization/authorization-case.ts'
import { CAST, OTHER, OWNER } from '../../test/authorization/cast.ts'
import { seededRandom } from '../../test/support/seeded-random.ts'
import type { Grant } from '../core/tables.ts'
import type { AccessRequest, ConditionContext, ConditionValue } from './access-request.ts'
import { decideOnKey } from './decide.ts'
import type { Decision } from './decision.ts'
import { reachOnKey } from './reach.ts'
import type { PartialContext } from './residual.ts'

const CASES = join(import.meta.dirname, '../../test/authorization')

/** Everything that a context has is known, or nothing. */
const knowing = (context: ConditionContext, knows: (key: string) => boolean): PartialContext => ({
  get: (key) => (knows(key) ? context.get(key) : undefined),
  knows,
})

function decisionOf(c: AuthorizationCase): Decision {
  return decideOnKey(requestOf(c), policiesOf(c), accessOf(c))
}

const isConstrained = ({ grants = [] }: AuthorizationCase): boolean =>
  grants.some(({ constraints, operations }) => constraints ?? operations?.includes('CreateGrant'))

describe('what a principal may do before there is a request', () => {
  const all = readdirSync(CASES)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => {
      const { common, cases } = JSON.parse(readFileSync(join(CASES, name), 'utf8')) as {
        common?: Partial<AuthorizationCase>
        cases: readonly AuthorizationCase[]
      }
      return cases.map((c): AuthorizationCase => ({ ...common, ...c }))
    })
    .filter((c) => (c.decide ?? 'key') === 'key')

  test('agrees with every authorization case where all of its context is known', () => {
    assert.ok(all.length > 200)
    for (const c of all) {
      const request = requestOf(c)
      const context = knowing(request.context, () => true)
      const { outcome } = reachOnKey({ ...request, context }, policiesOf(c), accessOf(c))
      const expected = decisionOf(c).allowed ? 'always' : 'never'
      // Constraints of grants are on an encryption context, which is never known.
      if (outcome === 'conditional') assert.ok(isConstrained(c), c.name)
      else assert.equal(outcome, expected, c.name)
    }
  })

  test('promises nothing that a case contradicts where nothing is known', () => {
    for (const c of all) {
      const request = requestOf(c)
      const context = knowing(request.context, () => false)
      const { outcome } = reachOnKey({ ...request, context }, policiesOf(c), accessOf(c))
      if (outcome === 'conditional') continue
      assert.equal(outcome, decisionOf(c).allowed ? 'always' : 'never', c.name)
    }
  })
})

/** Draws from a seed. */
class Draw {
  readonly #random

  constructor(seed: string) {
    this.#random = seededRandom(seed)
  }

  below(limit: number): number {
    const [high = 0, low = 0] = this.#random.bytes(2)
    return (high * 256 + low) % limit
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  of<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)]
    assert.ok(item !== undefined)
    return item
  }

  some<T>(most: number, make: () => T): readonly T[] {
    return Array.from({ length: this.below(most + 1) }, make)
  }
}

const KEYS = [
  'kms:ViaService',
  'aws:PrincipalTag/team',
  'kms:EncryptionContext:app',
  'kms:EncryptionContextKeys',
  'aws:MultiFactorAuthPresent',
] as const
const VALUES = ['a', 'b', 'true', 'false'] as const
const OPERATORS = [
  'StringEquals',
  'StringNotEquals',
  'StringEqualsIfExists',
  'StringLike',
  'ForAllValues:StringEquals',
  'ForAnyValue:StringEquals',
  'Bool',
  'Null',
] as const
const CALLERS = ['root', 'alice', 'app', 'app two', 'other root', 'mallory', 'other app', 'logs']
const PRINCIPALS = [
  '*',
  { AWS: '*' },
  { AWS: OWNER },
  { AWS: OTHER },
  { AWS: [OWNER, OTHER] },
  { AWS: `arn:aws:iam::${OWNER}:user/alice` },
  { AWS: `arn:aws:iam::${OWNER}:role/svc/app` },
  { AWS: `arn:aws:sts::${OWNER}:assumed-role/app/one` },
  { AWS: `arn:aws:iam::${OTHER}:user/mallory` },
  { Service: 'logs.amazonaws.com' },
]
const RESOURCES = ['*', '*', KEY_ARN, `arn:aws:kms:*:${OWNER}:key/*`, 'arn:aws:kms:*:*:alias/x']

function drawCondition(draw: Draw): object {
  const operator = draw.of(OPERATORS)
  const value =
    operator === 'Bool' || operator === 'Null' ? draw.of(['true', 'false']) : draw.of(VALUES)
  return {
    [operator]: { [draw.of(KEYS)]: draw.chance(15) ? ['a', '${aws:PrincipalTag/team}'] : value },
  }
}

const drawStatement = (draw: Draw, ofKey: boolean): object => ({
  Effect: draw.chance(75) ? 'Allow' : 'Deny',
  ...(ofKey && { [draw.chance(90) ? 'Principal' : 'NotPrincipal']: draw.of(PRINCIPALS) }),
  Action: draw.of(['*', 'kms:*', 'kms:Decrypt', 'kms:Decrypt', 'kms:Encrypt']),
  Resource: draw.chance(10) ? `arn:aws:kms:*:*:key/\${aws:PrincipalTag/team}*` : draw.of(RESOURCES),
  ...(draw.chance(45) && { Condition: drawCondition(draw) }),
})

const drawGrant = (draw: Draw): Partial<Grant> => ({
  operations: draw.of([['Decrypt'], ['Decrypt', 'Encrypt'], ['Encrypt']]),
  granteePrincipal: draw.of([
    `arn:aws:iam::${OWNER}:user/alice`,
    `arn:aws:iam::${OWNER}:role/svc/app`,
    `arn:aws:iam::${OTHER}:root`,
    `arn:aws:iam::${OWNER}:root`,
  ]),
  ...(draw.chance(50) && {
    constraints: { encryptionContextSubset: { app: draw.of(['a', 'b']) } },
  }),
})

function drawCase(draw: Draw): AuthorizationCase {
  const statements = (most: number) => draw.some(most, () => drawStatement(draw, false))
  return {
    name: 'drawn',
    caller: draw.of(CALLERS),
    action: 'kms:Decrypt',
    expect: 'allow',
    crossAccount: draw.chance(85),
    keyPolicy: draw.some(4, () => drawStatement(draw, true)),
    identity: draw.some(2, () => statements(3)),
    ...(draw.chance(25) && { boundary: statements(3) }),
    ...(draw.chance(25) && { serviceControl: [statements(3)] }),
    ...(draw.chance(15) && { session: [statements(3)] }),
    grants: draw.some(2, () => drawGrant(draw)),
  }
}

function drawContext(draw: Draw): Map<string, ConditionValue> {
  const context = new Map<string, ConditionValue>()
  for (const key of KEYS) {
    if (draw.chance(40)) continue
    const value = key.endsWith('Keys') ? draw.some(2, () => draw.of(VALUES)) : draw.of(VALUES)
    context.set(key.toLowerCase(), value)
  }
  return context
}

const ENOUGH_CASES = 3000
const CONTEXTS = 24

describe('properties of reach, against decisions on random requests', () => {
  const seed = process.env['REACH_SEED'] ?? 'reach'
  const seen = { always: 0, conditional: 0, never: 0 }
  let satisfied = 0

  test(`always and never are kept (seed ${seed})`, () => {
    for (let index = 0; index < ENOUGH_CASES; index++) {
      const draw = new Draw(`${seed}/${index}`)
      const c = drawCase(draw)
      const known = drawContext(draw)
      const isKnown = new Set(KEYS.map((key) => key.toLowerCase()).filter(() => draw.chance(40)))
      const principal = CAST.get(c.caller) ?? assert.fail(c.caller)
      const base: AccessRequest = { ...requestOf(c), principal }
      const partial = knowing({ get: (key) => known.get(key) }, (key) => isKnown.has(key))
      const policies = policiesOf(c)
      const access = accessOf(c)
      const { outcome, ways } = reachOnKey({ ...base, context: partial }, policies, access)
      seen[outcome] += 1
      assert.equal(ways.length === 0, outcome === 'never')
      let isAllowedOnce = false
      for (let other = 0; other < CONTEXTS; other++) {
        const rest = drawContext(draw)
        const app = rest.get('kms:encryptioncontext:app')
        const context = {
          get: (key: string) => (isKnown.has(key) ? known.get(key) : rest.get(key)),
        }
        const encryptionContext = typeof app === 'string' ? { app } : {}
        const decision = decideOnKey({ ...base, context }, policies, {
          ...access,
          encryptionContext,
        })
        isAllowedOnce ||= decision.allowed
        if (outcome === 'conditional') continue
        const what = `case ${index}: ${JSON.stringify(c)}`
        assert.equal(decision.allowed, outcome === 'always', what)
      }
      if (outcome === 'conditional' && isAllowedOnce) satisfied += 1
    }
  })

  test('all three outcomes are met often, and most conditions can be met', () => {
    assert.ok(seen.always > 200 && seen.never > 200 && seen.conditional > 200, JSON.stringify(seen))
    assert.ok(satisfied > seen.conditional / 2, `${satisfied} of ${seen.conditional}`)
  })
})
