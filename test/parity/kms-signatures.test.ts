import assert from 'node:assert/strict'
import { constants, hash, randomBytes, verify as verifyLocally } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  DescribeKeyCommand,
  GetPublicKeyCommand,
  type KeySpec,
  type KMSClient,
  type MessageType,
  SignCommand,
  type SigningAlgorithmSpec,
  VerifyCommand,
} from '@aws-sdk/client-kms'
import { ed25519ph } from '@noble/curves/ed25519.js'
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js'
import {
  CHINA,
  kmsClient,
  newKey,
  parsedPublicKey,
  present,
  publicKeyOf,
} from '../support/kms-client.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { sm2Digest, verifiesAsSm2 } from '../support/sm2-arithmetic.ts'

/** What a caller sends of a message, and a verification that knows nothing of the server. */
interface Way {
  readonly algorithm: SigningAlgorithmSpec
  readonly messageType: MessageType
  readonly sent: (message: Buffer, publicKey: Uint8Array) => Uint8Array
  readonly verifies: (signed: Signed) => boolean
}

interface Signed {
  readonly message: Buffer
  readonly publicKey: Uint8Array
  readonly signature: Uint8Array
}

interface Signer {
  readonly spec: KeySpec
  /** Source: AWS KMS Developer Guide, Key spec reference. Unit: bytes; absent where DER varies. */
  readonly signatureBytes?: number
  readonly ways: readonly Way[]
}

type Sha2 = 'sha256' | 'sha384' | 'sha512'
const SHA2: readonly Sha2[] = ['sha256', 'sha384', 'sha512']
const nameOf = (sha2: Sha2) => `SHA_${sha2.slice(3)}` as 'SHA_256' | 'SHA_384' | 'SHA_512'

const asIs = (message: Buffer): Uint8Array => message
const hashed =
  (name: string) =>
  (message: Buffer): Uint8Array =>
    hash(name, message, 'buffer')

/** The same algorithm over a message and over its digest: one and the same signature scheme. */
const rawAndDigest = (
  algorithm: SigningAlgorithmSpec,
  name: Sha2,
  verifies: Way['verifies'],
): readonly Way[] => [
  { algorithm, messageType: 'RAW', sent: asIs, verifies },
  { algorithm, messageType: 'DIGEST', sent: hashed(name), verifies },
]

const rsa = (spec: KeySpec, signatureBytes: number): Signer => ({
  spec,
  signatureBytes,
  ways: SHA2.flatMap((name) => [
    ...rawAndDigest(
      `RSASSA_PKCS1_V1_5_${nameOf(name)}`,
      name,
      ({ message, publicKey, signature }) =>
        verifyLocally(name, message, parsedPublicKey(publicKey), signature),
    ),
    ...rawAndDigest(`RSASSA_PSS_${nameOf(name)}`, name, ({ message, publicKey, signature }) =>
      verifyLocally(
        name,
        message,
        {
          key: parsedPublicKey(publicKey),
          padding: constants.RSA_PKCS1_PSS_PADDING,
          // Exactly as long as the hash: another length does not verify.
          saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
        },
        signature,
      ),
    ),
  ]),
})

const ecdsa = (spec: KeySpec, name: Sha2): Signer => ({
  spec,
  ways: rawAndDigest(`ECDSA_${nameOf(name)}`, name, ({ message, publicKey, signature }) =>
    verifyLocally(name, message, parsedPublicKey(publicKey), signature),
  ),
})

const ED25519: Signer = {
  spec: 'ECC_NIST_EDWARDS25519',
  signatureBytes: 64,
  ways: [
    {
      algorithm: 'ED25519_SHA_512',
      messageType: 'RAW',
      sent: asIs,
      verifies: ({ message, publicKey, signature }) =>
        verifyLocally(null, message, parsedPublicKey(publicKey), signature),
    },
    {
      algorithm: 'ED25519_PH_SHA_512',
      messageType: 'DIGEST',
      sent: hashed('sha512'),
      // The 64 bytes are the message of Ed25519ph, which hashes them once more.
      verifies: ({ message, publicKey, signature }) =>
        ed25519ph.verify(signature, hash('sha512', message, 'buffer'), publicKey.subarray(-32)),
    },
  ],
}

