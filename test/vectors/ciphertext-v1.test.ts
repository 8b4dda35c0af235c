import assert from 'node:assert/strict'
import { createCipheriv, createHmac, createSecretKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { parseKeyId, parseKeyMaterialId } from '../../src/core/ids.ts'
import { Secret } from '../../src/core/secret.ts'
import {
  createMessageCipher,
  encryptionContextBytes,
  parseCiphertext,
} from '../../src/crypto/ciphertext.ts'
import { keyMaterialIdOf } from '../../src/crypto/key-material.ts'

// The vectors are checked twice: against the code of the program, and against the few lines below,
// which follow docs/formats/ciphertext-v1.md and share nothing with it.

interface Vector {
  readonly name: string
  readonly keyId: string
  readonly material: string
  readonly materialId: string
  readonly nonce: string
  readonly context: readonly (readonly [string, string])[]
  readonly contextBytes: string
  readonly plaintext: string
  readonly ciphertext: string
}
interface Refusal {
  readonly name: string
  readonly keyId: string
  readonly material: string
  readonly materialId: string
  readonly context: readonly (readonly [string, string])[]
  readonly ciphertext: string
}

const file = new URL('../../docs/formats/vectors/ciphertext-v1.json', import.meta.url)
// The repository's own file; a wrong shape fails the tests below.
const vectors: { readonly valid: readonly Vector[]; readonly refused: readonly Refusal[] } =
  JSON.parse(readFileSync(file, 'utf8'))

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const u32 = (value: number): Buffer => hex(value.toString(16).padStart(8, '0'))
const list = (fields: readonly string[]): Buffer =>
  Buffer.concat([
    u32(fields.length),
    ...fields.flatMap((field) => [u32(Buffer.byteLength(field)), Buffer.from(field)]),
  ])

const specMaterialId = (vector: Vector): string =>
  createHmac('sha256', hex(vector.material))
    .update(list(['strongroom key material id v1', vector.keyId]))
    .digest('hex')

const specContext = (vector: Vector): Buffer =>
  list(
    vector.context
      .toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .flatMap(([name, value]) => [name, value]),
  )

function specCiphertext(vector: Vector): string {
  const isMultiRegion = vector.keyId.startsWith('mrk-')
  const header = hex(
    '0102020001' +
      (isMultiRegion ? '01' : '00') +
      vector.keyId.replace('mrk-', '').replaceAll('-', '') +
      specMaterialId(vector).slice(0, 16) +
      vector.nonce,
  )
  const output = createHmac('sha512', hex(vector.material))
    .update(u32(1))
    .update('strongroom ciphertext v1')
    .update(Uint8Array.of(0))
    .update(header)
    .update(u32(352))
    .digest()
  const cipher = createCipheriv('aes-256-gcm', output.subarray(0, 32), output.subarray(32, 44))
  cipher.setAAD(Buffer.concat([header, specContext(vector)]))
  const body = Buffer.concat([cipher.update(hex(vector.plaintext)), cipher.final()])
  return Buffer.concat([header, body, cipher.getAuthTag()]).toString('hex')
}

const cipherOf = (vector: Refusal): ReturnType<typeof createMessageCipher> => {
  const keyId = parseKeyId(vector.keyId)
  const materialId = parseKeyMaterialId(vector.materialId)
  assert.ok(keyId !== undefined && materialId !== undefined)
  return createMessageCipher(keyId, materialId, createSecretKey(hex(vector.material)))
}

describe('vectors of ciphertext v1', () => {
  test('there are some of each', () => {
    assert.ok(vectors.valid.length >= 6)
    assert.ok(vectors.refused.length >= 8)
  })
  for (const vector of vectors.valid) {
    test(`${vector.name}: the specification gives these bytes`, () => {
      assert.equal(specMaterialId(vector), vector.materialId)
      assert.equal(specContext(vector).toString('hex'), vector.contextBytes)
      assert.equal(specCiphertext(vector), vector.ciphertext)
    })
    test(`${vector.name}: the program gives these bytes and opens them`, () => {
      const keyId = parseKeyId(vector.keyId)
      assert.ok(keyId !== undefined)
      const context = Object.fromEntries(vector.context)
      assert.equal(keyMaterialIdOf(keyId, new Secret(hex(vector.material))), vector.materialId)
      assert.deepEqual(encryptionContextBytes(context), hex(vector.contextBytes))
      const encrypted = cipherOf(vector).encrypt(
        new Secret(hex(vector.plaintext)),
        context,
        hex(vector.nonce),
      )
      assert.equal(Buffer.from(encrypted).toString('hex'), vector.ciphertext)
      const parsed = parseCiphertext(hex(vector.ciphertext))
      assert.ok(parsed !== undefined)
      assert.equal(parsed.keyId, vector.keyId)
      assert.equal(parsed.materialIdPrefix, vector.materialId.slice(0, 16))
      const plaintext = cipherOf(vector).decrypt(parsed, context)
      assert.ok(plaintext !== undefined)
      assert.deepEqual(plaintext.expose(), hex(vector.plaintext))
    })
  }
  for (const vector of vectors.refused) {
    test(`${vector.name}: refused`, () => {
      const parsed = parseCiphertext(hex(vector.ciphertext))
      const plaintext =
        parsed && cipherOf(vector).decrypt(parsed, Object.fromEntries(vector.context))
      assert.equal(plaintext, undefined)
    })
  }
})
