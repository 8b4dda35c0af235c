import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom } from '../crypto/random.ts'
import { drawAccessKeyId, drawSecretAccessKey, drawUniqueId } from './access-keys.ts'

const random = createRandom()

test('ids have the length and the letters of those that AWS issues', () => {
  assert.match(drawUniqueId(random, 'AIDA'), /^AIDA[A-Z2-7]{17}$/)
  assert.match(drawAccessKeyId(random, 'ASIA'), /^ASIA[A-Z2-7]{16}$/)
  assert.notEqual(drawUniqueId(random, 'AROA'), drawUniqueId(random, 'AROA'))
})

test('a secret access key is forty characters of base64', () => {
  using secret = drawSecretAccessKey(random)
  assert.match(new TextDecoder().decode(secret.expose()), /^[A-Za-z0-9+/]{40}$/)
})
