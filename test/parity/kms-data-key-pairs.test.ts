import assert from 'node:assert/strict'
import {
  createPrivateKey,
  createPublicKey,
  decapsulate,
  encapsulate,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  type DataKeyPairSpec,
  DecryptCommand,
  GenerateDataKeyPairCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  type KMSClient,
} from '@aws-sdk/client-kms'
import {
  ACCOUNT,
  CHINA,
  kmsClient,
  newKey,
  parsedPublicKey,
  present,
} from '../support/kms-client.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { sm2Agreement } from '../support/sm2-arithmetic.ts'
import { createKey, refused, succeeded, textOf, WireClient } from '../support/wire-client.ts'

/** What both keys must be, and what shows that they belong together. */
interface Expected {
  readonly type: string
  readonly details: object
  readonly belongs: (privateKey: KeyObject, publicKey: KeyObject) => boolean
}

const MESSAGE = Buffer.from('signed with a data key')

const signs: Expected['belongs'] = (privateKey, publicKey) => {
  const hash = privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256'
  return verify(hash, MESSAGE, publicKey, sign(hash, MESSAGE, privateKey))
}
const rsa = (modulusLength: number): Expected => ({
  type: 'rsa',
  details: { modulusLength, publicExponent: 65_537n },
  belongs: signs,
})
const ec = (namedCurve: string): Expected => ({
  type: 'ec',
  details: { namedCurve },
  belongs: signs,
})
const kem = (type: string): Expected => ({
  type,
  details: {},
  belongs(privateKey, publicKey) {
    const { sharedKey, ciphertext } = encapsulate(publicKey)
    return sharedKey.equals(decapsulate(privateKey, ciphertext))
  },
})

/** Source: AWS KMS API Reference, GenerateDataKeyPair, KeyPairSpec; SM2 below. */
const PAIRS: Readonly<Record<Exclude<DataKeyPairSpec, 'SM2'>, Expected>> = {
  RSA_2048: rsa(2048),
  RSA_3072: rsa(3072),
  RSA_4096: rsa(4096),
  ECC_NIST_P256: ec('prime256v1'),
  ECC_NIST_P384: ec('secp384r1'),
  ECC_NIST_P521: ec('secp521r1'),
  ECC_SECG_P256K1: ec('secp256k1'),
  ECC_NIST_EDWARDS25519: { type: 'ed25519', details: {}, belongs: signs },
  ML_KEM_512: kem('ml-kem-512'),
  ML_KEM_768: kem('ml-kem-768'),
  ML_KEM_1024: kem('ml-kem-1024'),
}

const privateKeyOf = (der: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })

