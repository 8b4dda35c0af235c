import assert from 'node:assert/strict'
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  verify as cryptoVerify,
  diffieHellman,
  hash as digestOf,
  generateKeyPairSync,
  privateDecrypt,
} from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { testEngine } from '../../../test/support/asymmetric-engine.ts'
import { Secret } from '../../core/secret.ts'
import { deriveSharedSecret } from './agreement.ts'
import { decapsulate, encapsulate } from './encapsulation.ts'
import { decrypt, encrypt } from './encryption.ts'
import type { AsymmetricSpec } from './key-algorithms.ts'
import { isAsymmetricSpec, KEY_ALGORITHMS } from './key-algorithms.ts'
import type { NewKeyPair, OpenKeyPair } from './key-pair.ts'
import { generateKeyPairOf, openKeyPair, parsePublicKey, publicKeyDer } from './key-pair.ts'
import type { SigningInput } from './signing.ts'
import { sign, verify } from './signing.ts'
import { SIGNING_ALGORITHMS, signingAlgorithmsOf } from './signing-algorithms.ts'

const engine = testEngine()
after(() => engine.readyMade.close())

const SPECS = Object.keys(KEY_ALGORITHMS).filter(isAsymmetricSpec)
const MESSAGE = Buffer.from('what is to be signed')
const made = new Map<AsymmetricSpec, NewKeyPair>()
const keys = new Map<AsymmetricSpec, OpenKeyPair>()
const keyOf = (spec: AsymmetricSpec): OpenKeyPair => {
  const key = keys.get(spec)
  assert.ok(key)
  return key
}

before(async () => {
  for (const spec of SPECS) {
    const pair = await generateKeyPairOf(spec, engine.gate)
    made.set(spec, pair)
    keys.set(spec, openKeyPair(spec, pair.material))
  }
})

describe('key pairs', () => {
  test('every spec gives PKCS#8 and the public key that belongs to it', () => {
    for (const [spec, { publicKey }] of made) {
      assert.deepEqual(publicKeyDer(keyOf(spec)), publicKey, spec)
      assert.ok(parsePublicKey(spec, publicKey), spec)
    }
  })

  test('what is stored is the form that the format describes', () => {
    const sizes = (family: string): unknown =>
      [...made]
        .filter(([spec]) => KEY_ALGORITHMS[spec].family === family)
        .map(([, { material, publicKey }]) => [material.sizeBytes, publicKey.length])
    const ml = (header: number, ...publicKeys: number[]): unknown =>
      publicKeys.map((bytes) => [header, bytes + 22])
    assert.deepEqual(sizes('ml-dsa'), ml(54, 1312, 1952, 2592))
    assert.deepEqual(sizes('ml-kem'), ml(86, 800, 1184, 1568))
    assert.deepEqual(sizes('ed25519'), [[48, 44]])
    assert.deepEqual(sizes('sm2'), [[138, 91]])
    assert.deepEqual(sizes('ec'), [
      [138, 91],
      [185, 120],
      [241, 158],
      [135, 88],
    ])
  })

  test('a public key of one spec is none of another', () => {
    for (const [spec, { publicKey }] of made) {
      for (const other of SPECS) {
        if (other !== spec) assert.equal(parsePublicKey(other, publicKey), undefined)
      }
    }
  })

  test('a public key that is cut, extended or off the curve is refused', () => {
    for (const [spec, { publicKey }] of made) {
      assert.equal(parsePublicKey(spec, publicKey.subarray(0, -1)), undefined, spec)
      assert.equal(parsePublicKey(spec, Buffer.concat([publicKey, Uint8Array.of(0)])), undefined)
      if (!('curve' in KEY_ALGORITHMS[spec])) continue
      const off = Uint8Array.from(publicKey)
      off[off.length - 1] = (off.at(-1) ?? 0) ^ 1
      assert.equal(parsePublicKey(spec, off), undefined, spec)
    }
    assert.equal(parsePublicKey('RSA_2048', new Uint8Array(0)), undefined)
    // The point at infinity: one zero byte in the place of the point.
    const infinity = Buffer.from('3019301306072a8648ce3d020106082a8648ce3d03010703020000', 'hex')
    assert.equal(parsePublicKey('ECC_NIST_P256', infinity), undefined)
  })

  test('material of another spec is a bug, not a key', () => {
    const p256 = made.get('ECC_NIST_P256')
    assert.ok(p256)
    assert.throws(() => openKeyPair('ECC_SECG_P256K1', p256.material), /key material/)
    assert.throws(() => openKeyPair('SM2', p256.material), /key material/)
  })
})

