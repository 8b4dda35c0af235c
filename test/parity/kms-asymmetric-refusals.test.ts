import { after, before, describe, test } from 'node:test'
import { type Kind, makeSubject } from '../support/key-subject.ts'
import { ACCOUNT } from '../support/kms-client.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  assertPrecedence,
  BAD_TOKEN,
  changing,
  DISABLED_KEY,
  DRY_RUN,
  type Fault,
  FOREIGN_KEY,
  type Precedence,
  titleOf,
  UNKNOWN_KEY,
} from '../support/precedence.ts'
import { blob, createKey, refused, textOf, WireClient } from '../support/wire-client.ts'

const TO_THE_STATE: readonly Fault[] = [UNKNOWN_KEY, FOREIGN_KEY, BAD_TOKEN, DISABLED_KEY]
const Message = blob('kept')
const DIGEST = { MessageType: 'DIGEST', Message: blob('no digest') }
const SHAPE = changing('shape', 'ValidationException', { KeyId: '' })
const RECIPIENT = changing('recipient', 'ValidationException', {
  Recipient: { AttestationDocument: blob('none') },
})

interface AsymmetricPrecedence extends Precedence {
  readonly kind: Kind
}

const PRECEDENCES: readonly AsymmetricPrecedence[] = [
  {
    operation: 'Sign',
    kind: 'signing',
    input: ({ good }) => ({ KeyId: good.id, Message, SigningAlgorithm: 'ECDSA_SHA_256' }),
    faults: [
      SHAPE,
      ...TO_THE_STATE,
      changing('algorithm', 'InvalidKeyUsageException', { SigningAlgorithm: 'ECDSA_SHA_384' }),
      changing('digest', 'ValidationException', DIGEST),
      DRY_RUN,
    ],
  },
  {
    operation: 'Verify',
    kind: 'signing',
    input: ({ good }) => ({
      KeyId: good.id,
      Message,
      SigningAlgorithm: 'ECDSA_SHA_256',
      Signature: good.ciphertext,
    }),
    faults: [
      SHAPE,
      ...TO_THE_STATE,
      changing('algorithm', 'InvalidKeyUsageException', { SigningAlgorithm: 'SM2DSA' }),
      changing('digest', 'ValidationException', DIGEST),
      changing('signature', 'KMSInvalidSignatureException', { Signature: blob('none') }),
      DRY_RUN,
    ],
  },
  {
    operation: 'GenerateMac',
    kind: 'mac',
    input: ({ good }) => ({ KeyId: good.id, Message, MacAlgorithm: 'HMAC_SHA_256' }),
    faults: [
      SHAPE,
      ...TO_THE_STATE,
      changing('algorithm', 'InvalidKeyUsageException', { MacAlgorithm: 'HMAC_SHA_224' }),
      DRY_RUN,
    ],
  },
  {
    operation: 'VerifyMac',
    kind: 'mac',
    input: ({ good }) => ({
      KeyId: good.id,
      Message,
      MacAlgorithm: 'HMAC_SHA_256',
      Mac: good.ciphertext,
    }),
    faults: [
      SHAPE,
      ...TO_THE_STATE,
      changing('algorithm', 'InvalidKeyUsageException', { MacAlgorithm: 'HMAC_SHA_512' }),
      changing('MAC', 'KMSInvalidMacException', { Mac: blob('none') }),
      DRY_RUN,
    ],
  },
  {
    operation: 'DeriveSharedSecret',
    kind: 'agreement',
    input: ({ good }) => ({
      KeyId: good.id,
      KeyAgreementAlgorithm: 'ECDH',
      PublicKey: good.ciphertext,
    }),
    faults: [
      SHAPE,
      RECIPIENT,
      ...TO_THE_STATE,
      changing('public key', 'ValidationException', { PublicKey: blob('none') }),
      DRY_RUN,
    ],
  },
  {
    operation: 'Encapsulate',
    kind: 'encapsulation',
    input: ({ good }) => ({ KeyId: good.id, EncapsulationAlgorithm: 'ML_KEM' }),
    faults: [SHAPE, ...TO_THE_STATE, DRY_RUN],
  },
  {
    operation: 'Decapsulate',
    kind: 'encapsulation',
    input: ({ good }) => ({
      KeyId: good.id,
      EncapsulationAlgorithm: 'ML_KEM',
      SharedSecretCiphertextBlob: good.ciphertext,
    }),
    faults: [
      SHAPE,
      ...TO_THE_STATE,
      changing('length', 'InvalidCiphertextException', { SharedSecretCiphertextBlob: blob('x') }),
      DRY_RUN,
    ],
  },
  {
    operation: 'GetPublicKey',
    kind: 'agreement',
    input: ({ good }) => ({ KeyId: good.id }),
    faults: [SHAPE, ...TO_THE_STATE],
  },
  ...['GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext'].map(
    (operation): AsymmetricPrecedence => ({
      operation,
      kind: 'encryption',
      input: ({ good }) => ({ KeyId: good.id, KeyPairSpec: 'ECC_NIST_P256' }),
      faults: [
        SHAPE,
        ...(operation === 'GenerateDataKeyPair' ? [RECIPIENT] : []),
        ...TO_THE_STATE,
        changing('Region', 'UnsupportedOperationException', { KeyPairSpec: 'SM2' }),
        DRY_RUN,
      ],
    }),
  ),
]

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

