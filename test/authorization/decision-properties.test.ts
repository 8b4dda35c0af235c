/** What holds of decisions whatever the policies say: over random policies, requests and grants. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { AccessRequest } from '../../src/authz/access-request.ts'
import type { KeyAccess } from '../../src/authz/decide.ts'
import { decideByIdentity, decideOnKey, decideOnTrust } from '../../src/authz/decide.ts'
import { CachedDecisions } from '../../src/authz/decision-cache.ts'
import { denialMessage } from '../../src/authz/denial-message.ts'
import type { Grant } from '../../src/core/tables.ts'
import { OWNER } from './cast.ts'
import type { Statements, Wish } from './random-policies.ts'
import {
  anyGrant,
  anyStatements,
  anyWish,
  identityStatement,
  keyPolicy,
  keyStatement,
  LAYERS,
  principalPolicies,
  requestFor,
} from './random-policies.ts'

const RUNS = 2000

const accessTo = (all: Statements, action: string, grants: readonly Grant[]): KeyAccess => ({
  policy: keyPolicy(all),
  operation: action.slice('kms:'.length),
  isCrossAccount: true,
  grants,
})

const decide = (all: Statements, wish: Wish, grants: readonly Grant[] = []) =>
  decideOnKey(requestFor(wish), principalPolicies(all), accessTo(all, wish.action, grants))

const isAllowed = (all: Statements, wish: Wish, grants: readonly Grant[] = []): boolean =>
  decide(all, wish, grants).allowed

const layers = fc.constantFrom(...LAYERS)
const grants = fc.array(anyGrant, { maxLength: 2 })

const holds = <T extends unknown[]>(
  arbitraries: { [K in keyof T]: fc.Arbitrary<T[K]> },
  predicate: (...args: T) => void,
): void =>
  fc.assert(
    fc.property(fc.tuple<T>(...arbitraries), (args) => predicate(...args)),
    { numRuns: RUNS },
  )

describe('whatever the policies say', () => {
  test('a Deny more never allows', () => {
    const deny = fc.constant('Deny' as const)
    holds(
      [
        anyStatements,
        anyWish,
        grants,
        layers,
        identityStatement(deny),
        keyStatement(deny),
        fc.nat(4),
      ],
      (all, wish, given, layer, ofIdentity, ofKey, at) => {
        // A policy that is not there caps nothing, so it is no Deny more but another policy.
        const statements = all[layer]
        if (statements === undefined || isAllowed(all, wish, given)) return
        const more = statements.toSpliced(at, 0, layer === 'key' ? ofKey : ofIdentity)
        assert.equal(isAllowed({ ...all, [layer]: more }, wish, given), false)
      },
    )
  })

  test('an Allow less never allows', () => {
    holds([anyStatements, anyWish, grants, layers, fc.nat(3)], (all, wish, given, layer, at) => {
      const removed = all[layer]?.[at]
      if (removed === undefined || !('Effect' in removed) || removed.Effect !== 'Allow') return
      if (isAllowed(all, wish, given)) return
      const fewer = { ...all, [layer]: all[layer]?.toSpliced(at, 1) }
      assert.equal(isAllowed(fewer, wish, given), false)
    })
  })

  test('an Allow more never denies', () => {
    const allow = fc.constant('Allow' as const)
    holds(
      [anyStatements, anyWish, layers, identityStatement(allow), keyStatement(allow)],
      (all, wish, layer, ofIdentity, ofKey) => {
        const statements = all[layer]
        if (statements === undefined || !isAllowed(all, wish)) return
        const added = layer === 'key' ? ofKey : ofIdentity
        assert.equal(isAllowed({ ...all, [layer]: [...statements, added] }, wish), true)
      },
    )
  })

  test('the order of statements does not matter', () => {
    holds([anyStatements, anyWish, grants], (all, wish, given) => {
      const reversed: Statements = {
        key: all.key.toReversed(),
        identity: all.identity.toReversed(),
        boundary: all.boundary?.toReversed(),
        session: all.session?.toReversed(),
        serviceControl: all.serviceControl?.toReversed(),
      }
      const [one, other] = [decide(all, wish, given), decide(reversed, wish, given)]
      assert.equal(one.allowed, other.allowed)
      assert.deepEqual('denial' in one && one.denial, 'denial' in other && other.denial)
    })
  })

  test('a cap more never allows', () => {
    holds([anyStatements, anyWish, grants], (all, wish, given) => {
      for (const layer of ['boundary', 'session', 'serviceControl'] as const) {
        if (!isAllowed({ ...all, [layer]: undefined }, wish, given)) {
          assert.equal(isAllowed(all, wish, given), false)
        }
      }
    })
  })

  test('a grant more never denies', () => {
    holds([anyStatements, anyWish, grants, anyGrant], (all, wish, given, grant) => {
      if (!isAllowed(all, wish, given)) return
      assert.equal(isAllowed(all, wish, [...given, grant]), true)
    })
  })

  test('a grant never helps against a Deny', () => {
    holds([anyStatements, anyWish, anyGrant], (all, wish, grant) => {
      const decision = decide(all, wish)
      if (decision.allowed || !decision.denial.isExplicit) return
      assert.deepEqual(decide(all, wish, [grant]), decision)
    })
  })

  test('other accounts are told the same whatever the policy of the key says', () => {
    holds([anyStatements, anyStatements, anyWish], (all, others, wish) => {
      const request = requestFor(wish)
      if (request.principal.accountId === OWNER) return
      const texts = [all, { ...all, key: others.key }, { ...all, key: [] }].map((each) => {
        const decision = decide(each, wish)
        return decision.allowed ? undefined : denialMessage(request, decision.denial, 'arn')
      })
      assert.ok(new Set(texts.filter((text) => text !== undefined)).size <= 1, texts.join('\n'))
    })
  })

  test('grounds are statements of the policies, with the effect they had', () => {
    holds([anyStatements, anyWish, grants], (all, wish, given) => {
      const decision = decide(all, wish, given)
      for (const ground of decision.grounds) {
        const layer =
          LAYERS[
            [
              'resource-policy',
              'identity-policy',
              'permissions-boundary',
              'session-policy',
              'service-control-policy',
            ].indexOf(ground.layer)
          ]
        const statement = layer && all[layer]?.[ground.statement]
        assert.ok(statement !== undefined && 'Effect' in statement)
        assert.equal(statement.Effect, ground.effect)
        assert.equal(ground.effect, decision.allowed ? 'Allow' : 'Deny')
      }
    })
  })
})

describe('decisions from a cache', () => {
  test('are those that would be made anew, through all mutations', () => {
    const seldom = fc.oneof(
      { arbitrary: fc.constant(null), weight: 6 },
      { arbitrary: anyStatements, weight: 1 },
    )
    const mutation = fc.record({ wish: anyWish, grants, change: seldom })
    const run = fc.tuple(anyStatements, fc.array(mutation, { minLength: 1, maxLength: 30 }))
    fc.assert(
      fc.property(run, ([first, steps]) => {
        const cached = new CachedDecisions()
        let all = first
        let policies = principalPolicies(all)
        let policy = keyPolicy(all)
        for (const step of steps) {
          if (step.change !== null) {
            // Now one half changes, now the other, now both.
            if (step.grants.length !== 1)
              policies = principalPolicies((all = { ...step.change, key: all.key }))
            if (step.grants.length !== 0)
              policy = keyPolicy((all = { ...all, key: step.change.key }))
          }
          const request = requestFor(step.wish)
          const access = { ...accessTo(all, step.wish.action, step.grants), policy }
          assertSame(cached, { request, policies, access })
          assertSame(cached, { request, policies, access: { ...access, isCrossAccount: false } })
        }
      }),
      { numRuns: RUNS },
    )
  })

  interface Asked {
    readonly request: AccessRequest
    readonly policies: ReturnType<typeof principalPolicies>
    readonly access: KeyAccess
  }

  /** Twice, so that the second may come from the cache. */
  function assertSame(cached: CachedDecisions, { request, policies, access }: Asked): void {
    for (let time = 0; time < 2; time++) {
      assert.deepEqual(
        cached.onKey(request, policies, access),
        decideOnKey(request, policies, access),
      )
      assert.deepEqual(cached.byIdentity(request, policies), decideByIdentity(request, policies))
    }
  }
})

describe('trust policies', () => {
  test('with a Deny more never allow', () => {
    const deny = fc.constant('Deny' as const)
    holds([anyStatements, anyWish, keyStatement(deny)], (all, wish, added) => {
      const [request, policies] = [requestFor(wish), principalPolicies(all)]
      if (decideOnTrust(request, policies, keyPolicy(all)).allowed) return
      const more = keyPolicy({ ...all, key: [...all.key, added] })
      assert.equal(decideOnTrust(request, policies, more).allowed, false)
    })
  })
})
