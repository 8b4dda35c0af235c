import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { describe, test } from 'node:test'
import { aKeyPlace } from '../../../../test/support/key-place.ts'
import { GrantTokens } from './grant-tokens.ts'

const secretOf = (byte: number) => createSecretKey(Buffer.alloc(32, byte))
const tokens = new GrantTokens(secretOf(1))
const nonce = (byte: number) => Buffer.alloc(16, byte)
const { region, keyId } = aKeyPlace()
const grant = { region, keyId, grantId: 'ab'.repeat(32) }

describe('a grant token', () => {
  test('says which grant it is of', () => {
    const token = tokens.issue(grant, nonce(1))
    assert.deepEqual(tokens.read(token), grant)
    assert.match(token, /^[\w-]{100,8192}$/)
    const single = { ...grant, ...aKeyPlace({ keyId: '1234abcd-12ab-34cd-56ef-1234567890ab' }) }
    const read = tokens.read(tokens.issue(single, nonce(1)))
    assert.equal(read?.keyId, single.keyId)
  })

  test('differs from every other of its grant', () => {
    assert.notEqual(tokens.issue(grant, nonce(1)), tokens.issue(grant, nonce(2)))
  })

  test('is none with any of its bits turned', () => {
    const bytes = Buffer.from(tokens.issue(grant, nonce(1)), 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const altered = Buffer.from(bytes)
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.equal(tokens.read(altered.toString('base64url')), undefined, `bit ${bit}`)
    }
  })

  test('is none cut short, extended, written otherwise or made with another secret', () => {
    const token = tokens.issue(grant, nonce(1))
    const bytes = Buffer.from(token, 'base64url')
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(tokens.read(bytes.subarray(0, length).toString('base64url')), undefined)
    }
    const others = [
      `${token}A`,
      `${token}=`,
      ` ${token}`,
      bytes.toString('base64').replace(/=*$/, '='),
      new GrantTokens(secretOf(2)).issue(grant, nonce(1)),
      'A'.repeat(8192),
    ]
    for (const text of others) assert.equal(tokens.read(text), undefined, text.slice(0, 40))
  })
})