describe('of two things that are wrong with the use of a key the earlier is told', () => {
  for (const precedence of PRECEDENCES) {
    test(titleOf(precedence), async () => {
      await assertPrecedence(kms, precedence, {
        good: await makeSubject(kms, 'Enabled', precedence.kind),
        disabled: await makeSubject(kms, 'Disabled', precedence.kind),
      })
    })
  }
})

/** By the use of a key: the calls that are for it, and how they name it. */
const USES = {
  ENCRYPT_DECRYPT: { KeySpec: 'RSA_2048', operations: ['Encrypt', 'Decrypt', 'ReEncrypt'] },
  SIGN_VERIFY: { KeySpec: 'ECC_NIST_P256', operations: ['Sign', 'Verify'] },
  GENERATE_VERIFY_MAC: { KeySpec: 'HMAC_256', operations: ['GenerateMac', 'VerifyMac'] },
  KEY_AGREEMENT: { KeySpec: 'ECC_NIST_P256', operations: ['DeriveSharedSecret'] },
  ENCAPSULATE_DECAPSULATE: {
    KeySpec: 'ML_KEM_512',
    operations: ['Encapsulate', 'Decapsulate'],
  },
} as const

/** The members that an operation needs, none of which fits anything but the usage could tell. */
const INPUTS: Readonly<Record<string, (keyId: string) => object>> = {
  Encrypt: (KeyId) => ({
    KeyId,
    Plaintext: Buffer.alloc(4096).toString('base64'),
    EncryptionAlgorithm: 'SM2PKE',
    EncryptionContext: { a: 'b' },
  }),
  Decrypt: (KeyId) => ({
    KeyId,
    CiphertextBlob: blob('none'),
    EncryptionAlgorithm: 'SM2PKE',
    EncryptionContext: { a: 'b' },
  }),
  ReEncrypt: (KeyId) => ({
    SourceKeyId: KeyId,
    DestinationKeyId: KeyId,
    CiphertextBlob: blob('none'),
  }),
  Sign: (KeyId) => ({ KeyId, ...DIGEST, SigningAlgorithm: 'SM2DSA' }),
  Verify: (KeyId) => ({
    KeyId,
    ...DIGEST,
    SigningAlgorithm: 'SM2DSA',
    Signature: blob('none'),
  }),
  GenerateMac: (KeyId) => ({ KeyId, Message, MacAlgorithm: 'HMAC_SHA_512' }),
  VerifyMac: (KeyId) => ({ KeyId, Message, MacAlgorithm: 'HMAC_SHA_512', Mac: blob('none') }),
  DeriveSharedSecret: (KeyId) => ({
    KeyId,
    KeyAgreementAlgorithm: 'ECDH',
    PublicKey: blob('none'),
  }),
  Encapsulate: (KeyId) => ({ KeyId, EncapsulationAlgorithm: 'ML_KEM' }),
  Decapsulate: (KeyId) => ({
    KeyId,
    EncapsulationAlgorithm: 'ML_KEM',
    SharedSecretCiphertextBlob: blob('none'),
  }),
  GenerateDataKey: (KeyId) => ({ KeyId, NumberOfBytes: 8 }),
  GenerateDataKeyWithoutPlaintext: (KeyId) => ({ KeyId, NumberOfBytes: 8 }),
  GenerateDataKeyPair: (KeyId) => ({ KeyId, KeyPairSpec: 'SM2' }),
  GenerateDataKeyPairWithoutPlaintext: (KeyId) => ({ KeyId, KeyPairSpec: 'SM2' }),
}

