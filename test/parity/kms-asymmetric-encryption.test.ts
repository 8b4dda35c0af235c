import assert from 'node:assert/strict'
import { constants, publicEncrypt, randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  DecryptCommand,
  EncryptCommand,
  type EncryptionAlgorithmSpec,
  type KMSClient,
  ReEncryptCommand,
} from '@aws-sdk/client-kms'
import {
  ACCOUNT,
  CHINA,
  kmsClient,
  newKey,
  parsedPublicKey,
  present,
  publicKeyOf,
  REGION,
} from '../support/kms-client.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { sm2Encrypt } from '../support/sm2-arithmetic.ts'
import { blob, createKey, refused, succeeded, textOf, WireClient } from '../support/wire-client.ts'

/** Unit: bytes. Source: AWS KMS API Reference, Encrypt, Plaintext. */
const LIMITS = [
  ['RSA_2048', 'RSAES_OAEP_SHA_1', 214],
  ['RSA_2048', 'RSAES_OAEP_SHA_256', 190],
  ['RSA_3072', 'RSAES_OAEP_SHA_1', 342],
  ['RSA_3072', 'RSAES_OAEP_SHA_256', 318],
  ['RSA_4096', 'RSAES_OAEP_SHA_1', 470],
  ['RSA_4096', 'RSAES_OAEP_SHA_256', 446],
  ['SM2', 'SM2PKE', 1024],
] as const

const INCORRECT_KEY =
  'The key ID in the request does not identify a CMK that can perform this operation.'

/** What a sender does who has only the public key. */
function encryptOutside(algorithm: string, publicKey: Uint8Array, message: Buffer): Uint8Array {
  if (algorithm === 'SM2PKE') return sm2Encrypt(message, publicKey)
  const oaepHash = algorithm === 'RSAES_OAEP_SHA_1' ? 'sha1' : 'sha256'
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  return publicEncrypt({ key: parsedPublicKey(publicKey), padding, oaepHash }, message)
}

let node: MemoryNode
let global: KMSClient
let china: KMSClient
let wire: WireClient
let wireInChina: WireClient

before(async () => {
  node = await startMemoryNode()
  global = kmsClient(node.endpoint)
  china = kmsClient(node.endpoint, CHINA)
  wire = new WireClient(node.endpoint, ACCOUNT, REGION)
  wireInChina = new WireClient(node.endpoint, ACCOUNT, CHINA)
})

after(async () => {
  for (const client of [global, china]) client.destroy()
  for (const client of [wire, wireInChina]) client.close()
  await node.close()
})

