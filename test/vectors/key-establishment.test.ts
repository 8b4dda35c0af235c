import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { after, describe, test } from 'node:test'
import { Secret } from '../../src/core/secret.ts'
import { deriveSharedSecret } from '../../src/crypto/asymmetric/agreement.ts'
import { DER, der } from '../../src/crypto/asymmetric/der.ts'
import { decapsulate } from '../../src/crypto/asymmetric/encapsulation.ts'
import type { AsymmetricEncryptionAlgorithm } from '../../src/crypto/asymmetric/encryption.ts'
import { decrypt, plaintextBytesMax } from '../../src/crypto/asymmetric/encryption.ts'
import { acceptMaterial } from '../../src/crypto/asymmetric/import-material.ts'
import { unwrapPadded } from '../../src/crypto/asymmetric/import-wrapping.ts'
import type { AsymmetricSpec } from '../../src/crypto/asymmetric/key-algorithms.ts'
import { curveOf, isAsymmetricSpec } from '../../src/crypto/asymmetric/key-algorithms.ts'
import type { OpenKeyPair } from '../../src/crypto/asymmetric/key-pair.ts'
import { openKeyPair, parsePublicKey, publicKeyDer } from '../../src/crypto/asymmetric/key-pair.ts'
import { generateMac, isMacSpec, MAC_KEYS, verifyMac } from '../../src/crypto/mac.ts'
import { testEngine } from '../support/asymmetric-engine.ts'
import { hex, vectorFile } from '../support/vector-file.ts'

const engine = testEngine()
after(() => engine.readyMade.close())

const specOf = (name: unknown): AsymmetricSpec => {
  assert.ok(typeof name === 'string' && isAsymmetricSpec(name))
  return name
}
const bytes = (secret: Secret | undefined): Uint8Array | undefined =>
  secret && new Uint8Array(secret.expose())

/** PKCS#8 without the public key, from a scalar of any length. */
function pkcs8Of(spec: AsymmetricSpec, scalar: Uint8Array): Secret {
  const { curveOid, scalarBytes } = curveOf(spec)
  const fixed = new Uint8Array(scalarBytes)
  const digits = scalar.subarray(Math.max(0, scalar.length - scalarBytes))
  fixed.set(digits, scalarBytes - digits.length)
  const inner = der(DER.sequence, der(DER.integer, Uint8Array.of(1)), der(DER.octetString, fixed))
  const algorithm = der(
    DER.sequence,
    der(DER.oid, Buffer.from('2a8648ce3d0201', 'hex')),
    der(DER.oid, Buffer.from(curveOid, 'hex')),
  )
  return new Secret(
    der(DER.sequence, der(DER.integer, Uint8Array.of(0)), algorithm, der(DER.octetString, inner)),
  )
}

async function keyPairOf(spec: AsymmetricSpec, scalar: Uint8Array): Promise<OpenKeyPair> {
  const accepted = await acceptMaterial(engine, spec, pkcs8Of(spec, scalar))
  assert.ok(accepted)
  return openKeyPair(spec, accepted.material)
}

describe('Wycheproof key agreement', () => {
  for (const name of ['ecdh_secp256r1', 'ecdh_secp384r1', 'ecdh_secp521r1']) {
    test(`${name}: shared secrets, and refusal of other curves and points off the curve`, async () => {
      const file = vectorFile(`wycheproof/${name}`)
      const spec = specOf(file.spec)
      const seen = { derived: 0, refused: 0 }
      for (const { tests } of file.groups) {
        for (const vector of tests) {
          const peer = parsePublicKey(spec, hex(vector, 'public'))
          const hasOddForm = vector.flags?.some((flag) => ODD_FORMS.has(flag)) === true
          if (peer === undefined) {
            assert.ok(vector.result === 'invalid' || hasOddForm, `case ${vector.tcId}`)
            seen.refused++
            continue
          }
          assert.notEqual(vector.result, 'invalid', `case ${vector.tcId}: ${vector.comment}`)
          const key = await keyPairOf(spec, hex(vector, 'private'))
          const shared = await deriveSharedSecret(engine, key, peer)
          assert.deepEqual(bytes(shared), hex(vector, 'shared'), `case ${vector.tcId}`)
          seen.derived++
        }
      }
      assert.ok(seen.derived > 10 && seen.refused > 5, JSON.stringify(seen))
    })
  }
  /** Encodings that the suite calls acceptable; whether OpenSSL takes them is its business. */
  const ODD_FORMS = new Set(['InvalidAsn', 'UnnamedCurve', 'CompressedPoint', 'CompressedPublic'])
})

describe('Wycheproof ML-KEM', () => {
  for (const size of ['512', '768', '1024']) {
    test(`mlkem_${size}: decapsulation, implicit rejection, wrong lengths`, () => {
      const file = vectorFile(`wycheproof/mlkem_${size}`)
      const spec = specOf(file.spec)
      const level = { '512': '01', '768': '02', '1024': '03' }[size]
      const header = Buffer.from(`3054020100300b06096086480165030404${level}04428040`, 'hex')
      let decapsulated = 0
      for (const { tests } of file.groups) {
        for (const vector of tests) {
          const seed = hex(vector, 'seed')
          if (seed.length !== 64) {
            assert.equal(vector.result, 'invalid')
            continue
          }
          const key = openKeyPair(spec, new Secret(new Uint8Array(Buffer.concat([header, seed]))))
          if (typeof vector['ek'] === 'string' && vector['ek'] !== '') {
            assert.deepEqual(new Uint8Array(publicKeyDer(key).subarray(22)), hex(vector, 'ek'))
          }
          const shared = decapsulate(key, hex(vector, 'c'))
          if (vector.result === 'invalid') assert.equal(shared, undefined, `case ${vector.tcId}`)
          else {
            assert.deepEqual(bytes(shared), hex(vector, 'K'), `case ${vector.tcId}`)
            decapsulated++
          }
        }
      }
      assert.ok(decapsulated > 0)
    })
  }
})