describe('a key of another use is refused before anything else about the request', () => {
  for (const [KeyUsage, { KeySpec, operations }] of Object.entries(USES)) {
    test(`${KeySpec} for ${KeyUsage}`, async () => {
      const { id, arn } = await createKey(kms, { KeySpec, KeyUsage })
      const own: readonly string[] = operations
      for (const [operation, input] of Object.entries(INPUTS)) {
        if (own.includes(operation)) continue
        const answer = await kms.kms(operation, input(id))
        const isDataKey = operation.startsWith('GenerateDataKey')
        const text =
          KeyUsage === 'ENCRYPT_DECRYPT' && isDataKey
            ? `Algorithm SYMMETRIC_DEFAULT is incompatible with key spec ${KeySpec}.`
            : `${arn} key usage is ${KeyUsage} which is not valid for ${operation}.`
        refused(answer, 'InvalidKeyUsageException', text)
      }
    })
  }

  test('a symmetric key signs, agrees and encapsulates nothing', async () => {
    const { id, arn } = await createKey(kms)
    for (const operation of ['Sign', 'Verify', 'VerifyMac', 'DeriveSharedSecret', 'Decapsulate']) {
      refused(
        await kms.kms(operation, INPUTS[operation]?.(id)),
        'InvalidKeyUsageException',
        `${arn} key usage is ENCRYPT_DECRYPT which is not valid for ${operation}.`,
      )
    }
  })

  test('symmetric and HMAC keys have no public key; that they are disabled is told first', async () => {
    for (const input of [{}, { KeySpec: 'HMAC_384', KeyUsage: 'GENERATE_VERIFY_MAC' }]) {
      const { id, arn } = await createKey(kms, input)
      refused(await kms.kms('GetPublicKey', { KeyId: id }), 'UnsupportedOperationException')
      await kms.kms('DisableKey', { KeyId: id })
      const disabled = await kms.kms('GetPublicKey', { KeyId: id })
      refused(disabled, 'DisabledException', `${arn} is disabled.`)
    }
  })
})

/** Every signing algorithm with the specs that have it. Source: AWS KMS Developer Guide, Key spec reference. */
const SIGNING: readonly (readonly [string, RegExp])[] = [
  ['RSASSA_PSS_SHA_256', /^RSA/],
  ['RSASSA_PSS_SHA_384', /^RSA/],
  ['RSASSA_PSS_SHA_512', /^RSA/],
  ['RSASSA_PKCS1_V1_5_SHA_256', /^RSA/],
  ['RSASSA_PKCS1_V1_5_SHA_384', /^RSA/],
  ['RSASSA_PKCS1_V1_5_SHA_512', /^RSA/],
  ['ECDSA_SHA_256', /256/],
  ['ECDSA_SHA_384', /384/],
  ['ECDSA_SHA_512', /521/],
  ['ED25519_SHA_512', /EDWARDS/],
  ['ED25519_PH_SHA_512', /EDWARDS/],
  ['ML_DSA_SHAKE_256', /^ML_DSA/],
  ['SM2DSA', /^SM2/],
]

