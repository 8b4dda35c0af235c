import assert from 'node:assert/strict'
import { createPrivateKey, diffieHellman, generateKeyPairSync, randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  DecapsulateCommand,
  DeriveSharedSecretCommand,
  EncapsulateCommand,
  GetPublicKeyCommand,
  type KMSClient,
} from '@aws-sdk/client-kms'
import { ml_kem512, ml_kem768, ml_kem1024 } from '@noble/post-quantum/ml-kem.js'
import {
  ACCOUNT,
  CHINA,
  kmsClient,
  newKey,
  parsedPublicKey,
  present,
  publicKeyOf,
} from '../support/kms-client.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { sm2Agreement } from '../support/sm2-arithmetic.ts'
import { materialOf } from '../support/stored-material.ts'
import { blob, createKey, refused, WireClient } from '../support/wire-client.ts'

let node: MemoryNode
let kms: KMSClient
let china: KMSClient
let wire: WireClient

before(async () => {
  node = await startMemoryNode()
  kms = kmsClient(node.endpoint)
  china = kmsClient(node.endpoint, CHINA)
  wire = new WireClient(node.endpoint, ACCOUNT)
})

after(async () => {
  for (const client of [kms, china]) client.destroy()
  wire.close()
  await node.close()
})

const derive = (client: KMSClient, keyId: string, publicKey: Uint8Array) =>
  client.send(
    new DeriveSharedSecretCommand({
      KeyId: keyId,
      KeyAgreementAlgorithm: 'ECDH',
      PublicKey: publicKey,
    }),
  )

/** A peer's key pair: SubjectPublicKeyInfo and what it was made of. */
function newPeer(namedCurve: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
  return { privateKey, spki: publicKey.export({ type: 'spki', format: 'der' }) }
}

/** Source: AWS KMS API Reference, DeriveSharedSecret. Unit of the length: bytes. */
const CURVES = [
  ['ECC_NIST_P256', 'prime256v1', 32],
  ['ECC_NIST_P384', 'secp384r1', 48],
  ['ECC_NIST_P521', 'secp521r1', 66],
] as const