describe('Wycheproof RSA-OAEP', () => {
  for (const name of [
    'rsa_oaep_2048_sha1_mgf1sha1',
    'rsa_oaep_2048_sha256_mgf1sha256',
    'rsa_oaep_3072_sha256_mgf1sha256',
    'rsa_oaep_4096_sha256_mgf1sha256',
  ]) {
    test(`${name}: plaintexts, and nothing for what is altered or labelled`, async () => {
      const file = vectorFile(`wycheproof/${name}`)
      const spec = specOf(file.spec)
      const algorithm: AsymmetricEncryptionAlgorithm =
        file.algorithm === 'RSAES_OAEP_SHA_1' ? 'RSAES_OAEP_SHA_1' : 'RSAES_OAEP_SHA_256'
      for (const group of file.groups) {
        const key = openKeyPair(spec, new Secret(hex(group, 'privateKey')))
        for (const vector of group.tests) {
          const plaintext = await decrypt(engine, key, algorithm, hex(vector, 'ct'))
          const expected = vector.result === 'valid' ? hex(vector, 'msg') : undefined
          assert.deepEqual(bytes(plaintext), expected, `case ${vector.tcId}: ${vector.comment}`)
        }
      }
    })
  }

  test('the plaintext limits are AWS’s', () => {
    const limits = (algorithm: AsymmetricEncryptionAlgorithm): unknown =>
      (['RSA_2048', 'RSA_3072', 'RSA_4096', 'SM2', 'ECC_NIST_P256'] as const).map((spec) =>
        plaintextBytesMax(spec, algorithm),
      )
    assert.deepEqual(limits('RSAES_OAEP_SHA_1'), [214, 342, 470, undefined, undefined])
    assert.deepEqual(limits('RSAES_OAEP_SHA_256'), [190, 318, 446, undefined, undefined])
    assert.deepEqual(limits('SM2PKE'), [undefined, undefined, undefined, 1024, undefined])
  })
})

for (const name of ['wycheproof/aes_kwp', 'cavp/aes_kwp_256']) {
  test(`${name}: AES key unwrap with padding`, () => {
    let refused = 0
    for (const { tests } of vectorFile(name).groups) {
      for (const vector of tests) {
        const unwrapped = unwrapPadded(new Secret(hex(vector, 'key')), hex(vector, 'ct'))
        const isValid = vector.result === 'valid'
        if (!isValid) refused++
        const expected = isValid ? hex(vector, 'msg') : undefined
        assert.deepEqual(bytes(unwrapped), expected, `case ${vector.tcId}: ${vector.comment}`)
      }
    }
    assert.ok(refused > 0)
  })
}

test('RFC 4231: HMAC, and a truncated one is none', () => {
  for (const group of vectorFile('published/hmac_rfc4231').groups) {
    const spec = group['spec']
    assert.ok(typeof spec === 'string' && isMacSpec(spec))
    for (const vector of group.tests) {
      const key = createSecretKey(hex(vector, 'key'))
      const message = hex(vector, 'msg')
      const mac = hex(vector, 'mac')
      const whole = generateMac(spec, key, message)
      assert.equal(whole.length, MAC_KEYS[spec].macBytes)
      assert.deepEqual(new Uint8Array(whole.subarray(0, mac.length)), mac, `case ${vector.tcId}`)
      const isWhole = mac.length === whole.length
      assert.equal(verifyMac(spec, key, { message, mac }), isWhole)
      const altered = whole.slice()
      altered[3] = (altered[3] ?? 0) ^ 1
      assert.equal(verifyMac(spec, key, { message, mac: altered }), false)
    }
  }
})

test('GB/T 32918.5: SM2 decrypts the example of the standard, and nothing that was altered', async () => {
  for (const group of vectorFile('published/sm2').groups) {
    const key = await keyPairOf('SM2', hex(group, 'privateKey'))
    const point = publicKeyDer(key).subarray(-65)
    assert.deepEqual(new Uint8Array(point), hex(group, 'publicKey'))
    for (const vector of group.tests.filter(({ kind }) => kind === 'ciphertext')) {
      const ciphertext = der(
        DER.sequence,
        der(DER.integer, hex(vector, 'x')),
        der(DER.integer, Uint8Array.of(0), hex(vector, 'y')),
        der(DER.octetString, hex(vector, 'tag')),
        der(DER.octetString, hex(vector, 'ct')),
      )
      const plaintext = await decrypt(engine, key, 'SM2PKE', ciphertext)
      assert.deepEqual(bytes(plaintext), hex(vector, 'msg'))
      for (let at = 0; at < ciphertext.length; at++) {
        const altered = ciphertext.slice()
        altered[at] = (altered[at] ?? 0) ^ 0x10
        assert.equal(await decrypt(engine, key, 'SM2PKE', altered), undefined, `byte ${at}`)
      }
    }
  }
})
