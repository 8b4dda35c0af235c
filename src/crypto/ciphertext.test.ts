import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import type { KeyId, KeyMaterialId } from '../core/ids.ts'
import { parseKeyId, parseKeyMaterialId } from '../core/ids.ts'
import type { EncryptionContext } from '../core/key-store.ts'
import { Secret } from '../core/secret.ts'
import type { MessageCipher } from './ciphertext.ts'
import { createMessageCipher, encryptionContextBytes, parseCiphertext } from './ciphertext.ts'

const known = <T>(value: T | undefined): T => {
  assert.ok(value !== undefined)
  return value
}
const UUID: KeyId = known(parseKeyId('1234abcd-12ab-34cd-56ef-1234567890ab'))
const MRK: KeyId = known(parseKeyId('mrk-1234abcd12ab34cd56ef1234567890ab'))
const MATERIAL_ID: KeyMaterialId = known(parseKeyMaterialId('0123456789abcdef'.repeat(4)))
const MATERIAL = new Uint8Array(32).fill(7)

const cipherOf = (keyId = UUID, materialId = MATERIAL_ID, material = MATERIAL): MessageCipher =>
  createMessageCipher(keyId, materialId, createSecretKey(material))
const nonce = (): Uint8Array => new Uint8Array(randomBytes(16))
const encrypt = (
  plaintext: Uint8Array,
  context: EncryptionContext = {},
  cipher = cipherOf(),
): Uint8Array => cipher.encrypt(new Secret(plaintext.slice()), context, nonce())
const decrypt = (
  bytes: Uint8Array,
  context: EncryptionContext = {},
  cipher = cipherOf(),
): Uint8Array | undefined => {
  const parsed = parseCiphertext(bytes)
  const secret = parsed && cipher.decrypt(parsed, context)
  return secret && new Uint8Array(secret.expose())
}

const plaintexts = fc.uint8Array({ maxLength: 300 })
const contexts: fc.Arbitrary<EncryptionContext> = fc.dictionary(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'binary' }),
  { maxKeys: 5 },
)

