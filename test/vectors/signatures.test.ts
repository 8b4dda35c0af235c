import assert from 'node:assert/strict'
import { createHash, createPublicKey, verify as cryptoVerify } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { Secret } from '../../src/core/secret.ts'
import { DER, der } from '../../src/crypto/asymmetric/der.ts'
import type { AsymmetricSpec } from '../../src/crypto/asymmetric/key-algorithms.ts'
import { curveOf, isAsymmetricSpec } from '../../src/crypto/asymmetric/key-algorithms.ts'
import type { OpenPublicKey } from '../../src/crypto/asymmetric/key-pair.ts'
import { openKeyPair, parsePublicKey } from '../../src/crypto/asymmetric/key-pair.ts'
import { sign, verify } from '../../src/crypto/asymmetric/signing.ts'
import type { SigningAlgorithm } from '../../src/crypto/asymmetric/signing-algorithms.ts'
import {
  SIGNING_ALGORITHMS,
  signingAlgorithmsOf,
} from '../../src/crypto/asymmetric/signing-algorithms.ts'
import { sm2Digest } from '../../src/crypto/asymmetric/sm2-digest.ts'
import { testEngine } from '../support/asymmetric-engine.ts'
import type { VectorCase } from '../support/vector-file.ts'
import { hex, vectorFile } from '../support/vector-file.ts'

const engine = testEngine()
after(() => engine.readyMade.close())

const specOf = (name: unknown): AsymmetricSpec => {
  assert.ok(typeof name === 'string' && isAsymmetricSpec(name))
  return name
}
const algorithmOf = (spec: AsymmetricSpec, name: unknown): SigningAlgorithm => {
  const found = signingAlgorithmsOf(spec).find((algorithm) => algorithm === name)
  assert.ok(found)
  return found
}
const publicKeyOf = (spec: AsymmetricSpec, spki: Uint8Array): OpenPublicKey => {
  const key = parsePublicKey(spec, spki)
  assert.ok(key)
  return key
}
const hashOf = (algorithm: SigningAlgorithm, message: Uint8Array): Uint8Array | undefined => {
  const { hash } = SIGNING_ALGORITHMS[algorithm]
  return hash && createHash(hash).update(message).digest()
}

/** Verifies a case by its message and, where the algorithm takes one, by its digest. */
async function verdicts(
  key: OpenPublicKey,
  algorithm: SigningAlgorithm,
  vector: VectorCase,
): Promise<readonly boolean[]> {
  const message = hex(vector, 'msg')
  const signature = hex(vector, 'sig')
  const raw = await verify(engine, key, { algorithm, messageType: 'RAW', message }, signature)
  const digest = hashOf(algorithm, message)
  if (digest === undefined) return [raw]
  const input = { algorithm, messageType: 'DIGEST', message: digest } as const
  return [raw, await verify(engine, key, input, signature)]
}

describe('Wycheproof signatures', () => {
  const files = readdirSync(new URL('wycheproof/', import.meta.url))
    .map((name) => name.replace('.json', ''))
    .filter((name) => /^(ecdsa|ed25519|rsa_signature|rsa_pss|mldsa_.*_verify)/.test(name))

  test('there are files of every family', () => assert.ok(files.length >= 15))

  for (const name of files) {
    test(`${name}: as the suite says, by message and by digest`, async () => {
      const file = vectorFile(`wycheproof/${name}`)
      const spec = specOf(file.spec)
      const algorithm = algorithmOf(spec, file.algorithm)
      for (const group of file.groups) {
        const key = parsePublicKey(spec, hex(group, 'publicKey'))
        for (const vector of group.tests) {
          // Valid with a context, or with another salt length, is not valid here: the service has neither.
          const isOurs = vector['ctx'] === undefined || vector['ctx'] === ''
          const expected = vector.result === 'valid' && isOurs && file.note === undefined
          if (key === undefined) {
            assert.equal(expected, false, `case ${vector.tcId}: the public key is refused`)
            continue
          }
          for (const verdict of await verdicts(key, algorithm, vector)) {
            assert.equal(verdict, expected, `case ${vector.tcId}: ${vector.comment}`)
          }
        }
      }
    })
  }
})

describe('ML-DSA with a message representative from outside', () => {
  for (const size of ['44', '65', '87']) {
    test(`ML_DSA_${size}: mu and message verify as each other`, async () => {
      const file = vectorFile(`wycheproof/mldsa_${size}_sign_seed`)
      const algorithm = 'ML_DSA_SHAKE_256'
      let messages = 0
      for (const group of file.groups) {
        const key = openKeyPair(specOf(file.spec), new Secret(hex(group, 'privateKey')))
        const raw = key.publicKey.export({ type: 'spki', format: 'der' })
        assert.ok(raw.subarray(22).equals(hex(group, 'publicKey')), 'the seed gives the key')
        for (const vector of group.tests) {
          const byMu = {
            algorithm,
            messageType: 'EXTERNAL_MU',
            message: hex(vector, 'mu'),
          } as const
          const published = hex(vector, 'sig')
          assert.equal(await verify(engine, key, byMu, published), true)
          const ours = await sign(engine, key, byMu)
          assert.equal(ours.length, published.length)
          assert.equal(await verify(engine, key, byMu, ours), true)
          // Some cases of the suite give no message: mu stands for one that nobody knows.
          if (vector['msg'] === undefined) continue
          const byMessage = { algorithm, messageType: 'RAW', message: hex(vector, 'msg') } as const
          messages++
          assert.equal(await verify(engine, key, byMessage, published), true)
          assert.equal(await verify(engine, key, byMessage, ours), true)
          const back = await sign(engine, key, byMessage)
          assert.equal(await verify(engine, key, byMu, back), true)
          // Mu that is taken for a message would be hashed once more: the silent mistake to catch.
          assert.equal(cryptoVerify(null, byMu.message, key.publicKey, ours), false)
        }
      }
      assert.ok(messages > 0, 'some cases give the message, too')
    })
  }
})

