import assert from 'node:assert/strict'
import type { KeyObject } from 'node:crypto'
import {
  constants,
  createCipheriv,
  createPublicKey,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
} from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { testEngine } from '../../../test/support/asymmetric-engine.ts'
import { Secret } from '../../core/secret.ts'
import { DER, der, readAllDer } from './der.ts'
import { encrypt } from './encryption.ts'
import { acceptMaterial, isImportable } from './import-material.ts'
import type { WrappingAlgorithm } from './import-wrapping.ts'
import { isWrappingAllowed, unwrapMaterial } from './import-wrapping.ts'
import type { AsymmetricSpec } from './key-algorithms.ts'
import { KEY_ALGORITHMS } from './key-algorithms.ts'
import type { OpenKeyPair } from './key-pair.ts'
import { generateKeyPairOf, openKeyPair } from './key-pair.ts'

const engine = testEngine()
after(() => engine.readyMade.close())

const secret = (bytes: Uint8Array): Secret => new Secret(Uint8Array.from(bytes))
const accept = (spec: string, bytes: Uint8Array) => acceptMaterial(engine, spec, secret(bytes))
const pkcs8 = (key: KeyObject): Buffer => key.export({ type: 'pkcs8', format: 'der' })
const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' })

describe('accepting material from outside', () => {
  test('symmetric material is 32 bytes, HMAC material from the hash to 128 bytes', async () => {
    for (const [spec, lengths] of Object.entries({
      SYMMETRIC_DEFAULT: { yes: [32], no: [0, 16, 31, 33] },
      HMAC_224: { yes: [28, 128], no: [27, 129] },
      HMAC_256: { yes: [32, 33, 128], no: [31, 129] },
      HMAC_384: { yes: [48, 128], no: [47, 129] },
      HMAC_512: { yes: [64, 128], no: [63, 129] },
    })) {
      for (const length of lengths.yes) {
        const bytes = randomBytes(length)
        const accepted = await accept(spec, bytes)
        assert.deepEqual(accepted?.material.expose(), new Uint8Array(bytes), `${spec} ${length}`)
        assert.equal(accepted.publicKey, undefined)
      }
      for (const length of lengths.no) {
        assert.equal(await accept(spec, randomBytes(length)), undefined, `${spec} ${length}`)
      }
    }
  })

  test('a private key is stored in one form and its public key is derived', async () => {
    for (const spec of [
      'RSA_2048',
      'ECC_NIST_P256',
      'ECC_NIST_P384',
      'ECC_NIST_P521',
      'ECC_SECG_P256K1',
      'SM2',
    ] as const) {
      const { material, publicKey } = await generateKeyPairOf(spec, engine.gate)
      const accepted = await accept(spec, material.expose())
      assert.deepEqual(
        accepted && new Uint8Array(accepted.material.expose()),
        new Uint8Array(material.expose()),
        spec,
      )
      assert.deepEqual(new Uint8Array(accepted?.publicKey ?? []), new Uint8Array(publicKey))
      assert.equal(isImportable(spec), true)
    }
  })

  test('a curve key without its public key, or with a compressed one, is the same key', async () => {
    for (const spec of ['ECC_NIST_P256', 'ECC_SECG_P256K1', 'SM2'] as const) {
      const { material } = await generateKeyPairOf(spec, engine.gate)
      const whole = new Uint8Array(material.expose())
      const { scalar, point } = partsOf(whole)
      const odd = ((point.at(-1) ?? 0) & 1) === 1 ? 3 : 2
      const compressed = Buffer.concat([Uint8Array.of(odd), point.subarray(1, 33)])
      for (const encoded of [curveKey(spec, scalar), curveKey(spec, scalar, compressed)]) {
        const accepted = await accept(spec, encoded)
        assert.deepEqual(accepted && new Uint8Array(accepted.material.expose()), whole, spec)
      }
    }
  })

  test('a public key that is another key’s is refused', async () => {
    for (const spec of ['ECC_NIST_P256', 'SM2'] as const) {
      const { material } = await generateKeyPairOf(spec, engine.gate)
      const other = await generateKeyPairOf(spec, engine.gate)
      const { scalar } = partsOf(material.expose())
      const { point } = partsOf(other.material.expose())
      assert.equal(await accept(spec, curveKey(spec, scalar, point)), undefined)
    }
  })

  test('scalars that are none, other curves and sizes, and what follows the key are refused', async () => {
    const zero = new Uint8Array(32)
    const beyond = new Uint8Array(32).fill(0xff)
    for (const scalar of [zero, beyond]) {
      assert.equal(await accept('ECC_NIST_P256', curveKey('ECC_NIST_P256', scalar)), undefined)
    }
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    for (const spec of ['ECC_NIST_P384', 'ECC_SECG_P256K1', 'SM2', 'RSA_2048']) {
      assert.equal(await accept(spec, pkcs8(privateKey)), undefined, spec)
    }
    assert.ok(await accept('ECC_NIST_P256', pkcs8(privateKey)))
    const extended = Buffer.concat([pkcs8(privateKey), Uint8Array.of(0)])
    assert.equal(await accept('ECC_NIST_P256', extended), undefined)
    assert.equal(await accept('ECC_NIST_P256', pkcs8(privateKey).subarray(0, -1)), undefined)
    assert.equal(await accept('ECC_NIST_P256', spki(createPublicKey(privateKey))), undefined)
    assert.equal(await accept('ECC_NIST_P256', new Uint8Array(0)), undefined)
  })

  test('explicit curve parameters are refused, private and public', async () => {
    const { privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      paramEncoding: 'explicit',
    })
    assert.ok(pkcs8(privateKey).length > 300, 'Node.js wrote the parameters out')
    assert.equal(await accept('ECC_NIST_P256', pkcs8(privateKey)), undefined)
  })

  test('RSA: another size, a small exponent and numbers that do not fit are refused', async () => {
    const rsa = (options: { modulusLength: number; publicExponent?: number }): Buffer =>
      pkcs8(generateKeyPairSync('rsa', options).privateKey)
    assert.equal(await accept('RSA_3072', rsa({ modulusLength: 2048 })), undefined)
    assert.equal(
      await accept('RSA_2048', rsa({ modulusLength: 2048, publicExponent: 3 })),
      undefined,
    )
    const good = rsa({ modulusLength: 2048 })
    assert.ok(await accept('RSA_2048', good))
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
    assert.equal(await accept('RSA_2048', withModulusOf(good, pkcs8(other.privateKey))), undefined)
  })

  test('what AWS does not import is refused', async () => {
    for (const spec of ['ECC_NIST_EDWARDS25519', 'ML_DSA_44', 'ML_KEM_768'] as const) {
      assert.equal(isImportable(spec), false)
      const { material } = await generateKeyPairOf(spec, engine.gate)
      assert.equal(await accept(spec, material.expose()), undefined)
    }
    assert.equal(isImportable('constructor'), false)
    assert.equal(await accept('constructor', new Uint8Array(32)), undefined)
  })
})