const NOBLE_ML_DSA = { ML_DSA_44: ml_dsa44, ML_DSA_65: ml_dsa65, ML_DSA_87: ml_dsa87 } as const
/** Bytes of SubjectPublicKeyInfo before the raw key. Source: RFC 9881. */
const ML_DSA_HEAD_BYTES = 22
const shake256 = (data: Uint8Array): Buffer =>
  hash('shake256', data, { outputEncoding: 'buffer', outputLength: 64 })

/** Source: FIPS 204, algorithm 7, step 6, with an empty context. */
const muOf = (message: Buffer, publicKey: Uint8Array): Uint8Array =>
  shake256(
    Buffer.concat([shake256(publicKey.subarray(ML_DSA_HEAD_BYTES)), Buffer.alloc(2), message]),
  )

const mlDsa = (spec: keyof typeof NOBLE_ML_DSA, signatureBytes: number): Signer => {
  const verifies: Way['verifies'] = ({ message, publicKey, signature }) =>
    verifyLocally(null, message, parsedPublicKey(publicKey), signature) &&
    NOBLE_ML_DSA[spec].verify(signature, message, publicKey.subarray(ML_DSA_HEAD_BYTES))
  const algorithm = 'ML_DSA_SHAKE_256'
  return {
    spec,
    signatureBytes,
    ways: [
      { algorithm, messageType: 'RAW', sent: asIs, verifies },
      { algorithm, messageType: 'EXTERNAL_MU', sent: muOf, verifies },
    ],
  }
}

const sm2Verifies: Way['verifies'] = ({ message, publicKey, signature }) =>
  verifiesAsSm2(sm2Digest(message, publicKey), publicKey, signature)

const SM2: Signer = {
  spec: 'SM2',
  ways: [
    { algorithm: 'SM2DSA', messageType: 'RAW', sent: asIs, verifies: sm2Verifies },
    { algorithm: 'SM2DSA', messageType: 'DIGEST', sent: sm2Digest, verifies: sm2Verifies },
  ],
}

const SIGNERS: readonly Signer[] = [
  rsa('RSA_2048', 256),
  rsa('RSA_3072', 384),
  rsa('RSA_4096', 512),
  ecdsa('ECC_NIST_P256', 'sha256'),
  ecdsa('ECC_NIST_P384', 'sha384'),
  ecdsa('ECC_NIST_P521', 'sha512'),
  ecdsa('ECC_SECG_P256K1', 'sha256'),
  ED25519,
  mlDsa('ML_DSA_44', 2420),
  mlDsa('ML_DSA_65', 3309),
  mlDsa('ML_DSA_87', 4627),
  SM2,
]

