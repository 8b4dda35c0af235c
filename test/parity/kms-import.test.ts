import assert from 'node:assert/strict'
import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  verify,
} from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  decryptWith,
  importMaterial,
  importParameters,
  importWith,
  materialIdOf,
} from '../support/key-import.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  blob,
  createKey,
  membersOf,
  refused,
  succeeded,
  textOf,
  WireClient,
} from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const DAY_MS = 86_400_000
const RAW = 'RSAES_OAEP_SHA_256'
const HYBRID = 'RSA_AES_KEY_WRAP_SHA_256'

const pkcs8 = (key: KeyObject): Buffer => key.export({ type: 'pkcs8', format: 'der' })

describe('importing key material', () => {
  let node: MemoryNode
  let kms: WireClient

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, ACCOUNT)
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  const external = (more: object = {}) => createKey(kms, { Origin: 'EXTERNAL', ...more })
  const encrypt = (KeyId: string) => kms.kms('Encrypt', { KeyId, Plaintext: blob('kept') })
  const describeKey = async (KeyId: string) =>
    membersOf(succeeded(await kms.kms('DescribeKey', { KeyId })), 'KeyMetadata')

  test('a key waits for its material, and is used with it', async () => {
    const { id, arn } = await external()
    const waiting = await describeKey(id)
    assert.equal(waiting['KeyState'], 'PendingImport')
    assert.equal(waiting['Enabled'], false)
    assert.equal(waiting['ExpirationModel'], undefined)
    assert.equal(waiting['CurrentKeyMaterialId'], undefined)
    refused(await encrypt(id), 'KMSInvalidStateException', `${arn} is pending import.`)

    const material = randomBytes(32)
    const reply = succeeded(await importMaterial(kms, id, material))
    assert.deepEqual(reply, { KeyId: arn, KeyMaterialId: materialIdOf(id, material) })
    const described = await describeKey(id)
    assert.equal(described['KeyState'], 'Enabled')
    assert.equal(described['ExpirationModel'], 'KEY_MATERIAL_DOES_NOT_EXPIRE')
    assert.equal(described['ValidTo'], undefined)
    assert.equal(described['CurrentKeyMaterialId'], reply['KeyMaterialId'])
    const ciphertext = textOf(succeeded(await encrypt(id)), 'CiphertextBlob')
    assert.equal(decryptWith(material, ciphertext), 'kept')
  })

  test('takes every wrapping algorithm', async () => {
    for (const algorithm of [
      'RSAES_OAEP_SHA_1',
      'RSAES_OAEP_SHA_256',
      'RSA_AES_KEY_WRAP_SHA_1',
      'RSA_AES_KEY_WRAP_SHA_256',
    ]) {
      const { id } = await external()
      const material = randomBytes(32)
      succeeded(await importMaterial(kms, id, material, { algorithm }))
      const ciphertext = textOf(succeeded(await encrypt(id)), 'CiphertextBlob')
      assert.equal(decryptWith(material, ciphertext), 'kept')
    }
  })

  test('takes every size of wrapping key, and its public key is of that size', async () => {
    const { id } = await external()
    const material = randomBytes(32)
    for (const [keySpec, bits] of [
      ['RSA_2048', 2048],
      ['RSA_3072', 3072],
      ['RSA_4096', 4096],
    ] as const) {
      const parameters = await importParameters(kms, id, { keySpec })
      const key = createPublicKey({ key: parameters.publicKey, format: 'der', type: 'spki' })
      assert.equal(key.asymmetricKeyDetails?.modulusLength, bits)
      succeeded(await importWith(kms, id, parameters, material))
    }
  })

  test('takes HMAC material of any length in its range', async () => {
    for (const [spec, hash, bytes] of [
      ['HMAC_224', 'sha224', 28],
      ['HMAC_256', 'sha256', 77],
      ['HMAC_512', 'sha512', 128],
    ] as const) {
      const { id } = await external({ KeySpec: spec, KeyUsage: 'GENERATE_VERIFY_MAC' })
      const material = randomBytes(bytes)
      succeeded(await importMaterial(kms, id, material))
      const MacAlgorithm = spec.replace('HMAC', 'HMAC_SHA')
      const input = { KeyId: id, Message: blob('message'), MacAlgorithm }
      const mac = textOf(succeeded(await kms.kms('GenerateMac', input)), 'Mac')
      assert.equal(mac, createHmac(hash, material).update('message').digest('base64'))
    }
  })

  test('takes private keys, and derives the public ones', async () => {
    for (const [spec, pair, algorithm, wrapping] of [
      [
        'RSA_2048',
        generateKeyPairSync('rsa', { modulusLength: 2048 }),
        'RSASSA_PKCS1_V1_5_SHA_256',
        HYBRID,
      ],
      ['ECC_NIST_P256', generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'ECDSA_SHA_256', RAW],
      [
        'ECC_SECG_P256K1',
        generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
        'ECDSA_SHA_256',
        RAW,
      ],
    ] as const) {
      const { id } = await external({ KeySpec: spec, KeyUsage: 'SIGN_VERIFY' })
      const input = { KeyId: id, Message: blob('message'), SigningAlgorithm: algorithm }
      refused(await kms.kms('Sign', input), 'KMSInvalidStateException', /is pending import\.$/)
      refused(
        await kms.kms('GetPublicKey', input),
        'KMSInvalidStateException',
        /is pending import\.$/,
      )
      const material = pkcs8(pair.privateKey)
      succeeded(await importMaterial(kms, id, material, { algorithm: wrapping }))
      const signature = textOf(succeeded(await kms.kms('Sign', input)), 'Signature')
      const bytes = Buffer.from(signature, 'base64')
      assert.ok(verify('sha256', Buffer.from('message'), pair.publicKey, bytes), spec)
      const publicKey = textOf(succeeded(await kms.kms('GetPublicKey', { KeyId: id })), 'PublicKey')
      assert.equal(
        publicKey,
        pair.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
      )
    }
  })

  test('one material for ever is all that asymmetric and HMAC keys have', async () => {
    const { id } = await external({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' })
    const material = randomBytes(32)
    for (const [member, value] of Object.entries({
      ImportType: 'NEW_KEY_MATERIAL',
      KeyMaterialDescription: 'mine',
      KeyMaterialId: '0'.repeat(64),
    })) {
      const members = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE', [member]: value }
      refused(
        await importMaterial(kms, id, material, { members }),
        'UnsupportedOperationException',
        `${member} is not supported for keys with KeySpec HMAC_256.`,
      )
    }
    succeeded(await importMaterial(kms, id, material))
    refused(await importMaterial(kms, id, randomBytes(32)), 'IncorrectKeyMaterialException')
    succeeded(await importMaterial(kms, id, material))
  })

  test('what does not unwrap is an invalid ciphertext, what is no material incorrect', async () => {
    const { id } = await external()
    const parameters = await importParameters(kms, id)
    const wrong = await importParameters(kms, id)
    refused(
      await importWith(kms, id, { ...parameters, publicKey: wrong.publicKey }, randomBytes(32)),
      'InvalidCiphertextException',
    )
    refused(
      await importWith(kms, id, { ...parameters, algorithm: 'RSAES_OAEP_SHA_1' }, randomBytes(32)),
      'InvalidCiphertextException',
    )
    for (const bytes of [16, 31, 33]) {
      refused(
        await importWith(kms, id, parameters, randomBytes(bytes)),
        'IncorrectKeyMaterialException',
      )
    }
    const curve = await external({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })
    const other = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
    refused(
      await importMaterial(kms, curve.id, pkcs8(other.privateKey)),
      'IncorrectKeyMaterialException',
    )
    assert.equal((await describeKey(id))['KeyState'], 'PendingImport')
  })

  test('a token is for one key, one Region and one day', async () => {
    const { id } = await external()
    const other = await external()
    const parameters = await importParameters(kms, id)
    const material = randomBytes(32)
    refused(await importWith(kms, other.id, parameters, material), 'InvalidImportTokenException')
    const bytes = Buffer.from(parameters.token, 'base64')
    bytes[30] = (bytes[30] ?? 0) ^ 1
    const forged = { ...parameters, token: bytes.toString('base64') }
    refused(await importWith(kms, id, forged, material), 'InvalidImportTokenException')
    const cut = { ...parameters, token: bytes.subarray(0, 8).toString('base64') }
    refused(await importWith(kms, id, cut, material), 'InvalidImportTokenException')
    node.clock.advance({ days: 1, ms: -1 })
    succeeded(await importWith(kms, id, parameters, material))
    node.clock.advance({ ms: 1 })
    refused(await importWith(kms, id, parameters, material), 'ExpiredImportTokenException')
  })

  test('earlier parameters stay good beside later ones', async () => {
    const { id } = await external()
    const first = await importParameters(kms, id)
    const second = await importParameters(kms, id)
    assert.notEqual(first.token, second.token)
    const material = randomBytes(32)
    succeeded(await importWith(kms, id, second, material))
    succeeded(await importWith(kms, id, first, material))
  })

  test('says until when parameters are good', async () => {
    const { id, arn } = await external()
    const input = { KeyId: id, WrappingAlgorithm: RAW, WrappingKeySpec: 'RSA_2048' }
    const reply = succeeded(await kms.kms('GetParametersForImport', input))
    assert.deepEqual(Object.keys(reply).sort(), [
      'ImportToken',
      'KeyId',
      'ParametersValidTo',
      'PublicKey',
    ])
    assert.equal(reply['KeyId'], arn)
    assert.equal(reply['ParametersValidTo'], (node.clock.now() + DAY_MS) / 1000)
  })

  test('wrapping that does not fit the key is not offered', async () => {
    const keys = {
      SYMMETRIC_DEFAULT: await external(),
      RSA_2048: await external({ KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' }),
      ECC_NIST_P521: await external({ KeySpec: 'ECC_NIST_P521', KeyUsage: 'SIGN_VERIFY' }),
    }
    for (const [spec, WrappingAlgorithm, WrappingKeySpec] of [
      ['SYMMETRIC_DEFAULT', 'RSAES_PKCS1_V1_5', 'RSA_2048'],
      ['SYMMETRIC_DEFAULT', 'SM2PKE', 'SM2'],
      ['SYMMETRIC_DEFAULT', 'SM2PKE', 'RSA_2048'],
      ['SYMMETRIC_DEFAULT', RAW, 'SM2'],
      ['RSA_2048', RAW, 'RSA_4096'],
      ['ECC_NIST_P521', RAW, 'RSA_2048'],
    ] as const) {
      const input = { KeyId: keys[spec].id, WrappingAlgorithm, WrappingKeySpec }
      refused(
        await kms.kms('GetParametersForImport', input),
        'UnsupportedOperationException',
        `${WrappingAlgorithm} with ${WrappingKeySpec} is not supported for importing key material into keys with KeySpec ${spec}.`,
      )
    }
  })

  test('a key with material of ours takes none', async () => {
    const { id, arn } = await createKey(kms)
    const { id: external1 } = await external()
    const parameters = await importParameters(kms, external1)
    const message = `${arn} origin is AWS_KMS which is not valid for this operation.`
    const input = { KeyId: id, WrappingAlgorithm: RAW, WrappingKeySpec: 'RSA_2048' }
    refused(
      await kms.kms('GetParametersForImport', input),
      'UnsupportedOperationException',
      message,
    )
    refused(
      await importWith(kms, id, parameters, randomBytes(32)),
      'UnsupportedOperationException',
      message,
    )
    refused(
      await kms.kms('DeleteImportedKeyMaterial', { KeyId: id }),
      'UnsupportedOperationException',
      message,
    )
    succeeded(await kms.kms('ScheduleKeyDeletion', { KeyId: id }))
    refused(
      await kms.kms('GetParametersForImport', input),
      'KMSInvalidStateException',
      `${arn} is pending deletion.`,
    )
  })

  test('the key is looked for before the token, and the dates before the key', async () => {
    const KeyId = '00000000-0000-4000-8000-000000000000'
    const rest = { ImportToken: blob('no token'), EncryptedKeyMaterial: blob('nothing') }
    const never = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' }
    refused(
      await kms.kms('ImportKeyMaterial', { KeyId, ...rest, ...never }),
      'NotFoundException',
      `Key 'arn:aws:kms:eu-central-1:${ACCOUNT}:key/${KeyId}' does not exist`,
    )
    const now = node.clock.now() / 1000
    const day = DAY_MS / 1000
    const range = 'The validTo date must be in the future, at most 365 days from now'
    for (const [members, message] of [
      [{}, 'A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES'],
      [
        { ...never, ValidTo: now + day },
        'A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE',
      ],
      [{ ValidTo: now }, range],
      [{ ValidTo: now + 365 * day + 1 }, range],
      [
        { ...never, ImportType: 'NEW_KEY_MATERIAL', KeyMaterialId: '0'.repeat(64) },
        'KeyMaterialId must not be set if the ImportType is NEW_KEY_MATERIAL',
      ],
    ] as const) {
      const answer = await kms.kms('ImportKeyMaterial', { KeyId, ...rest, ...members })
      refused(answer, 'ValidationException', message)
    }
  })

  test('leaves nothing of token or material in the log', async () => {
    const { id, arn } = await external()
    const parameters = await importParameters(kms, id)
    const material = randomBytes(32)
    const ValidTo = node.clock.now() / 1000 + 100
    const answer = await importWith(kms, id, parameters, material, { ValidTo })
    const record = node.sink.record(answer.requestId)
    assert.deepEqual(record['requestParameters'], {
      keyId: id,
      validTo: 'Jan 16, 2026, 10:01:40 AM',
      expirationModel: 'KEY_MATERIAL_EXPIRES',
    })
    assert.deepEqual(record['responseElements'], {
      keyId: arn,
      keyMaterialId: materialIdOf(id, material),
    })
    assert.equal(record['readOnly'], false)
    const log = node.sink.texts.join('')
    assert.ok(!log.includes(parameters.token))
    assert.ok(!log.includes(material.toString('base64')))
    assert.ok(!log.includes(material.toString('hex')))
  })
})