describe('unwrapping', () => {
  const wrappingKeys = new Map<string, OpenKeyPair>()
  before(async () => {
    for (const spec of ['RSA_2048', 'SM2'] as const) {
      const { material } = await generateKeyPairOf(spec, engine.gate)
      wrappingKeys.set(spec, openKeyPair(spec, material))
    }
  })
  const keyOf = (spec: string): OpenKeyPair => {
    const key = wrappingKeys.get(spec)
    assert.ok(key)
    return key
  }
  const oaep = (algorithm: WrappingAlgorithm, bytes: Uint8Array): Buffer =>
    publicEncrypt(
      {
        key: keyOf('RSA_2048').publicKey,
        padding: constants.RSA_PKCS1_OAEP_PADDING,
        oaepHash: algorithm.endsWith('_1') ? 'sha1' : 'sha256',
      },
      bytes,
    )
  const hybrid = (
    algorithm: WrappingAlgorithm,
    bytes: Uint8Array,
    aesKey = randomBytes(32),
  ): Buffer => {
    const name = aesKey.length === 32 ? 'id-aes256-wrap-pad' : 'id-aes128-wrap-pad'
    const cipher = createCipheriv(name, aesKey, Buffer.from('a65959a6', 'hex'))
    return Buffer.concat([oaep(algorithm, aesKey), cipher.update(bytes), cipher.final()])
  }

  for (const algorithm of [
    'RSAES_OAEP_SHA_1',
    'RSAES_OAEP_SHA_256',
    'RSA_AES_KEY_WRAP_SHA_1',
    'RSA_AES_KEY_WRAP_SHA_256',
  ] as const) {
    test(`${algorithm}: what was wrapped, and nothing of what was altered`, async () => {
      const isHybrid = algorithm.startsWith('RSA_AES')
      for (const bytes of isHybrid ? [1, 32, 1217] : [32, 128]) {
        const material = randomBytes(bytes)
        const wrapped = isHybrid ? hybrid(algorithm, material) : oaep(algorithm, material)
        const unwrapped = await unwrapMaterial(engine, keyOf('RSA_2048'), algorithm, wrapped)
        assert.deepEqual(unwrapped && new Uint8Array(unwrapped.expose()), new Uint8Array(material))
        for (const at of [0, 255, wrapped.length - 1]) {
          const altered = Uint8Array.from(wrapped)
          altered[at] = (altered[at] ?? 0) ^ 1
          assert.equal(
            await unwrapMaterial(engine, keyOf('RSA_2048'), algorithm, altered),
            undefined,
          )
        }
        for (const cut of [wrapped.subarray(1), wrapped.subarray(0, -8), new Uint8Array(0)]) {
          assert.equal(await unwrapMaterial(engine, keyOf('RSA_2048'), algorithm, cut), undefined)
        }
      }
    })
  }

  test('the other hash, and an AES key of 128 bits, unwrap nothing', async () => {
    const key = keyOf('RSA_2048')
    const material = randomBytes(32)
    const sha1 = oaep('RSAES_OAEP_SHA_1', material)
    assert.equal(await unwrapMaterial(engine, key, 'RSAES_OAEP_SHA_256', sha1), undefined)
    const short = hybrid('RSA_AES_KEY_WRAP_SHA_256', material, randomBytes(16))
    assert.equal(await unwrapMaterial(engine, key, 'RSA_AES_KEY_WRAP_SHA_256', short), undefined)
  })

  test('SM2PKE: what was wrapped', async () => {
    const material = new Uint8Array(32).fill(3)
    const wrapped = await encrypt(engine, keyOf('SM2'), 'SM2PKE', secret(material))
    const unwrapped = await unwrapMaterial(engine, keyOf('SM2'), 'SM2PKE', wrapped)
    assert.deepEqual(unwrapped && new Uint8Array(unwrapped.expose()), material)
  })

  test('which material comes wrapped how is AWS’s table', () => {
    assert.equal(isWrappingAllowed('RSA_2048', 'RSA_4096', 'RSAES_OAEP_SHA_256'), false)
    assert.equal(isWrappingAllowed('RSA_2048', 'RSA_2048', 'RSA_AES_KEY_WRAP_SHA_256'), true)
    assert.equal(isWrappingAllowed('ECC_NIST_P521', 'RSA_2048', 'RSAES_OAEP_SHA_1'), false)
    assert.equal(isWrappingAllowed('ECC_NIST_P521', 'RSA_3072', 'RSAES_OAEP_SHA_1'), true)
    assert.equal(isWrappingAllowed('SYMMETRIC_DEFAULT', 'SM2', 'SM2PKE'), true)
    assert.equal(isWrappingAllowed('SYMMETRIC_DEFAULT', 'SM2', 'RSAES_OAEP_SHA_256'), false)
    assert.equal(isWrappingAllowed('SYMMETRIC_DEFAULT', 'RSA_2048', 'SM2PKE'), false)
  })
})