describe('encryption to an asymmetric key', () => {
  const keys = new Map<string, string>()

  before(async () => {
    for (const spec of ['RSA_2048', 'RSA_3072', 'RSA_4096', 'SM2'] as const) {
      keys.set(spec, await newKey(spec === 'SM2' ? china : global, spec, 'ENCRYPT_DECRYPT'))
    }
  })

  for (const [spec, algorithm, bytesMax] of LIMITS) {
    const keyOf = (): string => present(keys.get(spec))
    const kmsOf = (): KMSClient => (spec === 'SM2' ? china : global)
    const wireOf = (): WireClient => (spec === 'SM2' ? wireInChina : wire)

    test(`${spec}, ${algorithm}: what anyone encrypts to it, it decrypts`, async () => {
      const [KeyId, kms] = [keyOf(), kmsOf()]
      const publicKey = await publicKeyOf(kms, KeyId)
      const message = Buffer.from('sent from outside')
      const CiphertextBlob = encryptOutside(algorithm, publicKey, message)
      const input = { KeyId, CiphertextBlob, EncryptionAlgorithm: algorithm }
      const opened = await kms.send(new DecryptCommand(input))
      assert.deepEqual(Buffer.from(present(opened.Plaintext)), message)
      assert.equal(opened.KeyId, KeyId)
      assert.equal(opened.EncryptionAlgorithm, algorithm)
      assert.equal(opened.KeyMaterialId, undefined)
    })

    test(`${spec}, ${algorithm}: 1 to ${bytesMax} bytes go around, one more is refused`, async () => {
      const [KeyId, kms] = [keyOf(), kmsOf()]
      for (const bytes of [1, bytesMax]) {
        const Plaintext = randomBytes(bytes)
        const input = { KeyId, Plaintext, EncryptionAlgorithm: algorithm }
        const closed = await kms.send(new EncryptCommand(input))
        assert.equal(closed.KeyId, KeyId)
        assert.equal(closed.EncryptionAlgorithm, algorithm)
        const { CiphertextBlob } = closed
        if (spec !== 'SM2') assert.equal(CiphertextBlob?.length, Number(spec.slice(4)) / 8)
        const again = await kms.send(new EncryptCommand(input))
        assert.notDeepEqual(again.CiphertextBlob, CiphertextBlob)
        const open = { KeyId, CiphertextBlob, EncryptionAlgorithm: algorithm }
        const opened = await kms.send(new DecryptCommand(open))
        assert.deepEqual(Buffer.from(present(opened.Plaintext)), Plaintext)
      }
      const Plaintext = Buffer.alloc(bytesMax + 1).toString('base64')
      for (const DryRun of [false, true]) {
        const long = { KeyId, Plaintext, EncryptionAlgorithm: algorithm, DryRun }
        refused(
          await wireOf().kms('Encrypt', long),
          'ValidationException',
          `Algorithm ${algorithm} and key spec ${spec} cannot encrypt data larger than ${bytesMax} bytes.`,
        )
      }
    })

    test(`${spec}, ${algorithm}: every other ciphertext is invalid, without a message`, async () => {
      const KeyId = keyOf()
      const EncryptionAlgorithm = algorithm
      const plain = { KeyId, Plaintext: blob('kept'), EncryptionAlgorithm }
      const answer = succeeded(await wireOf().kms('Encrypt', plain))
      const good = Buffer.from(textOf(answer, 'CiphertextBlob'), 'base64')
      const altered = Buffer.from(good)
      const last = altered.length - 1
      altered[last] = (altered[last] ?? 0) ^ 1
      for (const wrong of [
        altered,
        good.subarray(1),
        good.subarray(0, -1),
        Buffer.concat([good, Buffer.of(0)]),
        Buffer.alloc(good.length),
        Buffer.alloc(good.length, 0xff),
        Buffer.of(1),
        randomBytes(6144),
      ]) {
        for (const DryRun of [false, true]) {
          const open = { KeyId, CiphertextBlob: blob(wrong), EncryptionAlgorithm, DryRun }
          refused(await wireOf().kms('Decrypt', open), 'InvalidCiphertextException')
        }
      }
      const open = { KeyId, CiphertextBlob: blob(good), EncryptionAlgorithm }
      assert.equal(
        textOf(succeeded(await wireOf().kms('Decrypt', open)), 'Plaintext'),
        blob('kept'),
      )
      if (spec === 'SM2') return
      const other = LIMITS.find(([of, name]) => of === spec && name !== algorithm)?.[1]
      refused(
        await wireOf().kms('Decrypt', { ...open, EncryptionAlgorithm: other }),
        'InvalidCiphertextException',
      )
    })
  }
})