test('NIST: ECDSA SigVer of FIPS 186-3, by message and by digest', async () => {
  for (const group of vectorFile('cavp/ecdsa_sigver').groups) {
    const spec = specOf(group['spec'])
    const algorithm = algorithmOf(spec, group['algorithm'])
    for (const vector of group.tests) {
      const key = parsePublicKey(spec, curveSpki(spec, vector))
      // A changed public key may be no point of the curve at all.
      if (key === undefined) assert.equal(vector.result, 'invalid')
      else {
        const signature = signatureDer(
          padded(vector, 'r', curveOf(spec).scalarBytes),
          padded(vector, 's', curveOf(spec).scalarBytes),
        )
        const input = { ...vector, sig: Buffer.from(signature).toString('hex') }
        for (const verdict of await verdicts(key, algorithm, input)) {
          assert.equal(verdict, vector.result === 'valid', `${spec} case ${vector.tcId}`)
        }
      }
    }
  }
})

/** The NIST files pad nothing and P-521 has odd lengths in hex. */
const padded = (vector: VectorCase, member: string, bytes: number): Uint8Array => {
  const value = vector[member]
  assert.ok(typeof value === 'string')
  const out = new Uint8Array(bytes)
  const raw = Buffer.from(value.length % 2 === 0 ? value : `0${value}`, 'hex')
  out.set(
    raw.length > bytes ? raw.subarray(raw.length - bytes) : raw,
    Math.max(0, bytes - raw.length),
  )
  return out
}

function curveSpki(spec: AsymmetricSpec, vector: VectorCase): Uint8Array {
  const { curveOid, scalarBytes } = curveOf(spec)
  const point = Buffer.concat([
    Uint8Array.of(0, 4),
    padded(vector, 'x', scalarBytes),
    padded(vector, 'y', scalarBytes),
  ])
  return spkiOf(curveOid, point)
}

const spkiOf = (curveOid: string, point: Uint8Array): Uint8Array =>
  der(
    DER.sequence,
    der(
      DER.sequence,
      der(DER.oid, Buffer.from('2a8648ce3d0201', 'hex')),
      der(DER.oid, Buffer.from(curveOid, 'hex')),
    ),
    der(DER.bitString, point),
  )

function signatureDer(r: Uint8Array, s: Uint8Array): Uint8Array {
  const integer = (bytes: Uint8Array): Uint8Array => {
    const start = bytes.findIndex((byte) => byte !== 0)
    const digits = bytes.subarray(Math.max(start, 0))
    return (digits[0] ?? 0) >= 0x80
      ? der(DER.integer, Uint8Array.of(0), digits)
      : der(DER.integer, digits)
  }
  return der(DER.sequence, integer(r), integer(s))
}

test('RFC 8032: Ed25519ph signs the message, whose prehash is its own', async () => {
  for (const group of vectorFile('published/ed25519ph').groups) {
    for (const vector of group.tests) {
      const pkcs8 = Buffer.from(`302e020100300506032b657004220420${String(vector['seed'])}`, 'hex')
      const spec = 'ECC_NIST_EDWARDS25519'
      const key = openKeyPair(spec, new Secret(new Uint8Array(pkcs8)))
      const input = { spec, algorithm: 'ED25519_PH_SHA_512', input: hex(vector, 'msg') } as const
      const signature = await engine.readyMade.sign(key.privateKey, input)
      assert.deepEqual(new Uint8Array(signature), hex(vector, 'sig'))
      assert.equal(await engine.readyMade.verify(key.publicKey, input, signature), true)
      // Node.js ignores the option for it and signs plain Ed25519: this is not that signature.
      assert.equal(cryptoVerify(null, input.input, key.publicKey, signature), false)
    }
  }
})

test('GB/T 32918.5: SM2 digest and signature', async () => {
  for (const group of vectorFile('published/sm2').groups) {
    const { curveOid } = curveOf('SM2')
    const point = Buffer.concat([Uint8Array.of(0), hex(group, 'publicKey')])
    const spki = spkiOf(curveOid, point)
    const key = publicKeyOf('SM2', spki)
    const [digest, signed] = group.tests
    assert.ok(digest && signed)
    assert.deepEqual(
      new Uint8Array(sm2Digest(key.publicKey, hex(digest, 'msg'))),
      hex(digest, 'digest'),
    )
    const signature = signatureDer(hex(signed, 'r'), hex(signed, 's'))
    for (const input of [
      { algorithm: 'SM2DSA', messageType: 'RAW', message: hex(signed, 'msg') },
      { algorithm: 'SM2DSA', messageType: 'DIGEST', message: hex(digest, 'digest') },
    ] as const) {
      assert.equal(await verify(engine, key, input, signature), true)
      const altered = signature.slice()
      altered[20] = (altered[20] ?? 0) ^ 1
      assert.equal(await verify(engine, key, input, altered), false)
    }
    // The public key that the tests use is the one that the private key of the standard has.
    assert.equal(
      createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }).type,
      'public',
    )
  }
})