describe('data key pairs', () => {
  let node: MemoryNode
  let kms: KMSClient
  let china: KMSClient
  let wire: WireClient
  let KeyId: string
  const EncryptionContext = { purpose: 'pairs' }

  before(async () => {
    node = await startMemoryNode()
    kms = kmsClient(node.endpoint)
    china = kmsClient(node.endpoint, CHINA)
    wire = new WireClient(node.endpoint, ACCOUNT)
    KeyId = await newKey(kms, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT')
  })

  after(async () => {
    for (const client of [kms, china]) client.destroy()
    wire.close()
    await node.close()
  })

  const opened = async (client: KMSClient, CiphertextBlob: Uint8Array): Promise<Buffer> => {
    const reply = await client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }))
    return Buffer.from(present(reply.Plaintext))
  }

  for (const [spec, { type, details, belongs }] of Object.entries(PAIRS)) {
    // The keys of PAIRS are exactly these.
    const KeyPairSpec = spec as DataKeyPairSpec

    test(`${spec}: both keys are of the kind, belong together, and the private one decrypts`, async () => {
      const made = await kms.send(
        new GenerateDataKeyPairCommand({ KeyId, KeyPairSpec, EncryptionContext }),
      )
      const plaintext = Buffer.from(present(made.PrivateKeyPlaintext))
      const privateKey = privateKeyOf(plaintext)
      const publicKey = parsedPublicKey(present(made.PublicKey))
      for (const key of [privateKey, publicKey]) {
        assert.equal(key.asymmetricKeyType, type)
        assert.deepEqual({ ...key.asymmetricKeyDetails }, details)
      }
      assert.ok(belongs(privateKey, publicKey))
      assert.ok(createPublicKey(privateKey).equals(publicKey))
      // One encoding and nothing behind it.
      assert.deepEqual(privateKey.export({ type: 'pkcs8', format: 'der' }), plaintext)
      assert.deepEqual([made.KeyId, made.KeyPairSpec], [KeyId, spec])
      assert.match(present(made.KeyMaterialId), /^[0-9a-f]{64}$/)
      const sealed = present(made.PrivateKeyCiphertextBlob)
      assert.ok(sealed.length <= 6144)
      assert.deepEqual(await opened(kms, sealed), plaintext)
    })

    test(`${spec}, without plaintext: another pair each time, the private key only sealed`, async () => {
      const make = () =>
        kms.send(
          new GenerateDataKeyPairWithoutPlaintextCommand({ KeyId, KeyPairSpec, EncryptionContext }),
        )
      const made = await make()
      assert.deepEqual(
        Object.keys(made)
          .filter((name) => name !== '$metadata')
          .sort(),
        ['KeyId', 'KeyMaterialId', 'KeyPairSpec', 'PrivateKeyCiphertextBlob', 'PublicKey'],
      )
      const privateKey = privateKeyOf(await opened(kms, present(made.PrivateKeyCiphertextBlob)))
      assert.ok(belongs(privateKey, parsedPublicKey(present(made.PublicKey))))
      // One key generation of the largest modulus is enough for a test.
      if (spec === 'RSA_4096') return
      assert.notDeepEqual((await make()).PublicKey, made.PublicKey)
    })
  }

  test('SM2 in China: the private key is the scalar of the public point', async () => {
    const inChina = await newKey(china, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT')
    const input = { KeyId: inChina, KeyPairSpec: 'SM2', EncryptionContext } as const
    const made = await china.send(new GenerateDataKeyPairCommand(input))
    const other = await china.send(new GenerateDataKeyPairCommand(input))
    const scalarOf = (pkcs8: Uint8Array | undefined): Buffer => {
      const der = Buffer.from(present(pkcs8))
      const at = der.indexOf(Buffer.of(0x04, 0x20)) + 2
      return der.subarray(at, at + 32)
    }
    assert.deepEqual(
      sm2Agreement(scalarOf(made.PrivateKeyPlaintext), present(other.PublicKey)),
      sm2Agreement(scalarOf(other.PrivateKeyPlaintext), present(made.PublicKey)),
    )
    assert.deepEqual(
      await opened(china, present(made.PrivateKeyCiphertextBlob)),
      Buffer.from(present(made.PrivateKeyPlaintext)),
    )
  })

  test('ML-KEM private keys are seeds, so that all sizes are of one length', async () => {
    for (const KeyPairSpec of ['ML_KEM_512', 'ML_KEM_768', 'ML_KEM_1024'] as const) {
      const made = await kms.send(new GenerateDataKeyPairCommand({ KeyId, KeyPairSpec }))
      assert.equal(made.PrivateKeyPlaintext?.length, 86)
    }
  })

  test('the private key is bound to the encryption context', async () => {
    const made = await kms.send(
      new GenerateDataKeyPairCommand({ KeyId, KeyPairSpec: 'ECC_NIST_P256', EncryptionContext }),
    )
    const CiphertextBlob = made.PrivateKeyCiphertextBlob
    await assert.rejects(kms.send(new DecryptCommand({ CiphertextBlob })), {
      name: 'InvalidCiphertextException',
    })
  })

  for (const operation of ['GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext']) {
    test(`${operation} refuses what is no pair, no key for it, and SM2 outside China`, async () => {
      const { id } = await createKey(wire)
      refused(
        await wire.kms(operation, { KeyId: id, KeyPairSpec: 'SM2' }),
        'UnsupportedOperationException',
        'KeyPairSpec SM2 is not supported in this Region.',
      )
      const there = new WireClient(node.endpoint, ACCOUNT, CHINA)
      const inChina = await createKey(there)
      refused(
        await there.kms(operation, { KeyId: inChina.id, KeyPairSpec: 'ML_KEM_768' }),
        'UnsupportedOperationException',
        'KeyPairSpec ML_KEM_768 is not supported in this Region.',
      )
      there.close()
      for (const KeyPairSpec of ['ML_DSA_44', 'HMAC_256', 'SYMMETRIC_DEFAULT', 'constructor']) {
        refused(
          await wire.kms(operation, { KeyId: id, KeyPairSpec }),
          'ValidationException',
          /^1 validation error detected: Value '\w+' at 'keyPairSpec' failed/,
        )
      }
      const rsaKey = await createKey(wire, { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' })
      refused(
        await wire.kms(operation, { KeyId: rsaKey.id, KeyPairSpec: 'RSA_2048' }),
        'InvalidKeyUsageException',
        'Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.',
      )
      refused(
        await wire.kms(operation, { KeyId: id, KeyPairSpec: 'RSA_4096', DryRun: true }),
        'DryRunOperationException',
        'The request would have succeeded, but the DryRun option is set.',
      )
    })

    test(`${operation} takes the key in all four ways`, async () => {
      const { id, arn } = await createKey(wire)
      const AliasName = `alias/${operation}`
      succeeded(await wire.kms('CreateAlias', { AliasName, TargetKeyId: id }))
      for (const named of [id, arn, AliasName, arn.replace(/key\/.*/, AliasName)]) {
        const answer = await wire.kms(operation, { KeyId: named, KeyPairSpec: 'ECC_NIST_P256' })
        assert.equal(textOf(succeeded(answer), 'KeyId'), arn)
      }
    })
  }
})
