import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, describe, test } from 'node:test'
import { weierstrass } from '@noble/curves/abstract/weierstrass.js'
import { ml_kem512, ml_kem768, ml_kem1024 } from '@noble/post-quantum/ml-kem.js'
import { testEngine } from '../../../test/support/asymmetric-engine.ts'
import { DependencyError } from '../../core/errors.ts'
import { deriveSharedSecret } from './agreement.ts'
import { readAllDer } from './der.ts'
import { decapsulate, encapsulate } from './encapsulation.ts'
import type { AsymmetricEngine } from './engine.ts'
import type { AsymmetricSpec } from './key-algorithms.ts'
import { isAsymmetricSpec, KEY_ALGORITHMS } from './key-algorithms.ts'
import { generateKeyPairOf, openKeyPair, publicKeyDer } from './key-pair.ts'
import { nobleRoute } from './noble-route.ts'
import type { SigningInput } from './signing.ts'
import { sign, verify } from './signing.ts'
import { SIGNING_ALGORITHMS, signingAlgorithmsOf } from './signing-algorithms.ts'
import { sm2Digest } from './sm2-digest.ts'
import { sm2PointOf, sm2ScalarOf } from './sm2-keys.ts'

const openssl = testEngine()
after(() => openssl.readyMade.close())
const noble: AsymmetricEngine = { gate: openssl.gate, readyMade: nobleRoute() }

const opened = async (spec: AsymmetricSpec) =>
  openKeyPair(spec, (await generateKeyPairOf(spec, openssl.gate)).material)

describe('two implementations agree', () => {
  const specs = Object.keys(KEY_ALGORITHMS)
    .filter(isAsymmetricSpec)
    .filter((spec) => spec !== 'SM2' && signingAlgorithmsOf(spec).length > 0)
  for (const spec of specs) {
    test(`${spec}: a ready-made input that one signs, the other verifies`, async () => {
      const key = await opened(spec)
      for (const algorithm of signingAlgorithmsOf(spec)) {
        for (const [messageType, bytes] of SIGNING_ALGORITHMS[algorithm].messageBytes) {
          if (bytes === undefined) continue
          for (let round = 0; round < 4; round++) {
            const message: Uint8Array = createHash('shake256', { outputLength: bytes })
              .update(`${algorithm} ${round}`)
              .digest()
            const input: SigningInput = { algorithm, messageType, message }
            for (const [signer, verifier] of [
              [openssl, noble],
              [noble, openssl],
            ] as const) {
              const signature = await sign(signer, key, input)
              assert.equal(await verify(verifier, key, input, signature), true, algorithm)
              const altered = Uint8Array.from(signature)
              altered[altered.length >> 1] = (altered[altered.length >> 1] ?? 0) ^ 1
              assert.equal(await verify(noble, key, input, altered), false, algorithm)
              assert.equal(await verify(noble, key, input, new Uint8Array(3)), false)
            }
          }
        }
      }
    })
  }

  for (const [spec, theirs] of [
    ['ML_KEM_512', ml_kem512],
    ['ML_KEM_768', ml_kem768],
    ['ML_KEM_1024', ml_kem1024],
  ] as const) {
    test(`${spec}: encapsulated here and there, rejected alike`, async () => {
      const { material } = await generateKeyPairOf(spec, openssl.gate)
      const key = openKeyPair(spec, material)
      const other = theirs.keygen(material.expose().slice(-64))
      assert.deepEqual(new Uint8Array(publicKeyDer(key).subarray(22)), other.publicKey)
      const { sharedSecret, ciphertext } = encapsulate(key)
      assert.deepEqual(
        theirs.decapsulate(Uint8Array.from(ciphertext), other.secretKey),
        new Uint8Array(sharedSecret.expose()),
      )
      const { cipherText, sharedSecret: fromThere } = theirs.encapsulate(other.publicKey)
      const plain = (bytes: Uint8Array | undefined): Uint8Array => new Uint8Array(bytes ?? [])
      assert.deepEqual(plain(decapsulate(key, cipherText)?.expose()), fromThere)
      cipherText[0] = (cipherText[0] ?? 0) ^ 1
      assert.deepEqual(
        plain(decapsulate(key, cipherText)?.expose()),
        theirs.decapsulate(cipherText, other.secretKey),
      )
    })
  }
})

/** **Source:** GB/T 32918.5, section 2. */
const SM2 = weierstrass({
  p: 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn,
  n: 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n,
  h: 1n,
  a: 0xfffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffcn,
  b: 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n,
  Gx: 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n,
  Gy: 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n,
})
const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)

describe('SM2 against the arithmetic of another library', () => {
  // Source: GB/T 32918.2, section 7.1, steps B5 to B7.
  test('what SM2DSA signs satisfies the equation of the standard', async () => {
    const key = await opened('SM2')
    const n = SM2.Fn.ORDER
    for (let round = 0; round < 5; round++) {
      const message = Buffer.from(`message ${round}`)
      const input = { algorithm: 'SM2DSA', messageType: 'RAW', message } as const
      const signature = await sign(openssl, key, input)
      const [outer] = readAllDer(signature) ?? []
      const [r, s] =
        (outer && readAllDer(outer.content))?.map(({ content }) => toNumber(content)) ?? []
      assert.ok(r !== undefined && s !== undefined)
      const e = toNumber(sm2Digest(key.publicKey, message))
      const point = SM2.fromBytes(sm2PointOf(key.publicKey))
      const { x } = SM2.BASE.multiply(s)
        .add(point.multiply((r + s) % n))
        .toAffine()
      assert.equal((e + x) % n, r)
    }
  })

  test('a shared secret is the x of scalar times point', async () => {
    const [own, peer] = [await opened('SM2'), await opened('SM2')]
    const shared = await deriveSharedSecret(openssl, own, peer)
    const scalar = toNumber(sm2ScalarOf(own.privateKey).expose())
    const { x } = SM2.fromBytes(sm2PointOf(peer.publicKey)).multiply(scalar).toAffine()
    assert.equal(toNumber(shared?.expose() ?? new Uint8Array(1)), x)
  })

  test('without OpenSSL it is refused plainly', async () => {
    const key = await opened('SM2')
    const input = { algorithm: 'SM2DSA', messageType: 'RAW', message: Buffer.from('m') } as const
    await assert.rejects(sign(noble, key, input), DependencyError)
    await assert.rejects(verify(noble, key, input, new Uint8Array(70)), DependencyError)
  })
})