/** Every way in which a key of this spec signs the message. */
function* inputsOf(spec: AsymmetricSpec, key: OpenKeyPair): Generator<SigningInput> {
  for (const algorithm of signingAlgorithmsOf(spec)) {
    const { hash, messageBytes } = SIGNING_ALGORITHMS[algorithm]
    for (const messageType of messageBytes.keys()) {
      if (messageType === 'RAW') yield { algorithm, messageType, message: MESSAGE }
      else if (messageType === 'EXTERNAL_MU') {
        const shake = (...parts: Uint8Array[]): Buffer =>
          createHash('shake256', { outputLength: 64 }).update(Buffer.concat(parts)).digest()
        const tr = shake(publicKeyDer(key).subarray(22))
        yield { algorithm, messageType, message: shake(tr, Uint8Array.of(0, 0), MESSAGE) }
      } else if (hash === undefined) {
        yield { algorithm, messageType, message: createHash('sha512').update(MESSAGE).digest() }
      } else if (hash !== 'sm3') {
        yield { algorithm, messageType, message: createHash(hash).update(MESSAGE).digest() }
      }
    }
  }
}

/** What `node:crypto` itself says of a signature over the message; undefined where it cannot say. */
function independentVerdict(
  key: OpenKeyPair,
  { algorithm }: SigningInput,
  signature: Uint8Array,
): boolean | undefined {
  const { family, hash, padding } = SIGNING_ALGORITHMS[algorithm]
  if (family === 'sm2' || algorithm === 'ED25519_PH_SHA_512') return undefined
  const options =
    padding === 'pss'
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: KEY_HASH_BYTES[hash ?? ''] ?? 0 }
      : {}
  return cryptoVerify(hash ?? null, MESSAGE, { key: key.publicKey, ...options }, signature)
}
const KEY_HASH_BYTES: Readonly<Record<string, number>> = { sha256: 32, sha384: 48, sha512: 64 }

