import assert from 'node:assert/strict'
import { createHmac, createSecretKey } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { hmacSha256Hex } from './hmac-sha256.ts'

test('the HMAC of RFC 4231, test case 2, is the documented one', () => {
  // Source: RFC 4231, 4.3.
  assert.equal(
    hmacSha256Hex(createSecretKey(Buffer.from('Jefe')), 'what do ya want for nothing?'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  )
})

test('it is that of OpenSSL, for every key and every text of bytes, also after others', () => {
  const keys = new Map<string, ReturnType<typeof createSecretKey>>()
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 100 }),
      fc.uint8Array({ maxLength: 700 }),
      (keyBytes, bytes) => {
        const name = Buffer.from(keyBytes).toString('hex')
        const key = keys.get(name) ?? createSecretKey(keyBytes)
        keys.set(name, key)
        const text = Buffer.from(bytes).toString('latin1')
        const expected = createHmac('sha256', keyBytes).update(bytes).digest('hex')
        assert.equal(hmacSha256Hex(key, text), expected)
        assert.equal(hmacSha256Hex(key, text), expected)
      },
    ),
  )
})
