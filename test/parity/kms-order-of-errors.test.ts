import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { makeSubject } from '../support/key-subject.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  assertPrecedence,
  BAD_TOKEN,
  changing,
  DISABLED_KEY,
  DRY_RUN,
  type Fault,
  FOREIGN,
  FOREIGN_KEY,
  NO_KEY,
  type Precedence,
  type Subjects,
  titleOf,
  UNKNOWN_KEY,
  WRONG_TYPE,
} from '../support/precedence.ts'
import { blob, refused, WireClient } from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const POLICY = '{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}'

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

const RECIPIENT: Fault = {
  stage: 'recipient',
  change: () => ({ Recipient: { AttestationDocument: blob('document') } }),
  code: 'ValidationException',
}
/** The text with one character in the middle of its tag flipped. */
const tampered = (ciphertext: string): string => {
  const bytes = Buffer.from(ciphertext, 'base64')
  const at = bytes.length - 1
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes.toString('base64')
}

const PRECEDENCES: readonly Precedence[] = [
  {
    operation: 'Encrypt',
    input: ({ good }) => ({ KeyId: good.id, Plaintext: blob('x') }),
    faults: [
      WRONG_TYPE,
      changing('shape', 'ValidationException', { Plaintext: '' }),
      UNKNOWN_KEY,
      FOREIGN_KEY,
      BAD_TOKEN,
      DISABLED_KEY,
      changing('algorithm', 'InvalidKeyUsageException', {
        EncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
      }),
      DRY_RUN,
    ],
  },
  {
    operation: 'Decrypt',
    input: ({ good }) => ({ KeyId: good.id, CiphertextBlob: good.ciphertext }),
    faults: [
      WRONG_TYPE,
      changing('shape', 'ValidationException', { CiphertextBlob: '' }),
      RECIPIENT,
      UNKNOWN_KEY,
      FOREIGN_KEY,
      BAD_TOKEN,
      DISABLED_KEY,
      {
        stage: 'wrong key',
        change: ({ disabled }) => ({ CiphertextBlob: disabled.ciphertext }),
        code: 'IncorrectKeyException',
      },
      changing('algorithm', 'InvalidKeyUsageException', { EncryptionAlgorithm: 'SM2PKE' }),
      {
        stage: 'ciphertext',
        change: ({ good }) => ({ CiphertextBlob: tampered(good.ciphertext) }),
        code: 'InvalidCiphertextException',
      },
      changing('context', 'InvalidCiphertextException', { EncryptionContext: { a: 'b' } }),
      DRY_RUN,
    ],
  },
  {
    operation: 'ReEncrypt',
    input: ({ good }) => ({
      CiphertextBlob: good.ciphertext,
      DestinationKeyId: good.id,
      SourceKeyId: good.id,
    }),
    faults: [
      changing('type', 'SerializationException', { SourceEncryptionContext: 'no map' }),
      changing('shape', 'ValidationException', { DestinationEncryptionAlgorithm: 'NONE' }),
      changing('source resolution', 'NotFoundException', { SourceKeyId: 'alias/none' }),
      changing('source authorization', 'AccessDeniedException', { SourceKeyId: FOREIGN }),
      changing('destination resolution', 'NotFoundException', { DestinationKeyId: 'alias/none' }),
      changing('destination authorization', 'AccessDeniedException', { DestinationKeyId: FOREIGN }),
      BAD_TOKEN,
      {
        stage: 'destination state',
        change: ({ disabled }) => ({ DestinationKeyId: disabled.id }),
        code: 'DisabledException',
      },
      {
        stage: 'wrong source key',
        change: ({ disabled }) => ({ CiphertextBlob: disabled.ciphertext }),
        code: 'IncorrectKeyException',
      },
      changing('source algorithm', 'InvalidKeyUsageException', {
        SourceEncryptionAlgorithm: 'SM2PKE',
      }),
      changing('destination algorithm', 'InvalidKeyUsageException', {
        DestinationEncryptionAlgorithm: 'SM2PKE',
      }),
      {
        stage: 'ciphertext',
        change: ({ good }) => ({ CiphertextBlob: tampered(good.ciphertext) }),
        code: 'InvalidCiphertextException',
      },
      DRY_RUN,
    ],
  },
  ...['GenerateDataKey', 'GenerateDataKeyWithoutPlaintext'].map(
    (operation): Precedence => ({
      operation,
      input: ({ good }) => ({ KeyId: good.id, NumberOfBytes: 8 }),
      faults: [
        WRONG_TYPE,
        changing('shape', 'ValidationException', { NumberOfBytes: 1025 }),
        changing('two sizes', 'ValidationException', { KeySpec: 'AES_128' }),
        ...(operation === 'GenerateDataKey' ? [RECIPIENT] : []),
        UNKNOWN_KEY,
        FOREIGN_KEY,
        BAD_TOKEN,
        DISABLED_KEY,
        DRY_RUN,
      ],
    }),
  ),
  {
    operation: 'GenerateRandom',
    input: () => ({ NumberOfBytes: 8 }),
    faults: [
      changing('type', 'SerializationException', { Recipient: 5 }),
      changing('shape', 'ValidationException', { NumberOfBytes: 0 }),
      RECIPIENT,
      changing('key store', 'CustomKeyStoreNotFoundException', { CustomKeyStoreId: 'cks-1' }),
    ],
  },
  {
    operation: 'TagResource',
    input: ({ good }) => ({ KeyId: good.id, Tags: [{ TagKey: 'a', TagValue: 'b' }] }),
    faults: [
      changing('shape', 'ValidationException', { Tags: [{ TagKey: '', TagValue: '' }] }),
      changing('tags', 'TagException', { Tags: [{ TagKey: 'aws:a', TagValue: '' }] }),
      changing('resolution', 'NotFoundException', { KeyId: NO_KEY }),
      FOREIGN_KEY,
    ],
  },
  {
    operation: 'PutKeyPolicy',
    input: ({ good }) => ({ KeyId: good.id, Policy: POLICY }),
    faults: [
      changing('shape', 'ValidationException', { PolicyName: 'no name!' }),
      changing('resolution', 'NotFoundException', { KeyId: NO_KEY }),
      FOREIGN_KEY,
      changing('policy name', 'NotFoundException', { PolicyName: 'other' }),
      changing('policy', 'MalformedPolicyDocumentException', { Policy: '{}' }),
    ],
  },
  {
    operation: 'CreateAlias',
    input: ({ good }) => ({ AliasName: `alias/x-${good.id}`, TargetKeyId: good.id }),
    faults: [
      changing('shape', 'ValidationException', { AliasName: 'alias/with space' }),
      changing('reserved', 'NotAuthorizedException', { AliasName: 'alias/aws/mine' }),
      changing('resolution', 'NotFoundException', { TargetKeyId: NO_KEY }),
      changing('authorization', 'AccessDeniedException', { TargetKeyId: FOREIGN }),
      {
        stage: 'taken',
        change: ({ good }) => ({ AliasName: good.alias }),
        code: 'AlreadyExistsException',
      },
    ],
  },
  {
    operation: 'UpdateAlias',
    input: ({ good }) => ({ AliasName: good.alias, TargetKeyId: good.id }),
    faults: [
      changing('shape', 'ValidationException', { AliasName: '' }),
      changing('reserved', 'NotAuthorizedException', { AliasName: 'alias/aws/mine' }),
      changing('alias', 'NotFoundException', { AliasName: 'alias/none' }),
      changing('new target', 'AccessDeniedException', { TargetKeyId: FOREIGN }),
    ],
  },
  {
    operation: 'ScheduleKeyDeletion',
    input: ({ good }) => ({ KeyId: good.id }),
    faults: [
      changing('window', 'ValidationException', { PendingWindowInDays: 6 }),
      changing('resolution', 'NotFoundException', { KeyId: NO_KEY }),
      FOREIGN_KEY,
    ],
  },
  {
    operation: 'ListResourceTags',
    input: ({ good }) => ({ KeyId: good.id }),
    faults: [
      changing('limit', 'ValidationException', { Limit: 51 }),
      changing('resolution', 'NotFoundException', { KeyId: NO_KEY }),
      FOREIGN_KEY,
      changing('marker', 'InvalidMarkerException', { Marker: 'made-up' }),
    ],
  },
  {
    operation: 'ListAliases',
    input: ({ good }) => ({ KeyId: good.id }),
    faults: [
      changing('limit', 'ValidationException', { Limit: 101 }),
      changing('resolution', 'NotFoundException', { KeyId: NO_KEY }),
      FOREIGN_KEY,
      changing('marker', 'InvalidMarkerException', { Marker: 'made-up' }),
    ],
  },
  {
    operation: 'CreateKey',
    input: () => ({}),
    faults: [
      changing('type', 'SerializationException', { MultiRegion: 'yes' }),
      changing('shape', 'ValidationException', { KeySpec: 'NONE' }),
      changing('combination', 'ValidationException', { KeyUsage: 'SIGN_VERIFY' }),
      changing('tags', 'TagException', { Tags: [{ TagKey: 'AWS:a', TagValue: '' }] }),
      changing('policy', 'MalformedPolicyDocumentException', { Policy: '[]' }),
    ],
  },
]

describe('of two things that are wrong the earlier stage is told', () => {
  let subjects: Subjects

  before(async () => {
    subjects = {
      good: await makeSubject(kms, 'Enabled'),
      disabled: await makeSubject(kms, 'Disabled'),
    }
  })

  for (const precedence of PRECEDENCES) {
    test(titleOf(precedence), () => assertPrecedence(kms, precedence, subjects))
  }

  test('a bad signature is told before anything about the key, a bad body before the signature', async () => {
    const closed = await startMemoryNode({ closed: true })
    const client = new WireClient(closed.endpoint, 'AKIAIOSFODNN7EXAMPLE')
    const input = { KeyId: NO_KEY, Plaintext: '' }
    refused(
      await client.kms('Encrypt', input),
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
    )
    assert.equal((await client.kms('Encrypt', '{')).json['__type'], 'SerializationException')
    refused(await client.kms('Encode', input), 'UnknownOperationException')
    client.close()
    await closed.close()
  })
})