describe('signatures', () => {
  test('every spec signs with exactly the algorithms of AWS', () => {
    const count = (spec: AsymmetricSpec): number => signingAlgorithmsOf(spec).length
    assert.deepEqual(SPECS.map(count), [6, 6, 6, 1, 1, 1, 1, 1, 2, 1, 1, 1, 0, 0, 0])
    assert.deepEqual(signingAlgorithmsOf('ECC_SECG_P256K1'), ['ECDSA_SHA_256'])
  })

  for (const spec of SPECS.filter((name) => signingAlgorithmsOf(name).length > 0)) {
    test(`${spec}: what is signed verifies here and elsewhere, and nothing that was altered`, async () => {
      const key = keyOf(spec)
      for (const input of inputsOf(spec, key)) {
        const label = `${input.algorithm} ${input.messageType}`
        const signature = await sign(engine, key, input)
        assert.equal(await verify(engine, key, input, signature), true, label)
        assert.notEqual(independentVerdict(key, input, signature), false, label)
        const altered = Uint8Array.from(signature)
        altered[altered.length >> 1] = (altered[altered.length >> 1] ?? 0) ^ 1
        assert.equal(await verify(engine, key, input, altered), false, label)
        const other = { ...input, message: Uint8Array.from(input.message) }
        other.message[0] = (other.message[0] ?? 0) ^ 1
        assert.equal(await verify(engine, key, other, signature), false, label)
        assert.equal(await verify(engine, key, input, new Uint8Array(0)), false, label)
      }
    })
  }

  test('a digest of the wrong length and a foreign algorithm are bugs of the caller', async () => {
    const key = keyOf('ECC_NIST_P256')
    const message = new Uint8Array(31)
    const short = { algorithm: 'ECDSA_SHA_256', messageType: 'DIGEST', message } as const
    await assert.rejects(sign(engine, key, short), /right length/)
    const foreign = { algorithm: 'ECDSA_SHA_384', messageType: 'RAW', message } as const
    await assert.rejects(sign(engine, key, foreign), /signs with/)
  })

  test('an RSA signature without its leading zero byte is none, though OpenSSL takes it', async () => {
    const key = keyOf('RSA_2048')
    for (const algorithm of ['RSASSA_PSS_SHA_256', 'RSASSA_PKCS1_V1_5_SHA_256'] as const) {
      // One signature in 256 begins with a zero.
      for (let at = 0; ; at++) {
        assert.ok(at < 10_000, 'signatures begin with any byte')
        const message = digestOf('sha256', `message ${at}`, 'buffer')
        const input = { algorithm, messageType: 'DIGEST', message } as const
        const signature = await sign(engine, key, input)
        if (signature[0] !== 0) continue
        assert.equal(await verify(engine, key, input, signature), true)
        assert.equal(await verify(engine, key, input, signature.subarray(1)), false)
        break
      }
    }
  })

  test('SM2: RAW is SM3 with the distinguishing id, so another key’s signature never verifies', async () => {
    const input = { algorithm: 'SM2DSA', messageType: 'RAW', message: MESSAGE } as const
    const signature = await sign(engine, keyOf('SM2'), input)
    const { material } = await generateKeyPairOf('SM2', engine.gate)
    assert.equal(await verify(engine, openKeyPair('SM2', material), input, signature), false)
  })
})

describe('encryption', () => {
  test('RSA decrypts what it encrypts, up to the limit, and so does node:crypto', async () => {
    for (const [algorithm, oaepHash, bytes] of [
      ['RSAES_OAEP_SHA_1', 'sha1', 214],
      ['RSAES_OAEP_SHA_256', 'sha256', 190],
    ] as const) {
      const key = keyOf('RSA_2048')
      const plaintext = new Uint8Array(bytes).fill(7)
      const ciphertext = await encrypt(engine, key, algorithm, new Secret(plaintext.slice()))
      const ours = await decrypt(engine, key, algorithm, ciphertext)
      assert.deepEqual(ours && new Uint8Array(ours.expose()), plaintext)
      const padding = constants.RSA_PKCS1_OAEP_PADDING
      const theirs = privateDecrypt({ key: key.privateKey, oaepHash, padding }, ciphertext)
      assert.deepEqual(new Uint8Array(theirs), plaintext)
      const tooLong = new Secret(new Uint8Array(bytes + 1))
      await assert.rejects(encrypt(engine, key, algorithm, tooLong), /at most/)
      assert.equal(await decrypt(engine, key, algorithm, ciphertext.subarray(1)), undefined)
      assert.equal(await decrypt(engine, keyOf('RSA_3072'), algorithm, ciphertext), undefined)
    }
  })

  test('SM2 decrypts what it encrypts, from one byte to the limit; another key does not', async () => {
    const key = keyOf('SM2')
    for (const bytes of [1, 32, 1024]) {
      const plaintext = new Uint8Array(bytes).fill(9)
      const ciphertext = await encrypt(engine, key, 'SM2PKE', new Secret(plaintext.slice()))
      assert.equal(ciphertext[0], 0x30)
      const ours = await decrypt(engine, key, 'SM2PKE', ciphertext)
      assert.deepEqual(ours && new Uint8Array(ours.expose()), plaintext)
      const { material } = await generateKeyPairOf('SM2', engine.gate)
      const other = openKeyPair('SM2', material)
      assert.equal(await decrypt(engine, other, 'SM2PKE', ciphertext), undefined)
    }
  })
})

