import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, verify } from 'node:crypto'
import { describe, test } from 'node:test'
import { DependencyError } from '../../core/errors.ts'
import { NATIVE_SCHEMES } from './native-schemes.ts'
import type { OpensslFfi } from './openssl-ffi.ts'
import { openOpensslFfi } from './openssl-ffi.ts'
import { answersAreKnown } from './openssl-known-answers.ts'
import { openOpensslRoute } from './openssl-route.ts'
import type { ReadyMadeInput } from './ready-made-input.ts'

const MESSAGE = Buffer.from('message')
const digest = createHash('sha384').update(MESSAGE).digest()
const keys = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const what: ReadyMadeInput = {
  spec: 'ECC_NIST_P384',
  algorithm: 'ECDSA_SHA_384',
  input: digest,
}
const bound = (): OpensslFfi => {
  const openssl = openOpensslFfi()
  assert.ok(openssl)
  return openssl
}

describe('the route through OpenSSL', () => {
  test('many tasks share few threads, and every answer goes to the one who asked', async () => {
    const route = openOpensslRoute({ threads: 2, waiting: 100 })
    assert.ok(route)
    const messages = Array.from({ length: 40 }, (_, index) => Buffer.from(`message ${index}`))
    const signatures = await Promise.all(
      messages.map((message) =>
        route.sign(keys.privateKey, {
          ...what,
          input: createHash('sha384').update(message).digest(),
        }),
      ),
    )
    for (const [index, signature] of signatures.entries()) {
      assert.ok(verify('sha384', messages[index] ?? MESSAGE, keys.publicKey, signature))
    }
    await route.close()
  })

  test('tasks of all kinds, some of which fail, go over together and come back each for itself', async () => {
    const route = openOpensslRoute({ threads: 1, waiting: 100 })
    assert.ok(route)
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'SM2' })
    const plaintext = Buffer.from('plaintext')
    const ciphertext = await route.sm2Encrypt(publicKey, plaintext)
    const altered = ciphertext.map((byte, at) => (at === ciphertext.length - 1 ? byte ^ 1 : byte))
    const signature = await route.sign(keys.privateKey, what)
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => [
        route.sm2Decrypt(privateKey, ciphertext),
        route.sm2Decrypt(privateKey, altered),
        route.verify(keys.publicKey, what, signature),
        route.verify(keys.publicKey, { ...what, input: Buffer.alloc(48) }, signature),
      ]).flat(),
    )
    const expected = [new Uint8Array(plaintext), undefined, true, false]
    assert.deepEqual(
      answers.map((answer) => (answer instanceof Uint8Array ? new Uint8Array(answer) : answer)),
      Array.from({ length: 12 }, () => expected).flat(),
    )
    await route.close()
  })

  test('more tasks than may wait are refused, and the others are done', async () => {
    const route = openOpensslRoute({ threads: 1, waiting: 3 })
    assert.ok(route)
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => route.sign(keys.privateKey, what)),
    )
    const refused = results.filter((result) => result.status === 'rejected')
    assert.equal(refused.length, 6)
    for (const { reason } of refused) assert.ok(reason instanceof DependencyError)
    await route.close()
  })

  test('closing rejects what is under way, and nothing starts afterwards', async () => {
    const route = openOpensslRoute({ threads: 1, waiting: 10 })
    assert.ok(route)
    const pending = Array.from({ length: 3 }, () => route.sign(keys.privateKey, what))
    const settled = Promise.allSettled(pending)
    await route.close()
    for (const { status } of await settled) assert.equal(status, 'rejected')
    await assert.rejects(route.sign(keys.privateKey, what), DependencyError)
  })
})

describe('the known answers', () => {
  test('the binding of this process gives them', () => {
    assert.equal(answersAreKnown(bound()), true)
  })

  test('a binding that signs, verifies, encrypts or multiplies otherwise does not', () => {
    const good = bound()
    const flipped = (bytes: Uint8Array): Uint8Array => {
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
      return bytes
    }
    const bad: readonly Partial<OpensslFfi>[] = [
      { sign: (key, scheme, input) => flipped(good.sign(key, scheme, input)) },
      { sign: (key, _, input) => good.sign(key, NATIVE_SCHEMES.CURVE_DIGEST, input) },
      { verify: () => true },
      { verify: () => false },
      { encrypt: (key, input) => flipped(good.encrypt(key, input)) },
      { decrypt: () => undefined },
      { multiply: () => undefined },
      { multiply: (own, peer) => good.multiply(own, peer) ?? new Uint8Array(32) },
      { load: () => 0n },
    ]
    for (const [index, change] of bad.entries()) {
      assert.equal(answersAreKnown({ ...good, ...change }), false, `change ${index}`)
    }
  })

  test('a failed verification leaves no error behind for node:crypto to report', () => {
    const openssl = bound()
    const key = openssl.load(keys.publicKey)
    const junk = new Uint8Array(20).fill(0x30)
    assert.equal(openssl.verify(key, NATIVE_SCHEMES.CURVE_DIGEST, digest, junk), false)
    openssl.free(key)
    assert.equal(verify('sha384', MESSAGE, keys.publicKey, junk), false)
  })
})
