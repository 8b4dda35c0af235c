import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../core/secret.ts'
import { deriveSigningKey, SigningKeys } from './sigv4-keys.ts'

const secretOf = (text: string): Secret => new Secret(new Uint8Array(Buffer.from(text)))

const scopeOf = (date: string, region: string, service = 'iam') => ({
  date,
  region,
  service,
  scope: `${date}/${region}/${service}/aws4_request`,
})

/** Keys of the well-known example secret, and how often they were derived. */
function countedKeys(): { keys: SigningKeys; revealed: Secret[] } {
  const revealed: Secret[] = []
  const keys = new SigningKeys(() => {
    const secret = secretOf('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY')
    revealed.push(secret)
    return secret
  })
  return { keys, revealed }
}

test('the key of the documented example is the documented one', () => {
  // Source: AWS General Reference, Examples of how to derive a signing key for Signature Version 4.
  const key = deriveSigningKey(
    secretOf('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'),
    scopeOf('20150830', 'us-east-1'),
  )
  assert.equal(
    key.export().toString('hex'),
    'c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9',
  )
})

test('deriving borrows the secret and leaves it as it was', () => {
  const secret = secretOf('abc')
  deriveSigningKey(secret, scopeOf('20150830', 'us-east-1'))
  assert.deepEqual(secret.expose(), new Uint8Array(Buffer.from('abc')))
})

test('a key is derived once for its scope, and the secret is wiped each time', () => {
  const { keys, revealed } = countedKeys()
  const key = keys.get(scopeOf('20260102', 'us-east-1'))
  assert.equal(keys.get(scopeOf('20260102', 'us-east-1')), key)
  assert.equal(revealed.length, 1)
  assert.notEqual(keys.get(scopeOf('20260102', 'us-east-2')), key)
  assert.notEqual(keys.get(scopeOf('20260102', 'us-east-1', 'kms')), key)
  assert.equal(revealed.length, 3)
  assert.ok(revealed.every((secret) => secret.expose().every((byte) => byte === 0)))
})

test('a new day forgets the keys of the days before, an old request does not', () => {
  const { keys, revealed } = countedKeys()
  keys.get(scopeOf('20260102', 'us-east-1'))
  keys.get(scopeOf('20260101', 'us-east-1'))
  keys.get(scopeOf('20260102', 'us-east-1'))
  assert.equal(revealed.length, 2)
  keys.get(scopeOf('20260103', 'us-east-1'))
  keys.get(scopeOf('20260102', 'us-east-1'))
  keys.get(scopeOf('20260103', 'us-east-1'))
  assert.equal(revealed.length, 4)
})

test('more scopes than are kept drop the oldest, and every key stays right', () => {
  const { keys, revealed } = countedKeys()
  for (let number = 0; number < 65; number++) keys.get(scopeOf('20260102', `r-${number}`))
  keys.get(scopeOf('20260102', 'r-64'))
  keys.get(scopeOf('20260102', 'r-1'))
  assert.equal(revealed.length, 65)
  const again = keys.get(scopeOf('20260102', 'r-0'))
  assert.equal(revealed.length, 66)
  const fresh = countedKeys().keys.get(scopeOf('20260102', 'r-0'))
  assert.ok(again.equals(fresh))
})

test('a secret that cannot be revealed makes no key', () => {
  const keys = new SigningKeys(() => {
    throw new Error('sealed')
  })
  assert.throws(() => keys.get(scopeOf('20260102', 'us-east-1')), /sealed/)
})