/** The scalar and the point inside PKCS#8 as it is stored. */
function partsOf(bytes: Uint8Array): { readonly scalar: Uint8Array; readonly point: Uint8Array } {
  const inside = (from: Uint8Array | undefined, index: number): Uint8Array => {
    const element = from && readAllDer(from)?.[index]
    assert.ok(element)
    return element.content
  }
  const key = inside(inside(inside(bytes, 0), 2), 0)
  return { scalar: inside(key, 1), point: inside(inside(key, 2), 0).subarray(1) }
}

/** PKCS#8 of a curve, with a public key only where one is given. */
function curveKey(spec: AsymmetricSpec, scalar: Uint8Array, point?: Uint8Array): Uint8Array {
  const algorithm = KEY_ALGORITHMS[spec]
  assert.ok('curve' in algorithm)
  const publicPart =
    point === undefined ? [] : [der(DER.context1, der(DER.bitString, Uint8Array.of(0), point))]
  const inner = der(
    DER.sequence,
    der(DER.integer, Uint8Array.of(1)),
    der(DER.octetString, scalar),
    ...publicPart,
  )
  const identifier = der(
    DER.sequence,
    der(DER.oid, Buffer.from('2a8648ce3d0201', 'hex')),
    der(DER.oid, Buffer.from(algorithm.curveOid, 'hex')),
  )
  return der(
    DER.sequence,
    der(DER.integer, Uint8Array.of(0)),
    identifier,
    der(DER.octetString, inner),
  )
}

/** A private RSA key with the modulus of another: the numbers do not fit together. */
function withModulusOf(one: Uint8Array, other: Uint8Array): Uint8Array {
  const elements = (from: Uint8Array) => readAllDer(from) ?? []
  const inner = (from: Uint8Array) => {
    const [, algorithm, octets] = elements(elements(from)[0]?.content ?? from)
    assert.ok(algorithm && octets)
    const numbers = elements(elements(octets.content)[0]?.content ?? from)
    return { algorithm, numbers }
  }
  const { algorithm, numbers } = inner(one)
  const mixed = numbers.map((number, index) => (index === 1 ? inner(other).numbers[1] : number))
  const key = der(
    DER.sequence,
    ...mixed.map((number) => der(DER.integer, number?.content ?? new Uint8Array(0))),
  )
  return der(
    DER.sequence,
    der(DER.integer, Uint8Array.of(0)),
    der(DER.sequence, algorithm.content),
    der(DER.octetString, key),
  )
}