describe('a request to an asymmetric key', () => {
  let rsa: { readonly id: string; readonly arn: string }
  let ciphertext: string
  let symmetric: { readonly id: string; readonly arn: string }
  let sealed: string
  const EncryptionAlgorithm: EncryptionAlgorithmSpec = 'RSAES_OAEP_SHA_256'
  const Plaintext = blob('kept')

  before(async () => {
    rsa = await createKey(wire, { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' })
    const made = await wire.kms('Encrypt', { KeyId: rsa.id, Plaintext, EncryptionAlgorithm })
    ciphertext = textOf(succeeded(made), 'CiphertextBlob')
    symmetric = await createKey(wire)
    const other = await wire.kms('Encrypt', { KeyId: symmetric.id, Plaintext })
    sealed = textOf(succeeded(other), 'CiphertextBlob')
    await wire.kms('CreateAlias', { AliasName: 'alias/rsa', TargetKeyId: rsa.id })
  })

  test('names it in all four ways', async () => {
    const aliasArn = rsa.arn.replace(/key\/.*/, 'alias/rsa')
    for (const KeyId of [rsa.id, rsa.arn, 'alias/rsa', aliasArn]) {
      const closed = await wire.kms('Encrypt', { KeyId, Plaintext, EncryptionAlgorithm })
      assert.equal(textOf(succeeded(closed), 'KeyId'), rsa.arn)
      const open: object = { KeyId, CiphertextBlob: ciphertext, EncryptionAlgorithm }
      assert.equal(textOf(succeeded(await wire.kms('Decrypt', open)), 'Plaintext'), Plaintext)
    }
  })

  test('must name the algorithm, which has no default there', async () => {
    const text = 'Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.'
    const KeyId = rsa.id
    for (const [operation, input] of [
      ['Encrypt', { KeyId, Plaintext }],
      ['Decrypt', { KeyId, CiphertextBlob: ciphertext }],
      ['ReEncrypt', { SourceKeyId: KeyId, CiphertextBlob: ciphertext, DestinationKeyId: KeyId }],
      ['ReEncrypt', { CiphertextBlob: sealed, DestinationKeyId: KeyId }],
    ] as const) {
      refused(await wire.kms(operation, input), 'InvalidKeyUsageException', text)
    }
    const input = { KeyId, Plaintext, EncryptionAlgorithm: 'SM2PKE' }
    refused(
      await wire.kms('Encrypt', input),
      'InvalidKeyUsageException',
      'Algorithm SM2PKE is incompatible with key spec RSA_2048.',
    )
  })

  test('to decrypt must name the key: the ciphertext does not', async () => {
    refused(
      await wire.kms('Decrypt', { CiphertextBlob: ciphertext, EncryptionAlgorithm }),
      'ValidationException',
      /Value null at 'keyId'/,
    )
    refused(
      await wire.kms('ReEncrypt', {
        CiphertextBlob: ciphertext,
        SourceEncryptionAlgorithm: EncryptionAlgorithm,
        DestinationKeyId: symmetric.id,
      }),
      'ValidationException',
      /Value null at 'sourceKeyId'/,
    )
    refused(await wire.kms('Decrypt', { CiphertextBlob: ciphertext }), 'InvalidCiphertextException')
  })

  test('has no encryption context; an empty one is none', async () => {
    const text = /RSAES_OAEP_SHA_256 does not support an encryption context/
    const asked = { KeyId: rsa.id, EncryptionAlgorithm }
    for (const [operation, input] of [
      ['Encrypt', { ...asked, Plaintext }],
      ['Decrypt', { ...asked, CiphertextBlob: ciphertext }],
    ] as const) {
      const EncryptionContext = { a: 'b' }
      refused(
        await wire.kms(operation, { ...input, EncryptionContext }),
        'ValidationException',
        text,
      )
      succeeded(await wire.kms(operation, { ...input, EncryptionContext: {} }))
    }
    for (const side of ['Source', 'Destination']) {
      const input = {
        SourceKeyId: rsa.id,
        SourceEncryptionAlgorithm: EncryptionAlgorithm,
        CiphertextBlob: ciphertext,
        DestinationKeyId: rsa.id,
        DestinationEncryptionAlgorithm: EncryptionAlgorithm,
        [`${side}EncryptionContext`]: { a: 'b' },
      }
      refused(await wire.kms('ReEncrypt', input), 'ValidationException', text)
    }
  })

  test('with the ciphertext of a symmetric key is told that the key is not the one', async () => {
    const mac = await createKey(wire, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' })
    const signing = await createKey(wire, { KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' })
    for (const KeyId of [mac.id, signing.id, rsa.id]) {
      const input = { KeyId, CiphertextBlob: sealed }
      refused(await wire.kms('Decrypt', input), 'IncorrectKeyException', INCORRECT_KEY)
      refused(
        await wire.kms('ReEncrypt', {
          SourceKeyId: KeyId,
          CiphertextBlob: sealed,
          DestinationKeyId: mac.id,
        }),
        'IncorrectKeyException',
        INCORRECT_KEY,
      )
    }
    // Said to be RSA's, such bytes are only a ciphertext that does not open.
    const input = { KeyId: rsa.id, CiphertextBlob: sealed, EncryptionAlgorithm }
    refused(await wire.kms('Decrypt', input), 'InvalidCiphertextException')
  })

  test('in a dry run is judged like any other', async () => {
    const WOULD = 'The request would have succeeded, but the DryRun option is set.'
    const asked = { KeyId: rsa.id, EncryptionAlgorithm, DryRun: true }
    for (const [operation, input] of [
      ['Encrypt', { ...asked, Plaintext }],
      ['Decrypt', { ...asked, CiphertextBlob: ciphertext }],
      ['Decrypt', { ...asked, DryRunModifiers: ['IGNORE_CIPHERTEXT'] }],
    ] as const) {
      refused(await wire.kms(operation, input), 'DryRunOperationException', WOULD)
    }
  })
})

describe('re-encryption between kinds of keys', () => {
  test('goes every way and names material of symmetric keys alone', async () => {
    const first = await newKey(global, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT')
    const second = await newKey(global, 'RSA_2048', 'ENCRYPT_DECRYPT')
    const Plaintext = randomBytes(100)
    const context = { tenant: 'A' }
    const start = await global.send(
      new EncryptCommand({ KeyId: first, Plaintext, EncryptionContext: context }),
    )
    const out = await global.send(
      new ReEncryptCommand({
        CiphertextBlob: start.CiphertextBlob,
        SourceEncryptionContext: context,
        DestinationKeyId: second,
        DestinationEncryptionAlgorithm: 'RSAES_OAEP_SHA_1',
      }),
    )
    assert.equal(out.CiphertextBlob?.length, 256)
    assert.deepEqual(
      [out.SourceKeyId, out.SourceEncryptionAlgorithm, out.SourceKeyMaterialId?.length],
      [first, 'SYMMETRIC_DEFAULT', 64],
    )
    assert.deepEqual(
      [out.KeyId, out.DestinationEncryptionAlgorithm, out.DestinationKeyMaterialId],
      [second, 'RSAES_OAEP_SHA_1', undefined],
    )
    const within = await global.send(
      new ReEncryptCommand({
        CiphertextBlob: out.CiphertextBlob,
        SourceKeyId: second,
        SourceEncryptionAlgorithm: 'RSAES_OAEP_SHA_1',
        DestinationKeyId: second,
        DestinationEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
      }),
    )
    assert.ok(!('SourceKeyMaterialId' in within) && !('DestinationKeyMaterialId' in within))
    const back = await global.send(
      new ReEncryptCommand({
        CiphertextBlob: within.CiphertextBlob,
        SourceKeyId: second,
        SourceEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
        DestinationKeyId: first,
      }),
    )
    assert.equal(back.SourceKeyMaterialId, undefined)
    const opened = await global.send(new DecryptCommand({ CiphertextBlob: back.CiphertextBlob }))
    assert.deepEqual(Buffer.from(present(opened.Plaintext)), Plaintext)
  })

  test('refuses what is too long for the destination, in a dry run too', async () => {
    const { id } = await createKey(wire)
    const rsa = await createKey(wire, { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' })
    const Plaintext = Buffer.alloc(215).toString('base64')
    const made = succeeded(await wire.kms('Encrypt', { KeyId: id, Plaintext }))
    for (const DryRun of [false, true]) {
      const answer = await wire.kms('ReEncrypt', {
        CiphertextBlob: textOf(made, 'CiphertextBlob'),
        DestinationKeyId: rsa.id,
        DestinationEncryptionAlgorithm: 'RSAES_OAEP_SHA_1',
        DryRun,
      })
      refused(
        answer,
        'ValidationException',
        'Algorithm RSAES_OAEP_SHA_1 and key spec RSA_2048 cannot encrypt data larger than 214 bytes.',
      )
    }
  })
})
