import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../test/support/seeded-random.ts'
import { instant, parseAccessKeyId, parseAccountId } from '../core/ids.ts'
import { isSessionToken, SessionTokens } from './session-tokens.ts'
import { type NewSession, Sessions } from './sessions.ts'

const ACCOUNT = parseAccountId('111122223333') ?? assert.fail()
const HELD_MAX = 5000

describe('sessions', () => {
  const random = seededRandom('sessions')
  const newSessions = (): Sessions =>
    new Sessions(new SessionTokens(createSecretKey(new Uint8Array(32).fill(1)), random), random)
  const about: NewSession = {
    accountId: ACCOUNT,
    subject: { kind: 'root' },
    facts: { issuedAt: instant(1000), tags: {}, transitiveTagKeys: [], policyArns: [] },
    durationSeconds: 900,
  }

  test('have an id and a secret like AWS’s, and end when they should', () => {
    const issued = newSessions().issue(about)
    using secret = issued.secretAccessKey
    assert.match(issued.accessKeyId, /^ASIA[A-Z2-7]{16}$/)
    assert.equal(secret.sizeBytes, 40)
    assert.equal(issued.facts.expiresAt, 901_000)
    assert.ok(isSessionToken(issued.sessionToken))
  })

  test('are the same object for as long as they are held, and 5000 are', () => {
    const sessions = newSessions()
    const issued = Array.from({ length: HELD_MAX + 1 }, () => sessions.issue(about))
    const [first] = issued
    assert.ok(first)
    const { accessKeyId, sessionToken } = first
    const found = sessions.find(accessKeyId, sessionToken)
    assert.ok(found)
    assert.equal(sessions.find(accessKeyId, sessionToken), found)
    for (const one of issued.slice(1)) {
      assert.ok(sessions.find(one.accessKeyId, one.sessionToken))
      one.secretAccessKey[Symbol.dispose]()
    }
    const again = sessions.find(accessKeyId, sessionToken)
    assert.notEqual(again, found)
    using secret = first.secretAccessKey
    using revealed = again?.revealSecret()
    assert.deepEqual(revealed?.expose(), secret.expose())
  })

  test('keep tags with names that every object has', () => {
    const sessions = newSessions()
    const tags = JSON.parse('{"__proto__":"a","constructor":"b","toString":"c"}')
    const issued = sessions.issue({ ...about, facts: { ...about.facts, tags } })
    const found = sessions.find(issued.accessKeyId, issued.sessionToken)
    assert.deepEqual(Object.entries(found?.facts.tags ?? {}), Object.entries(tags))
  })

  test('open with no text but their token', () => {
    const sessions = newSessions()
    const { accessKeyId, sessionToken } = sessions.issue(about)
    const id = parseAccessKeyId(accessKeyId) ?? assert.fail()
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `U1JUAQ${text}`),
          fc
            .uint8Array({ maxLength: 200 })
            .map((bytes) => Buffer.from(bytes).toString('base64url')),
          fc
            .tuple(fc.nat(sessionToken.length - 1), fc.string({ minLength: 1, maxLength: 1 }))
            .map(([at, other]) => sessionToken.slice(0, at) + other + sessionToken.slice(at + 1)),
          fc.nat(sessionToken.length).map((end) => sessionToken.slice(0, end)),
        ),
        (token) => {
          const found = sessions.find(id, token)
          assert.equal(found === undefined, token !== sessionToken)
        },
      ),
    )
  })
})
