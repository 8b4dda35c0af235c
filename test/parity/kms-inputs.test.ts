import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  blob,
  createKey,
  listOf,
  refused,
  succeeded,
  textOf,
  type WireAnswer,
  WireClient,
} from '../support/wire-client.ts'

const detected = (...failures: readonly string[]): string =>
  `${failures.length} validation error${failures.length === 1 ? '' : 's'} detected: ${failures.join('; ')}`
const failed = (value: string, path: string, rule: string): string =>
  `Value ${value}at '${path}' failed to satisfy constraint: Member must ${rule}`
const statement = (more: object = {}): object => ({
  Effect: 'Allow',
  Principal: { AWS: 'arn:aws:iam::111122223333:root' },
  Action: 'kms:*',
  Resource: '*',
  ...more,
})
const policy = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements })

describe('what inputs may be', () => {
  let node: MemoryNode
  let kms: WireClient
  let key: { readonly id: string; readonly arn: string }

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, '111122223333')
    key = await createKey(kms)
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  const invalid = (answer: WireAnswer, ...failures: readonly string[]): void =>
    refused(answer, 'ValidationException', detected(...failures))

  test('constraints are told in AWS’s words, secrets and blobs left out', async () => {
    invalid(
      await kms.kms('Encrypt', {}),
      failed('null ', 'keyId', 'not be null'),
      failed('null ', 'plaintext', 'not be null'),
    )
    const KeyId = key.id
    invalid(
      await kms.kms('Encrypt', { KeyId, Plaintext: blob('x'.repeat(4097)) }),
      failed('', 'plaintext', 'have length less than or equal to 4096'),
    )
    invalid(
      await kms.kms('Encrypt', { KeyId, Plaintext: '' }),
      failed('', 'plaintext', 'have length greater than or equal to 1'),
    )
    invalid(
      await kms.kms('DescribeKey', { KeyId: '' }),
      failed("'' ", 'keyId', 'have length greater than or equal to 1'),
    )
    invalid(
      await kms.kms('DescribeKey', { KeyId: 'x'.repeat(2049) }),
      failed(`'${'x'.repeat(2049)}' `, 'keyId', 'have length less than or equal to 2048'),
    )
    invalid(
      await kms.kms('GenerateRandom', { NumberOfBytes: 1025 }),
      failed("'1025' ", 'numberOfBytes', 'have value less than or equal to 1024'),
    )
    invalid(
      await kms.kms('UpdateKeyDescription', { KeyId }),
      failed('null ', 'description', 'not be null'),
    )
    invalid(
      await kms.kms('UpdateKeyDescription', { KeyId, Description: 'ä'.repeat(8193) }),
      failed('', 'description', 'have length less than or equal to 8192'),
    )
    invalid(
      await kms.kms('TagResource', {
        KeyId,
        Tags: [
          { TagKey: 'fine', TagValue: '' },
          { TagKey: '', TagValue: 'v'.repeat(257) },
        ],
      }),
      failed("'' ", 'tags.2.member.tagKey', 'have length greater than or equal to 1'),
      failed(
        `'${'v'.repeat(257)}' `,
        'tags.2.member.tagValue',
        'have length less than or equal to 256',
      ),
    )
  })

  test('an enumeration is told with its values', async () => {
    const answer = await kms.kms('GenerateDataKey', { KeyId: key.id, KeySpec: 'AES_512' })
    refused(
      answer,
      'ValidationException',
      /^1 validation error detected: Value 'AES_512' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: \[AES_(256, AES_128|128, AES_256)\]$/,
    )
  })

  test('a member of the wrong type is a SerializationException', async () => {
    for (const [operation, input] of [
      ['DescribeKey', { KeyId: 5 }],
      ['DescribeKey', { KeyId: ['x'] }],
      ['GenerateRandom', { NumberOfBytes: '32' }],
      ['GenerateRandom', { NumberOfBytes: true }],
      ['Encrypt', { KeyId: key.id, Plaintext: 'no base64!' }],
      ['Encrypt', { KeyId: key.id, Plaintext: blob('x'), EncryptionContext: ['a'] }],
      ['Encrypt', { KeyId: key.id, Plaintext: blob('x'), EncryptionContext: { a: {} } }],
      ['TagResource', { KeyId: key.id, Tags: { TagKey: 'a' } }],
      ['CreateKey', { MultiRegion: 'false' }],
      ['CreateKey', [1]],
    ] as const) {
      const answer = await kms.kms(operation, input)
      assert.equal(answer.json['__type'], 'SerializationException', answer.text)
      assert.equal(answer.status, 400)
      assert.ok(!answer.text.includes('no base64!'))
    }
  })

  test('a fraction of a number is dropped', async () => {
    const members = succeeded(await kms.kms('GenerateRandom', { NumberOfBytes: 2.9 }))
    assert.equal(Buffer.from(textOf(members, 'Plaintext'), 'base64').length, 2)
  })

  test('members that nobody knows are ignored, and a null counts as absent', async () => {
    const more = { Novelty: { deep: [1, { a: null }] }, constructor: 'x', toString: 5 }
    succeeded(await kms.kms('DescribeKey', { KeyId: key.id, GrantTokens: null, ...more }))
    const input = { KeyId: key.id, KeySpec: null, NumberOfBytes: 16, EncryptionContext: null }
    succeeded(await kms.kms('GenerateDataKey', { ...input, Recipient: null, DryRun: null }))
    succeeded(await kms.kms('ListKeys', { Limit: null, Marker: null }))
    succeeded(await kms.kms('ListAliases', { KeyId: null }))
    succeeded(await kms.kms('CreateKey', { Tags: null, Policy: null, CustomKeyStoreId: null }))
    invalid(await kms.kms('DescribeKey', { KeyId: null }), failed('null ', 'keyId', 'not be null'))
  })

  test('a data key has one size, random bytes have a number', async () => {
    const told = 'Please specify either number of bytes or key spec.'
    for (const operation of ['GenerateDataKey', 'GenerateDataKeyWithoutPlaintext']) {
      refused(await kms.kms(operation, { KeyId: key.id }), 'ValidationException', told)
      refused(
        await kms.kms(operation, { KeyId: key.id, KeySpec: 'AES_256', NumberOfBytes: 32 }),
        'ValidationException',
        told,
      )
    }
    refused(await kms.kms('GenerateRandom'), 'ValidationException', 'NumberOfBytes is required.')
    refused(
      await kms.kms('GenerateRandom', { NumberOfBytes: 8, CustomKeyStoreId: 'cks-1' }),
      'CustomKeyStoreNotFoundException',
    )
  })

  test('no grant token is a known one', async () => {
    for (const [operation, input] of Object.entries({
      DescribeKey: { KeyId: key.id },
      Encrypt: { KeyId: key.id, Plaintext: blob('x') },
      GenerateDataKey: { KeyId: key.id, KeySpec: 'AES_256' },
      GenerateDataKeyWithoutPlaintext: { KeyId: key.id, KeySpec: 'AES_256' },
    })) {
      succeeded(await kms.kms(operation, { ...input, GrantTokens: [] }))
      refused(
        await kms.kms(operation, { ...input, GrantTokens: ['dG9rZW4'] }),
        'InvalidGrantTokenException',
      )
      const many = Array.from({ length: 11 }, () => 'dG9rZW4')
      refused(
        await kms.kms(operation, { ...input, GrantTokens: many }),
        'ValidationException',
        /at 'grantTokens' failed to satisfy constraint: Member must have length less than or equal to 10$/,
      )
    }
  })

  test('whoever asks for an encrypted plaintext is never answered with a bare one', async () => {
    const Recipient = {
      KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
      AttestationDocument: blob('document'),
    }
    const encrypted = await kms.kms('Encrypt', { KeyId: key.id, Plaintext: blob('x') })
    const CiphertextBlob = textOf(succeeded(encrypted), 'CiphertextBlob')
    for (const [operation, input] of Object.entries({
      Decrypt: { CiphertextBlob },
      GenerateDataKey: { KeyId: key.id, KeySpec: 'AES_256' },
      GenerateRandom: { NumberOfBytes: 8 },
    })) {
      refused(
        await kms.kms(operation, { ...input, Recipient }),
        'ValidationException',
        'The attestation document is not valid: it is no COSE_Sign1 message.',
      )
      refused(
        await kms.kms(operation, { ...input, Recipient: {} }),
        'ValidationException',
        'The Recipient parameter must have AttestationDocument and KeyEncryptionAlgorithm.',
      )
    }
  })

  test('only AES keys encrypt symmetrically', async () => {
    for (const EncryptionAlgorithm of ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256', 'SM2PKE']) {
      refused(
        await kms.kms('Encrypt', { KeyId: key.id, Plaintext: blob('x'), EncryptionAlgorithm }),
        'InvalidKeyUsageException',
        `Algorithm ${EncryptionAlgorithm} is incompatible with key spec SYMMETRIC_DEFAULT.`,
      )
    }
  })

  test('combinations of CreateKey that cannot be are refused in AWS’s words', async () => {
    for (const [input, text] of [
      [
        { KeySpec: 'SYMMETRIC_DEFAULT', CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT' },
        'You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.',
      ],
      [
        { KeySpec: 'RSA_2048' },
        'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
      ],
      [
        { KeyUsage: 'SIGN_VERIFY' },
        'KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT',
      ],
    ] as const) {
      refused(await kms.kms('CreateKey', input), 'ValidationException', text)
    }
    const bad = await kms.kms('CreateKey', { KeySpec: 'AES_512' })
    refused(
      bad,
      'ValidationException',
      /^1 validation error detected: Value 'AES_512' at 'keySpec'/,
    )
    const old = await createKey(kms, { CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT' })
    succeeded(await kms.kms('Encrypt', { KeyId: old.id, Plaintext: blob('x') }))
    const present = succeeded(await kms.kms('ListKeys', { Limit: 1000 }))
    const inStore = { Origin: 'AWS_CLOUDHSM', CustomKeyStoreId: 'cks-1' }
    for (const input of [
      { KeySpec: 'SM2', KeyUsage: 'SIGN_VERIFY' },
      { KeySpec: 'ML_DSA_65', KeyUsage: 'SIGN_VERIFY', Origin: 'EXTERNAL' },
      { ...inStore, MultiRegion: true },
      { ...inStore, KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' },
      { ...inStore, Origin: 'EXTERNAL_KEY_STORE', XksKeyId: 'k', MultiRegion: true },
    ]) {
      assert.equal(
        (await kms.kms('CreateKey', input)).json['__type'],
        'UnsupportedOperationException',
      )
    }
    for (const input of [
      { Origin: 'AWS_CLOUDHSM' },
      { CustomKeyStoreId: 'cks-1' },
      { Origin: 'EXTERNAL', CustomKeyStoreId: 'cks-1' },
      { Origin: 'EXTERNAL_KEY_STORE', CustomKeyStoreId: 'cks-1' },
      { ...inStore, XksKeyId: 'k' },
    ]) {
      refused(await kms.kms('CreateKey', input), 'ValidationException', /is required for, and/)
    }
    assert.deepEqual(succeeded(await kms.kms('ListKeys', { Limit: 1000 })), present)
  })

  test('tags: none twice, none of AWS’s, at most fifty in all', async () => {
    const tag = (TagKey: string, TagValue = 'v'): object => ({ TagKey, TagValue })
    const { id: KeyId } = await createKey(kms)
    const put = (...Tags: readonly object[]): Promise<WireAnswer> =>
      kms.kms('TagResource', { KeyId, Tags })
    for (const reserved of ['aws:x', 'AWS:x', 'aWs:', 'aws:cloudformation:stack']) {
      const text = 'Tags beginning with aws: are reserved'
      refused(await put(tag('fine'), tag(reserved)), 'TagException', text)
      refused(await kms.kms('CreateKey', { Tags: [tag(reserved)] }), 'TagException', text)
    }
    refused(await put(tag('a'), tag('b'), tag('a', 'w')), 'TagException', 'Duplicate tag keys')
    refused(
      await kms.kms('CreateKey', { Tags: [tag('a'), tag('a')] }),
      'TagException',
      'Duplicate tag keys',
    )
    const fifty = Array.from({ length: 50 }, (_, at) => tag(`k${at}`))
    refused(
      await kms.kms('CreateKey', { Tags: [...fifty, tag('one more')] }),
      'TagException',
      'Too many tags',
    )
    succeeded(await put(tag('A'), tag('a'), tag('aws'), tag('x aws:')))
    refused(await put(...fifty), 'TagException', 'Too many tags')
    assert.equal(listOf(succeeded(await kms.kms('ListResourceTags', { KeyId })), 'Tags').length, 4)
    succeeded(await put(...fifty.slice(0, 46)))
    refused(await put(tag('one more')), 'TagException', 'Too many tags')
    succeeded(await put(tag('A', 'replaced')))
    succeeded(await kms.kms('UntagResource', { KeyId, TagKeys: ['A', 'A'] }))
    succeeded(await put(tag('one more')))
  })

  test('a policy may have 32,768 bytes, white space counted, and no more', async () => {
    const body = policy(statement())
    const full = body + ' '.repeat(32_768 - Buffer.byteLength(body))
    const KeyId = key.id
    succeeded(await kms.kms('PutKeyPolicy', { KeyId, Policy: full }))
    assert.equal(succeeded(await kms.kms('GetKeyPolicy', { KeyId }))['Policy'], full)
    for (const Policy of [`${full} `, policy(statement({ Sid: 'é'.repeat(16_384) }))]) {
      for (const answer of [
        await kms.kms('PutKeyPolicy', { KeyId, Policy }),
        await kms.kms('CreateKey', { Policy }),
      ]) {
        refused(answer, 'LimitExceededException', 'The key policy is larger than 32768 bytes.')
      }
    }
    refused(
      await kms.kms('PutKeyPolicy', { KeyId, Policy: 'x'.repeat(131_073) }),
      'ValidationException',
      detected(failed('', 'policy', 'have length less than or equal to 131072')),
    )
    assert.equal(succeeded(await kms.kms('GetKeyPolicy', { KeyId }))['Policy'], full)
  })

  test('a policy that is no policy is refused and leaves the old one', async () => {
    const KeyId = key.id
    const good = policy(
      statement(),
      statement({ Condition: { Bool: { 'aws:SecureTransport': true } } }),
    )
    succeeded(await kms.kms('PutKeyPolicy', { KeyId, Policy: good }))
    for (const Policy of [
      'text',
      '{}',
      '[]',
      '{"Statement":[]}',
      '{"Statement":[[]]}',
      policy(),
      policy({}),
      policy(statement({ Effect: 'allow' })),
      policy(statement({ Effect: undefined })),
      policy(statement({ Principal: undefined })),
      policy(statement({ Principal: 'arn:aws:iam::111122223333:root' })),
      policy(statement({ Principal: { Aws: '*' } })),
      policy(statement({ NotPrincipal: '*' })),
      policy(statement({ NotAction: 'kms:*' })),
      policy(statement({ Action: 5 })),
      policy(statement({ Sid: 5 })),
      policy(statement({ Grants: 'x' })),
      policy(statement({ Condition: { Sometimes: { a: 'b' } } })),
      policy(statement({ Condition: { StringEquals: 'a' } })),
      policy(statement()).replace('2012-10-17', '2012-10-18'),
      policy(statement()).replace('"Effect":"Allow"', '"Effect":"Allow","Effect":"Deny"'),
      policy(statement()).replace('"Effect":"Allow"', '"Effect":"Allow","\\u0045ffect":"Deny"'),
      policy(statement()).replace('"Effect":"Allow"', '"Effect":"Allow","__proto__":{}'),
      `${policy(statement())}x`,
      '['.repeat(200) + ']'.repeat(200),
    ]) {
      const answer = await kms.kms('PutKeyPolicy', { KeyId, Policy })
      assert.equal(answer.json['__type'], 'MalformedPolicyDocumentException', Policy)
      assert.equal(typeof answer.json['message'], 'string')
      assert.equal(answer.status, 400)
    }
    refused(
      await kms.kms('PutKeyPolicy', { KeyId, Policy: `${good}\u2028` }),
      'ValidationException',
      /at 'policy' failed to satisfy constraint: Member must satisfy regular expression pattern/,
    )
    assert.equal(succeeded(await kms.kms('GetKeyPolicy', { KeyId }))['Policy'], good)
  })

  test('there is one policy, and its name is default', async () => {
    for (const [operation, input] of Object.entries({
      GetKeyPolicy: {},
      PutKeyPolicy: { Policy: policy(statement()) },
    })) {
      refused(
        await kms.kms(operation, { KeyId: key.id, PolicyName: 'other', ...input }),
        'NotFoundException',
        'No such policy exists',
      )
      succeeded(await kms.kms(operation, { KeyId: key.id, PolicyName: 'default', ...input }))
    }
  })
})
