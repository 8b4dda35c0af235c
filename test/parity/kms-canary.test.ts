import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { parseAccountId, parseKeyId } from '../../src/core/ids.ts'
import { parseRegion } from '../../src/core/regions.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { plantSeed } from '../../src/server/dev/dev-seed.ts'
import {
  drawCredential,
  rotateCredentials,
  storeAccount,
} from '../../src/server/operator/accounts.ts'
import { KMS_OPERATIONS } from '../../src/services/kms/operations.ts'
import { CLUSTER, CREDENTIAL, PROXY } from '../support/custom-key-stores.ts'
import { wrapMaterial } from '../support/key-import.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { formsOf } from '../support/secret-forms.ts'
import {
  membersOf,
  succeeded,
  textOf,
  type WireAnswer,
  type WireChange,
  WireClient,
} from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const SEEDED_KEY = '12345678-1234-4234-8234-123456789012'
/** Longer than a block, so that no part of it can be chance. */
const PLAINTEXT = Buffer.from('CANARY-plaintext-7fa90c41-of-the-caller')
const MATERIAL = Buffer.from('CANARY-material-4c1d-of-the-key!')

describe('secrets that go through every operation', () => {
  let node: MemoryNode
  let kms: WireClient
  let proper: WireChange
  const secrets: Uint8Array[] = [PLAINTEXT, MATERIAL]
  /** Replies that may hold no secret at all. */
  const refusals: WireAnswer[] = []
  const called = new Set<string>()

  before(async () => {
    node = await startMemoryNode({ closed: true })
    const accountId = parseAccountId(ACCOUNT)
    const region = parseRegion('eu-central-1')
    const keyId = parseKeyId(SEEDED_KEY)
    assert.ok(accountId && region && keyId)
    const material = new Uint8Array(MATERIAL)
    await plantSeed(node.records, node.clock, [{ accountId, region, keyId, material, aliases: [] }])
    const parts = { records: node.records, clock: node.clock, random: createRandom() }
    await storeAccount(parts, drawCredential(parts.random, accountId), 'first')
    const issued = await rotateCredentials(parts, ACCOUNT)
    secrets.push(Buffer.from(issued.secretAccessKey))
    kms = new WireClient(node.endpoint, issued.accessKeyId)
    proper = { secret: issued.secretAccessKey }
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  const call = async (operation: string, input: object): Promise<Record<string, string>> => {
    called.add(operation)
    const answer = await kms.kms(operation, input, proper)
    if (answer.status !== 200) refusals.push(answer)
    // Only members that are texts are looked at by the callers.
    return answer.json as Record<string, string>
  }

  const KeyId = SEEDED_KEY
  const Plaintext = PLAINTEXT.toString('base64')
  const remember = (text: string | undefined): void => {
    assert.ok(text)
    secrets.push(Buffer.from(text, 'base64'))
  }

  test('are sent, received and refused', async () => {
    const sealed = await call('Encrypt', { KeyId, Plaintext })
    const { CiphertextBlob } = sealed
    assert.equal((await call('Decrypt', { CiphertextBlob }))['Plaintext'], Plaintext)
    await call('ReEncrypt', { CiphertextBlob, DestinationKeyId: KeyId })
    for (const size of [{ KeySpec: 'AES_256' }, { NumberOfBytes: 64 }]) {
      const made = await call('GenerateDataKey', { KeyId, ...size })
      remember(made['Plaintext'])
      await call('Decrypt', { CiphertextBlob: made['CiphertextBlob'], KeyId })
    }
    const unseen = await call('GenerateDataKeyWithoutPlaintext', { KeyId, KeySpec: 'AES_256' })
    remember((await call('Decrypt', { CiphertextBlob: unseen['CiphertextBlob'] }))['Plaintext'])
    remember((await call('GenerateRandom', { NumberOfBytes: 48 }))['Plaintext'])
    const GrantTokens = [`CANARY-token-${'x'.repeat(40)}`]
    secrets.push(Buffer.from(GrantTokens[0] ?? ''))
    const AttestationDocument = Buffer.from('CANARY-attestation-document-0f2e').toString('base64')
    secrets.push(Buffer.from(AttestationDocument, 'base64'))
    for (const wrong of [
      { KeyId: 'nonsense' },
      { KeyId: 5 },
      { EncryptionAlgorithm: 'NONE' },
      { EncryptionAlgorithm: 'SM2PKE' },
      { GrantTokens },
      { DryRun: true },
      { Plaintext: PLAINTEXT.toString('utf8') },
      { Plaintext: [Plaintext] },
      { Plaintext: { Plaintext } },
      { Plaintext: Buffer.alloc(4097, PLAINTEXT).toString('base64') },
      { EncryptionContext: 5 },
    ]) {
      await call('Encrypt', { KeyId, Plaintext, ...wrong })
    }
    await call('GenerateDataKey', { KeyId, KeySpec: 'AES_256', Recipient: { AttestationDocument } })
    await call('Decrypt', { CiphertextBlob, EncryptionContext: { a: 'b' } })
    await call('Decrypt', { CiphertextBlob, GrantTokens })
  })

  /** Makes a key and gives its id. */
  const newKey = async (KeySpec: string, KeyUsage: string): Promise<string> => {
    const made = await kms.kms('CreateKey', { KeySpec, KeyUsage }, proper)
    return textOf(membersOf(succeeded(made), 'KeyMetadata'), 'KeyId')
  }

  test('are signed, authenticated and agreed on', async () => {
    const signing = { KeyId: await newKey('ECC_SECG_P256K1', 'SIGN_VERIFY'), Message: Plaintext }
    const SigningAlgorithm = 'ECDSA_SHA_256'
    const { Signature } = await call('Sign', { ...signing, SigningAlgorithm })
    remember(Signature)
    await call('Verify', { ...signing, SigningAlgorithm, Signature })
    await call('Verify', { ...signing, SigningAlgorithm, Signature: Plaintext })
    await call('Sign', { ...signing, SigningAlgorithm, MessageType: 'DIGEST' })
    const MacAlgorithm = 'HMAC_SHA_384'
    const mac = { KeyId: await newKey('HMAC_384', 'GENERATE_VERIFY_MAC'), MacAlgorithm }
    const { Mac } = await call('GenerateMac', { ...mac, Message: Plaintext })
    remember(Mac)
    await call('VerifyMac', { ...mac, Message: Plaintext, Mac })
    await call('VerifyMac', { ...mac, Message: Plaintext, Mac: Plaintext })
    const KeyAgreementAlgorithm = 'ECDH'
    const agreement = { KeyId: await newKey('ECC_NIST_P256', 'KEY_AGREEMENT') }
    const { PublicKey } = await call('GetPublicKey', agreement)
    const derivation = { ...agreement, KeyAgreementAlgorithm }
    remember((await call('DeriveSharedSecret', { ...derivation, PublicKey }))['SharedSecret'])
    await call('DeriveSharedSecret', { ...derivation, PublicKey: Plaintext })
    const EncapsulationAlgorithm = 'ML_KEM'
    const kem = { KeyId: await newKey('ML_KEM_512', 'ENCAPSULATE_DECAPSULATE') }
    const made = await call('Encapsulate', { ...kem, EncapsulationAlgorithm })
    remember(made['SharedSecret'])
    const SharedSecretCiphertextBlob = made['SharedSecretCiphertextBlob']
    await call('Decapsulate', { ...kem, EncapsulationAlgorithm, SharedSecretCiphertextBlob })
  })

  test('are private keys, and what was encrypted to public ones', async () => {
    const pair = { KeyId, KeyPairSpec: 'ECC_NIST_EDWARDS25519' }
    remember((await call('GenerateDataKeyPair', pair))['PrivateKeyPlaintext'])
    const unseen = await call('GenerateDataKeyPairWithoutPlaintext', pair)
    const CiphertextBlob = unseen['PrivateKeyCiphertextBlob']
    remember((await call('Decrypt', { CiphertextBlob }))['Plaintext'])
    const EncryptionAlgorithm = 'RSAES_OAEP_SHA_256'
    const rsa = { KeyId: await newKey('RSA_2048', 'ENCRYPT_DECRYPT'), EncryptionAlgorithm }
    const sealed = await call('Encrypt', { ...rsa, Plaintext })
    const opened = await call('Decrypt', { ...rsa, CiphertextBlob: sealed['CiphertextBlob'] })
    assert.equal(opened['Plaintext'], Plaintext)
    const long = Buffer.alloc(400, PLAINTEXT).toString('base64')
    await call('Encrypt', { ...rsa, Plaintext: long })
    await call('Decrypt', { ...rsa, CiphertextBlob: Plaintext })
  })

  test('are kept with custom key stores', async () => {
    const { AccessKeyId, RawSecretAccessKey } = CREDENTIAL
    for (const secret of [AccessKeyId, RawSecretAccessKey, CLUSTER.KeyStorePassword]) {
      secrets.push(Buffer.from(secret))
    }
    const { CustomKeyStoreId } = await call('CreateCustomKeyStore', {
      CustomKeyStoreName: 'canary',
      ...PROXY,
    })
    assert.ok(CustomKeyStoreId)
    await call('CreateCustomKeyStore', { CustomKeyStoreName: 'cluster', ...CLUSTER })
    await call('CreateCustomKeyStore', { CustomKeyStoreName: 'both', ...PROXY, ...CLUSTER })
    const more = { CustomKeyStoreId, XksProxyAuthenticationCredential: CREDENTIAL }
    await call('UpdateCustomKeyStore', more)
    await call('UpdateCustomKeyStore', { ...more, KeyStorePassword: CLUSTER.KeyStorePassword })
    await call('UpdateCustomKeyStore', { ...more, CustomKeyStoreId: 'cks-1' })
    const answer = await kms.kms('DescribeCustomKeyStores', { CustomKeyStoreId }, proper)
    assert.ok(!answer.text.includes(RawSecretAccessKey))
    for (const operation of [
      'DescribeCustomKeyStores',
      'ConnectCustomKeyStore',
      'DisconnectCustomKeyStore',
    ]) {
      await call(operation, { CustomKeyStoreId })
    }
    await node.runTimedWork()
    await call('DeleteCustomKeyStore', { CustomKeyStoreId })
    node.sink.isFailing = true
    refusals.push(
      await kms.kms('CreateCustomKeyStore', { CustomKeyStoreName: 'b', ...PROXY }, proper),
    )
    node.sink.isFailing = false
  })

  test('are tokens of grants', async () => {
    const grant = {
      KeyId,
      GranteePrincipal: `arn:aws:iam::${ACCOUNT}:root`,
      Operations: ['Decrypt'],
    }
    const { GrantToken = '', GrantId } = await call('CreateGrant', grant)
    secrets.push(Buffer.from(GrantToken))
    await call('CreateGrant', { ...grant, GrantTokens: [GrantToken] })
    await call('ListGrants', { KeyId, GrantTokens: [GrantToken] })
    await call('ListRetirableGrants', { RetiringPrincipal: grant.GranteePrincipal })
    await call('DescribeKey', { KeyId, GrantTokens: [`${GrantToken}A`] })
    await call('RevokeGrant', { KeyId, GrantId, GrantToken })
    await call('RetireGrant', { GrantToken })
    await call('DescribeKey', { KeyId, GrantTokens: [GrantToken] })
    await call('GetKeyLastUsage', { KeyId })
  })

  test('are imported', async () => {
    const made = await kms.kms('CreateKey', { Origin: 'EXTERNAL' }, proper)
    const imported = textOf(membersOf(succeeded(made), 'KeyMetadata'), 'KeyId')
    const WrappingAlgorithm = 'RSAES_OAEP_SHA_256'
    const offer = { KeyId: imported, WrappingAlgorithm, WrappingKeySpec: 'RSA_2048' }
    const { PublicKey = '', ImportToken } = await call('GetParametersForImport', offer)
    remember(ImportToken)
    const wrap = (material: Uint8Array): string =>
      wrapMaterial(Buffer.from(PublicKey, 'base64'), WrappingAlgorithm, material).toString('base64')
    const material = Buffer.from('CANARY-imported-material-b1-0d93')
    secrets.push(material)
    const members = { KeyId: imported, ImportToken, EncryptedKeyMaterial: wrap(material) }
    const ExpirationModel = 'KEY_MATERIAL_DOES_NOT_EXPIRE'
    await call('ImportKeyMaterial', { ...members, ExpirationModel })
    for (const wrong of [
      {},
      { ExpirationModel, EncryptedKeyMaterial: wrap(Buffer.concat([material, material])) },
      { ExpirationModel, EncryptedKeyMaterial: material.toString('base64') },
      { ExpirationModel, ImportToken: material.toString('base64') },
      { ExpirationModel, ImportToken: material.toString('utf8') },
      { ExpirationModel, KeyId },
    ]) {
      await call('ImportKeyMaterial', { ...members, ...wrong })
    }
    await call('DeleteImportedKeyMaterial', { KeyId: imported })
  })

  test('go through everything else as well', async () => {
    const TargetKeyId = KeyId
    const Policy = '{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}'
    for (const [operation, input] of [
      ['CreateKey', {}],
      ['CreateAlias', { AliasName: 'alias/canary', TargetKeyId }],
      ['UpdateAlias', { AliasName: 'alias/canary', TargetKeyId }],
      ['DeleteAlias', { AliasName: 'alias/canary' }],
      ['UpdateKeyDescription', { KeyId, Description: 'd' }],
      ['TagResource', { KeyId, Tags: [{ TagKey: 'a', TagValue: 'b' }] }],
      ['UntagResource', { KeyId, TagKeys: ['a'] }],
      ['PutKeyPolicy', { KeyId, Policy }],
      ['GetKeyPolicy', { KeyId }],
      ['DescribeKey', { KeyId }],
      ['ListKeys', {}],
      ['ListAliases', {}],
      ['ListKeyPolicies', { KeyId }],
      ['ListResourceTags', { KeyId }],
      ['DisableKey', { KeyId }],
      ['EnableKey', { KeyId }],
      ['EnableKeyRotation', { KeyId }],
      ['GetKeyRotationStatus', { KeyId }],
      ['RotateKeyOnDemand', { KeyId }],
      ['ListKeyRotations', { KeyId }],
      ['DisableKeyRotation', { KeyId }],
      ['ScheduleKeyDeletion', { KeyId }],
      ['CancelKeyDeletion', { KeyId }],
      ['EnableKey', { KeyId }],
      ['ReplicateKey', { KeyId, ReplicaRegion: 'eu-west-1' }],
      ['UpdatePrimaryRegion', { KeyId, PrimaryRegion: 'eu-west-1' }],
    ] as const) {
      // The caller's secret where it has no business to be: an unknown member, then a known one.
      await call(operation, { ...input, Plaintext })
    }
    assert.deepEqual(
      Object.keys(KMS_OPERATIONS).filter((operation) => !called.has(operation)),
      [],
    )
  })

  test('stay out of the operator’s log when the node itself fails', async () => {
    node.sink.isFailing = true
    for (const [operation, input] of [
      ['Encrypt', { KeyId, Plaintext }],
      ['GenerateDataKey', { KeyId, KeySpec: 'AES_256' }],
      ['CreateKey', {}],
    ] as const) {
      const answer = await kms.kms(operation, input, proper)
      assert.equal(answer.status, 500)
      refusals.push(answer)
    }
    node.sink.isFailing = false
    await kms.kms('ListKeys', '{', { ...proper, authorization: (made) => `${made}0` })
  })

  test('stand in no frame, no log line and no refusal', () => {
    const places: Readonly<Record<string, readonly string[]>> = {
      frames: node.sink.texts,
      log: node.log.lines,
      refusals: refusals.map(({ text, headers }) => `${text} ${inspect(headers)}`),
    }
    assert.deepEqual([secrets.length, node.sink.texts.length > 40, refusals.length], [21, true, 39])
    assert.ok(node.log.lines.length >= 3)
    for (const [place, texts] of Object.entries(places)) {
      for (const text of texts) {
        for (const [at, secret] of secrets.entries()) {
          for (const form of formsOf(secret)) {
            assert.ok(!text.includes(form), `secret ${at} as ${form} in ${place}: ${text}`)
          }
        }
      }
    }
  })

  test('would be found if they did: the search finds each form in a text', () => {
    for (const secret of secrets) {
      const base64 = Buffer.from(secret).toString('base64')
      const shifted = Buffer.concat([Buffer.from('x'), secret]).toString('base64')
      const json = JSON.stringify({ bytes: [...secret] })
      for (const text of [base64, shifted, json, inspect(Buffer.from(secret))]) {
        assert.ok(formsOf(secret).some((form) => text.includes(form)))
      }
    }
  })
})