describe('ciphertext v1', () => {
  test('what was encrypted decrypts with the same context', () => {
    fc.assert(
      fc.property(plaintexts, contexts, (plaintext, context) => {
        const bytes = encrypt(plaintext, context)
        assert.equal(bytes.length, plaintext.length + 62)
        assert.deepEqual(decrypt(bytes, context), new Uint8Array(plaintext))
      }),
    )
  })

  test('the order in which a context was written does not matter', () => {
    fc.assert(
      fc.property(contexts, (context) => {
        const reversed = Object.fromEntries(Object.entries(context).toReversed())
        assert.ok(decrypt(encrypt(MATERIAL, context), reversed))
      }),
    )
  })

  test('a flipped bit anywhere never decrypts', () => {
    const bytes = encrypt(MATERIAL, { a: 'b' })
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const altered = bytes.slice()
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.equal(decrypt(altered, { a: 'b' }), undefined, `bit ${bit}`)
    }
  })

  test('a ciphertext that was cut, extended or spliced never decrypts', () => {
    fc.assert(
      fc.property(plaintexts, fc.nat(), fc.uint8Array({ minLength: 1 }), (plaintext, at, extra) => {
        const bytes = encrypt(plaintext)
        const cut = at % bytes.length
        assert.equal(decrypt(bytes.subarray(0, cut)), undefined)
        assert.equal(decrypt(bytes.subarray(cut + 1)), undefined)
        assert.equal(decrypt(Uint8Array.of(...bytes, ...extra)), undefined)
        assert.equal(decrypt(Uint8Array.of(...bytes.subarray(0, cut), ...extra)), undefined)
      }),
    )
  })

  test('a context that differs in anything never decrypts', () => {
    fc.assert(
      fc.property(contexts, contexts, (one, other) => {
        const same =
          Buffer.compare(encryptionContextBytes(one), encryptionContextBytes(other)) === 0
        assert.equal(decrypt(encrypt(MATERIAL, one), other) !== undefined, same)
      }),
    )
    const bytes = encrypt(MATERIAL, { ab: 'c' })
    for (const other of [
      {},
      { a: 'bc' },
      { ab: 'C' },
      { AB: 'c' },
      { ab: 'c', d: '' },
      { c: 'ab' },
    ]) {
      assert.equal(decrypt(bytes, other), undefined)
    }
  })

  test('another key id, material id or backing key never decrypts', () => {
    const bytes = encrypt(MATERIAL)
    assert.ok(decrypt(bytes))
    assert.equal(
      decrypt(bytes, {}, cipherOf(UUID, MATERIAL_ID, new Uint8Array(32).fill(8))),
      undefined,
    )
    const otherId = known(parseKeyMaterialId('f'.repeat(64)))
    const renamed = bytes.slice()
    renamed.set(Buffer.from(otherId.slice(0, 16), 'hex'), 22)
    assert.equal(decrypt(renamed, {}, cipherOf(UUID, otherId)), undefined)
    const moved = bytes.slice()
    moved[6] = 0
    const neighbour = known(parseCiphertext(moved)).keyId
    assert.equal(decrypt(moved, {}, cipherOf(neighbour)), undefined)
  })

  test('a header names its key, and base64 begins AQIC', () => {
    for (const keyId of [UUID, MRK]) {
      const bytes = encrypt(MATERIAL, {}, cipherOf(keyId))
      const parsed = known(parseCiphertext(bytes))
      assert.equal(parsed.keyId, keyId)
      assert.equal(parsed.kind, 'software')
      assert.equal(parsed.materialIdPrefix, MATERIAL_ID.slice(0, 16))
      assert.ok(Buffer.from(bytes).toString('base64').startsWith('AQIC'))
    }
  })

  test('a UUID and a multi-Region key of the same digits do not open each other’s ciphertexts', () => {
    const bytes = encrypt(MATERIAL, {}, cipherOf(UUID))
    bytes[5] = 1
    assert.equal(known(parseCiphertext(bytes)).keyId, MRK)
    assert.equal(decrypt(bytes, {}, cipherOf(MRK)), undefined)
  })

  test('parsing never throws and takes only the format', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.equal(parseCiphertext(bytes), undefined)
      }),
    )
    const bytes = encrypt(MATERIAL)
    for (const [at, value] of [
      [0, 2],
      [3, 1],
      [4, 0],
      [4, 4],
      [5, 2],
    ] as const) {
      const altered = bytes.slice()
      altered[at] = value
      assert.equal(parseCiphertext(altered), undefined)
    }
    assert.equal(parseCiphertext(new Uint8Array([...bytes, ...new Uint8Array(8300)])), undefined)
  })

  test('4,096 bytes stay within the bound of the API, 8,192 are the limit', () => {
    assert.ok(encrypt(new Uint8Array(4096)).length <= 6144)
    const largest = new Uint8Array(8192)
    assert.deepEqual(decrypt(encrypt(largest)), largest)
    assert.throws(() => encrypt(new Uint8Array(8193)), /at most 8,192/)
  })

  test('the same message under another nonce shares no byte pattern', () => {
    const first = encrypt(MATERIAL)
    const second = encrypt(MATERIAL)
    assert.notDeepEqual(first.subarray(46), second.subarray(46))
  })

  test('a nonce of another length is a bug', () => {
    assert.throws(() => cipherOf().encrypt(new Secret(MATERIAL.slice()), {}, new Uint8Array(12)))
  })
})

describe('encryption context', () => {
  test('pairs are sorted by the bytes of their names in UTF-8', () => {
    fc.assert(
      fc.property(contexts, (context) => {
        const names: Buffer[] = []
        const bytes = Buffer.from(encryptionContextBytes(context))
        let offset = 4
        for (let i = 0; i < bytes.readUInt32BE(0); i++) {
          const size = bytes.readUInt32BE(offset)
          if (i % 2 === 0) names.push(bytes.subarray(offset + 4, offset + 4 + size))
          offset += 4 + size
        }
        assert.equal(offset, bytes.length)
        assert.deepEqual(
          names,
          names.toSorted((a, b) => Buffer.compare(a, b)),
        )
      }),
    )
    // U+FF5E sorts before U+1F600 in UTF-8 and behind it in UTF-16.
    const bytes = Buffer.from(encryptionContextBytes({ '\u{1F600}': '1', '\uFF5E': '2' }))
    assert.ok(bytes.indexOf('\uFF5E') < bytes.indexOf('\u{1F600}'))
  })

  test('text that is not well-formed has no encoding', () => {
    assert.throws(() => encryptionContextBytes({ a: '\uD800' }), /well-formed/)
    assert.throws(() => encryptionContextBytes({ '\uDC00': '' }), /well-formed/)
  })
})