describe('key agreement and encapsulation', () => {
  for (const [spec, bytes] of [
    ['ECC_NIST_P256', 32],
    ['ECC_NIST_P384', 48],
    ['ECC_NIST_P521', 66],
    ['ECC_SECG_P256K1', 32],
    ['SM2', 32],
  ] as const) {
    test(`${spec}: both sides agree, and a peer of another curve is refused`, async () => {
      const key = keyOf(spec)
      const algorithm = KEY_ALGORITHMS[spec]
      const theirs = generateKeyPairSync('ec', { namedCurve: algorithm.curve })
      const peer = parsePublicKey(spec, theirs.publicKey.export({ type: 'spki', format: 'der' }))
      assert.ok(peer)
      const shared = await deriveSharedSecret(engine, key, peer)
      assert.ok(shared)
      assert.equal(shared.sizeBytes, bytes)
      if (spec !== 'SM2') {
        const back = diffieHellman({ privateKey: theirs.privateKey, publicKey: key.publicKey })
        assert.deepEqual(new Uint8Array(shared.expose()), new Uint8Array(back))
      } else {
        const own = new Secret(theirs.privateKey.export({ type: 'pkcs8', format: 'der' }))
        const back = await deriveSharedSecret(engine, openKeyPair(spec, own), key)
        assert.deepEqual(shared.expose(), back?.expose())
        // Of keys that it made itself, and of those alone, Node.js takes the curve of SM2 for any other.
        const generated = generateKeyPairSync('ec', { namedCurve: 'SM2' })
        const known = diffieHellman({
          privateKey: generated.privateKey,
          publicKey: theirs.publicKey,
        })
        const material = new Secret(generated.privateKey.export({ type: 'pkcs8', format: 'der' }))
        const ours = await deriveSharedSecret(engine, openKeyPair(spec, material), peer)
        assert.deepEqual(ours && new Uint8Array(ours.expose()), new Uint8Array(known))
      }
      const foreign = keyOf(spec === 'ECC_NIST_P256' ? 'ECC_NIST_P384' : 'ECC_NIST_P256')
      assert.equal(await deriveSharedSecret(engine, key, foreign), undefined)
    })
  }

  for (const spec of ['ML_KEM_512', 'ML_KEM_768', 'ML_KEM_1024'] as const) {
    test(`${spec}: both sides hold one secret; an altered ciphertext gives another, a cut one none`, () => {
      const key = keyOf(spec)
      const { sharedSecret, ciphertext } = encapsulate(key)
      assert.equal(ciphertext.length, KEY_ALGORITHMS[spec].ciphertextBytes)
      assert.equal(sharedSecret.sizeBytes, 32)
      assert.deepEqual(decapsulate(key, ciphertext)?.expose(), sharedSecret.expose())
      const altered = Uint8Array.from(ciphertext)
      altered[5] = (altered[5] ?? 0) ^ 1
      const rejected = decapsulate(key, altered)
      assert.equal(rejected?.sizeBytes, 32)
      assert.notDeepEqual(rejected?.expose(), sharedSecret.expose())
      assert.deepEqual(decapsulate(key, altered)?.expose(), rejected?.expose(), 'deterministic')
      assert.equal(decapsulate(key, ciphertext.subarray(1)), undefined)
      assert.equal(decapsulate(key, Buffer.concat([ciphertext, Uint8Array.of(0)])), undefined)
    })
  }
})

test('the stored form opens in node:crypto alone', () => {
  for (const [spec, { material, publicKey }] of made) {
    const key = createPrivateKey({
      key: Buffer.from(material.expose()),
      format: 'der',
      type: 'pkcs8',
    })
    const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
    assert.ok(spki.equals(publicKey), spec)
  }
})