describe('what a signing key does not take', () => {
  for (const KeySpec of [
    'RSA_2048',
    'ECC_NIST_P256',
    'ECC_NIST_P384',
    'ECC_NIST_P521',
    'ECC_SECG_P256K1',
    'ECC_NIST_EDWARDS25519',
    'ML_DSA_44',
  ]) {
    test(`${KeySpec}: the algorithms of other specs, kinds and lengths that no algorithm has`, async () => {
      const { id } = await createKey(kms, { KeySpec, KeyUsage: 'SIGN_VERIFY' })
      for (const [SigningAlgorithm, specs] of SIGNING) {
        const both = async (more: object, code: string, text: string): Promise<void> => {
          const input = { KeyId: id, Message, SigningAlgorithm, Signature: blob('none'), ...more }
          refused(await kms.kms('Sign', input), code, text)
          refused(await kms.kms('Verify', input), code, text)
        }
        if (!specs.test(KeySpec)) {
          const text = `Algorithm ${SigningAlgorithm} is incompatible with key spec ${KeySpec}.`
          await both({}, 'InvalidKeyUsageException', text)
          await both({ MessageType: 'DIGEST' }, 'InvalidKeyUsageException', text)
          continue
        }
        for (const [MessageType, exactBytes] of kindsOf(SigningAlgorithm)) {
          if (exactBytes === undefined) {
            const text = `MessageType ${MessageType} is not valid for algorithm ${SigningAlgorithm}.`
            await both({ MessageType }, 'ValidationException', text)
            continue
          }
          for (const bytes of [1, exactBytes - 1, exactBytes + 1, 4096]) {
            await both(
              { MessageType, Message: Buffer.alloc(bytes, 1).toString('base64') },
              'ValidationException',
              `Digest is invalid length for algorithm ${SigningAlgorithm}.`,
            )
          }
        }
      }
    })
  }

  test('messages that are empty or longer than 4,096 bytes are no requests', async () => {
    const { id } = await createKey(kms, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })
    for (const [bytes, rule] of [
      [0, 'greater than or equal to 1'],
      [4097, 'less than or equal to 4096'],
    ] as const) {
      const answer = await kms.kms('Sign', {
        KeyId: id,
        Message: Buffer.alloc(bytes).toString('base64'),
        SigningAlgorithm: 'ECDSA_SHA_256',
      })
      refused(
        answer,
        'ValidationException',
        `1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have length ${rule}`,
      )
    }
  })
})

/** The kinds of message beside RAW with their exact length, and those that the algorithm does not have. */
function kindsOf(algorithm: string): readonly (readonly [string, number | undefined])[] {
  if (algorithm === 'ED25519_SHA_512') {
    return [
      ['DIGEST', undefined],
      ['EXTERNAL_MU', undefined],
    ]
  }
  if (algorithm === 'ED25519_PH_SHA_512') {
    return [
      ['RAW', undefined],
      ['DIGEST', 64],
      ['EXTERNAL_MU', undefined],
    ]
  }
  if (algorithm === 'ML_DSA_SHAKE_256') {
    return [
      ['DIGEST', undefined],
      ['EXTERNAL_MU', 64],
    ]
  }
  const digestBytes = Number(algorithm.slice(-3)) / 8
  return [
    ['DIGEST', digestBytes],
    ['EXTERNAL_MU', undefined],
  ]
}

test('a MAC of another length or value is refused without a message', async () => {
  const { id } = await createKey(kms, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' })
  const input = { KeyId: id, Message, MacAlgorithm: 'HMAC_SHA_256' }
  const made = await kms.kms('GenerateMac', input)
  const mac = Buffer.from(textOf(made.json, 'Mac'), 'base64')
  for (const wrong of [mac.subarray(1), Buffer.concat([mac, mac]), Buffer.alloc(32), blob('x')]) {
    const Mac = Buffer.from(wrong).toString('base64')
    refused(await kms.kms('VerifyMac', { ...input, Mac }), 'KMSInvalidMacException')
  }
})