describe('DeriveSharedSecret', () => {
  for (const [spec, curve, bytes] of CURVES) {
    test(`${spec}: both sides have the same secret`, async () => {
      const keyId = await newKey(kms, spec, 'KEY_AGREEMENT')
      const publicKey = parsedPublicKey(await publicKeyOf(kms, keyId))
      // More than one, so that a secret with a leading zero byte comes by now and then.
      for (let round = 0; round < 4; round++) {
        const peer = newPeer(curve)
        const reply = await derive(kms, keyId, peer.spki)
        const theirs = diffieHellman({ privateKey: peer.privateKey, publicKey })
        assert.deepEqual(Buffer.from(present(reply.SharedSecret)), theirs)
        assert.equal(theirs.length, bytes)
        assert.deepEqual(
          [reply.KeyId, reply.KeyAgreementAlgorithm, reply.KeyOrigin, reply.CiphertextForRecipient],
          [keyId, 'ECDH', 'AWS_KMS', undefined],
        )
      }
      const exported = await kms.send(new GetPublicKeyCommand({ KeyId: keyId }))
      assert.deepEqual(exported.KeyAgreementAlgorithms, ['ECDH'])
      assert.equal(exported.SigningAlgorithms, undefined)
      const other = await newKey(kms, spec, 'KEY_AGREEMENT')
      assert.deepEqual(
        (await derive(kms, keyId, await publicKeyOf(kms, other))).SharedSecret,
        (await derive(kms, other, await publicKeyOf(kms, keyId))).SharedSecret,
      )
    })
  }

  test('SM2, in China: the secret of its arithmetic', async () => {
    const keyId = await newKey(china, 'SM2', 'KEY_AGREEMENT')
    const peer = newPeer('SM2')
    const reply = await derive(china, keyId, peer.spki)
    const pkcs8 = peer.privateKey.export({ type: 'pkcs8', format: 'der' })
    // The only octet string of 32 bytes is the scalar.
    const at = pkcs8.indexOf(Buffer.of(0x04, 0x20)) + 2
    const scalar = pkcs8.subarray(at, at + 32)
    const theirs = sm2Agreement(scalar, await publicKeyOf(china, keyId))
    assert.deepEqual(Buffer.from(present(reply.SharedSecret)), theirs)
  })

  test('any public key that is none of the curve is refused without a message', async () => {
    const { id } = await createKey(wire, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' })
    const good = newPeer('prime256v1').spki
    const offCurve = Buffer.from(good)
    const last = offCurve.length - 1
    offCurve[last] = (offCurve[last] ?? 0) ^ 1
    const infinity = Buffer.concat([
      Buffer.from('3019301306072a8648ce3d020106082a8648ce3d030107030200', 'hex'),
      Buffer.of(0),
    ])
    const { publicKey: explicit } = generateKeyPairSync('ec', {
      namedCurve: 'prime256v1',
      paramEncoding: 'explicit',
    })
    const { publicKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    for (const wrong of [
      offCurve,
      infinity,
      newPeer('secp256k1').spki,
      newPeer('secp384r1').spki,
      newPeer('SM2').spki,
      explicit.export({ type: 'spki', format: 'der' }),
      rsa.export({ type: 'spki', format: 'der' }),
      Buffer.concat([good, Buffer.of(0)]),
      good.subarray(0, -1),
      good.subarray(-65),
      Buffer.from(good.toString('base64')),
      Buffer.of(0),
      randomBytes(8192),
    ]) {
      for (const DryRun of [false, true]) {
        const input = {
          KeyId: id,
          KeyAgreementAlgorithm: 'ECDH',
          PublicKey: blob(wrong),
          DryRun,
        }
        refused(await wire.kms('DeriveSharedSecret', input), 'ValidationException')
      }
    }
    const input = { KeyId: id, KeyAgreementAlgorithm: 'ECDH', PublicKey: blob(good), DryRun: true }
    refused(
      await wire.kms('DeriveSharedSecret', input),
      'DryRunOperationException',
      'The request would have succeeded, but the DryRun option is set.',
    )
  })

  test('secp256k1 and Edwards keys are not made for it', async () => {
    for (const KeySpec of ['ECC_SECG_P256K1', 'ECC_NIST_EDWARDS25519']) {
      refused(
        await wire.kms('CreateKey', { KeySpec, KeyUsage: 'KEY_AGREEMENT' }),
        'ValidationException',
        `KeyUsage KEY_AGREEMENT is not compatible with KeySpec ${KeySpec}`,
      )
    }
  })
})

/** Source: FIPS 203, table 3. Unit of the lengths: bytes. */
const KEMS = [
  ['ML_KEM_512', ml_kem512, 768, 800],
  ['ML_KEM_768', ml_kem768, 1088, 1184],
  ['ML_KEM_1024', ml_kem1024, 1568, 1568],
] as const
const EncapsulationAlgorithm = 'ML_KEM'
/** Bytes of SubjectPublicKeyInfo before the raw key. Source: RFC 9935. */
const KEM_HEAD_BYTES = 22
/** d and z, at the end of PKCS#8 in seed form. Source: RFC 9935. Unit: bytes. */
const SEED_BYTES = 64

describe('Encapsulate and Decapsulate', () => {
  for (const [spec, noble, ciphertextBytes, publicBytes] of KEMS) {
    describe(spec, () => {
      let keyId: string

      before(async () => {
        keyId = await newKey(kms, spec, 'ENCAPSULATE_DECAPSULATE')
      })

      const decapsulate = async (ciphertext: Uint8Array): Promise<Buffer> => {
        const reply = await kms.send(
          new DecapsulateCommand({
            KeyId: keyId,
            SharedSecretCiphertextBlob: ciphertext,
            EncapsulationAlgorithm,
          }),
        )
        assert.deepEqual(
          [reply.KeyId, reply.EncapsulationAlgorithm],
          [keyId, EncapsulationAlgorithm],
        )
        return Buffer.from(present(reply.SharedSecret))
      }

      test('what it encapsulates, the holder of its seed opens elsewhere', async () => {
        using material = await materialOf(node, keyId)
        const { secretKey, publicKey } = noble.keygen(material.expose().slice(-SEED_BYTES))
        const exported = await kms.send(new GetPublicKeyCommand({ KeyId: keyId }))
        const raw = present(exported.PublicKey).subarray(KEM_HEAD_BYTES)
        assert.deepEqual(Buffer.from(raw), Buffer.from(publicKey))
        assert.equal(raw.length, publicBytes)
        assert.deepEqual(exported.EncapsulationAlgorithms, [EncapsulationAlgorithm])
        const made = await kms.send(
          new EncapsulateCommand({ KeyId: keyId, EncapsulationAlgorithm }),
        )
        const ciphertext = present(made.SharedSecretCiphertextBlob)
        assert.equal(ciphertext.length, ciphertextBytes)
        const secret = Buffer.from(present(made.SharedSecret))
        assert.equal(secret.length, 32)
        assert.deepEqual(Buffer.from(noble.decapsulate(ciphertext, secretKey)), secret)
        assert.deepEqual(await decapsulate(ciphertext), secret)
        assert.deepEqual([made.KeyId, made.EncapsulationAlgorithm], [keyId, EncapsulationAlgorithm])
        const again = await kms.send(
          new EncapsulateCommand({ KeyId: keyId, EncapsulationAlgorithm }),
        )
        assert.notDeepEqual(Buffer.from(present(again.SharedSecret)), secret)
      })

      test('what anyone encapsulates to its public key, it opens', async () => {
        const raw = (await publicKeyOf(kms, keyId)).subarray(KEM_HEAD_BYTES)
        const { cipherText, sharedSecret } = noble.encapsulate(Uint8Array.from(raw))
        assert.deepEqual(await decapsulate(cipherText), Buffer.from(sharedSecret))
      })

      test('what was altered gives the other bytes of FIPS 203, never an error', async () => {
        using material = await materialOf(node, keyId)
        const { secretKey, publicKey } = noble.keygen(material.expose().slice(-SEED_BYTES))
        const { cipherText, sharedSecret } = noble.encapsulate(publicKey)
        cipherText[7] = (cipherText[7] ?? 0) ^ 1
        for (const wrong of [cipherText, new Uint8Array(ciphertextBytes)]) {
          const secret = await decapsulate(wrong)
          assert.deepEqual(secret, Buffer.from(noble.decapsulate(wrong, secretKey)))
          assert.notDeepEqual(secret, Buffer.from(sharedSecret))
        }
      })

      test('a wrong length is invalid, without a message', async () => {
        for (const bytes of [1, ciphertextBytes - 1, ciphertextBytes + 1, 6144]) {
          for (const DryRun of [false, true]) {
            const input = {
              KeyId: keyId,
              SharedSecretCiphertextBlob: blob(Buffer.alloc(bytes)),
              EncapsulationAlgorithm,
              DryRun,
            }
            refused(await wire.kms('Decapsulate', input), 'InvalidCiphertextException')
          }
        }
      })
    })
  }

  test('a dry run makes nothing', async () => {
    const keyId = await newKey(kms, 'ML_KEM_512', 'ENCAPSULATE_DECAPSULATE')
    const DryRun = true
    const dry = { name: 'DryRunOperationException' }
    const asked = { KeyId: keyId, EncapsulationAlgorithm, DryRun } as const
    await assert.rejects(kms.send(new EncapsulateCommand(asked)), dry)
    const SharedSecretCiphertextBlob = new Uint8Array(768)
    const opening = { ...asked, SharedSecretCiphertextBlob }
    await assert.rejects(kms.send(new DecapsulateCommand(opening)), dry)
  })

  test('China Regions have no keys for it', async () => {
    const there = new WireClient(node.endpoint, ACCOUNT, CHINA)
    const input = { KeySpec: 'ML_KEM_768', KeyUsage: 'ENCAPSULATE_DECAPSULATE' }
    refused(
      await there.kms('CreateKey', input),
      'UnsupportedOperationException',
      'KeySpec ML_KEM_768 is not supported in this Region.',
    )
    there.close()
  })
})

test('the material of an agreement key is the private key of its public key', async () => {
  const keyId = await newKey(kms, 'ECC_NIST_P384', 'KEY_AGREEMENT')
  using material = await materialOf(node, keyId)
  const key = Buffer.from(material.expose())
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  const peer = newPeer('secp384r1')
  const reply = await derive(kms, keyId, peer.spki)
  assert.deepEqual(
    Buffer.from(present(reply.SharedSecret)),
    diffieHellman({ privateKey, publicKey: parsedPublicKey(peer.spki) }),
  )
})