describe('signatures over the wire', () => {
  let node: MemoryNode
  let global: KMSClient
  let china: KMSClient

  before(async () => {
    node = await startMemoryNode()
    global = kmsClient(node.endpoint)
    china = kmsClient(node.endpoint, CHINA)
  })

  after(async () => {
    global.destroy()
    china.destroy()
    await node.close()
  })

  for (const { spec, signatureBytes, ways } of SIGNERS) {
    describe(spec, () => {
      let kms: KMSClient
      let keyId: string
      let publicKey: Uint8Array

      before(async () => {
        kms = spec === 'SM2' ? china : global
        keyId = await newKey(kms, spec, 'SIGN_VERIFY')
        publicKey = await publicKeyOf(kms, keyId)
      })

      const sign = async (way: Way, message: Buffer): Promise<Uint8Array> => {
        const { algorithm, messageType, sent } = way
        const reply = await kms.send(
          new SignCommand({
            KeyId: keyId,
            Message: sent(message, publicKey),
            MessageType: messageType,
            SigningAlgorithm: algorithm,
          }),
        )
        assert.equal(reply.KeyId, keyId)
        assert.equal(reply.SigningAlgorithm, algorithm)
        return present(reply.Signature)
      }

      const verify = (way: Way, message: Buffer, signature: Uint8Array) =>
        kms.send(
          new VerifyCommand({
            KeyId: keyId,
            Message: way.sent(message, publicKey),
            MessageType: way.messageType,
            SigningAlgorithm: way.algorithm,
            Signature: signature,
          }),
        )

      test('the key offers exactly these algorithms', async () => {
        const offered = [...new Set(ways.map(({ algorithm }) => algorithm))].sort()
        const described = await kms.send(new DescribeKeyCommand({ KeyId: keyId }))
        assert.deepEqual(described.KeyMetadata?.SigningAlgorithms?.toSorted(), offered)
        const exported = await kms.send(new GetPublicKeyCommand({ KeyId: keyId }))
        assert.deepEqual(exported.SigningAlgorithms?.toSorted(), offered)
        assert.equal(exported.KeySpec, spec)
        assert.equal(exported.CustomerMasterKeySpec, spec)
        assert.equal(exported.KeyUsage, 'SIGN_VERIFY')
        assert.equal(exported.EncryptionAlgorithms, undefined)
      })

      for (const way of ways) {
        const { algorithm, messageType } = way
        test(`${algorithm}, ${messageType}: verified by others and by the service`, async () => {
          for (const bytes of [1, 64, 4096]) {
            const message = randomBytes(bytes)
            const signature = await sign(way, message)
            if (signatureBytes !== undefined) assert.equal(signature.length, signatureBytes)
            assert.ok(way.verifies({ message, publicKey, signature }))
            assert.ok(!way.verifies({ message: Buffer.from('other'), publicKey, signature }))
            // However the message is sent, the signature is one of the algorithm.
            for (const other of ways) {
              if (other.algorithm !== algorithm) continue
              const reply = await verify(other, message, signature)
              assert.equal(reply.SignatureValid, true)
              assert.equal(reply.KeyId, keyId)
              assert.equal(reply.SigningAlgorithm, algorithm)
            }
          }
        })

        test(`${algorithm}, ${messageType}: nothing else verifies`, async () => {
          const message = randomBytes(100)
          const signature = await sign(way, message)
          const altered = Uint8Array.from(signature)
          altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1
          const invalid = { name: 'KMSInvalidSignatureException' }
          for (const wrong of [
            altered,
            signature.subarray(1),
            signature.subarray(0, -1),
            Buffer.concat([signature, Buffer.of(0)]),
            Buffer.alloc(signature.length),
            Buffer.of(0x30),
            randomBytes(6144),
          ]) {
            await assert.rejects(verify(way, message, wrong), invalid)
          }
          await assert.rejects(verify(way, Buffer.from('other'), signature), invalid)
          for (const other of ways) {
            if (other.algorithm === algorithm) continue
            await assert.rejects(verify(other, message, signature), invalid)
          }
        })
      }
    })
  }

  test('what another key of the same spec signed does not verify', async () => {
    for (const [spec, SigningAlgorithm] of [
      ['RSA_2048', 'RSASSA_PSS_SHA_256'],
      ['ECC_SECG_P256K1', 'ECDSA_SHA_256'],
      ['ECC_NIST_EDWARDS25519', 'ED25519_SHA_512'],
      ['ML_DSA_44', 'ML_DSA_SHAKE_256'],
    ] as const) {
      const signer = await newKey(global, spec, 'SIGN_VERIFY')
      const input = { Message: Buffer.from('whose?'), SigningAlgorithm }
      const { Signature } = await global.send(new SignCommand({ KeyId: signer, ...input }))
      const signed = { ...input, Signature }
      await global.send(new VerifyCommand({ KeyId: signer, ...signed }))
      const other = await newKey(global, spec, 'SIGN_VERIFY')
      await assert.rejects(global.send(new VerifyCommand({ KeyId: other, ...signed })), {
        name: 'KMSInvalidSignatureException',
      })
    }
  })
})
