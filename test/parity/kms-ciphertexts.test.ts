import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { blob, createKey, refused, succeeded, textOf, WireClient } from '../support/wire-client.ts'

const CONTEXT = { purpose: 'test', tenant: 'A' }
const INCORRECT_KEY =
  'The key ID in the request does not identify a CMK that can perform this operation.'

/** Where each field of a ciphertext begins and ends. Source: docs/formats/ciphertext-v1.md, Layout. */
const HEAD_FIELDS = { format: [0, 4], kind: [4, 5], form: [5, 6], keyId: [6, 22] } as const
const BODY_FIELDS = {
  materialId: [22, 30],
  nonce: [30, 46],
  ciphertext: [46, 51],
  tag: [51, 67],
} as const

describe('ciphertexts that are not as they were', () => {
  let node: MemoryNode
  let kms: WireClient
  let key: { readonly id: string; readonly arn: string }
  let other: { readonly id: string; readonly arn: string }
  let good: Buffer

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, '111122223333')
    key = await createKey(kms)
    other = await createKey(kms)
    good = await encrypt(key.id)
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  const encrypt = async (KeyId: string): Promise<Buffer> => {
    const input = { KeyId, Plaintext: blob('hello'), EncryptionContext: CONTEXT }
    const answer = succeeded(await kms.kms('Encrypt', input))
    return Buffer.from(textOf(answer, 'CiphertextBlob'), 'base64')
  }

  const decrypt = (bytes: Uint8Array, more: object = {}): ReturnType<WireClient['kms']> =>
    kms.kms('Decrypt', { CiphertextBlob: blob(bytes), EncryptionContext: CONTEXT, ...more })

  const flipped = (at: number, bit = 1): Buffer => {
    const bytes = Buffer.from(good)
    bytes[at] = (bytes[at] ?? 0) ^ bit
    return bytes
  }

  test('the untouched one decrypts, with and without the key', async () => {
    assert.equal(good.length, 67)
    for (const more of [{}, { KeyId: key.id }]) {
      assert.equal(textOf(succeeded(await decrypt(good, more)), 'Plaintext'), blob('hello'))
    }
  })

  for (const [field, [from, to]] of Object.entries(BODY_FIELDS)) {
    test(`any bit of the ${field} makes it invalid, without a message`, async () => {
      for (let at = from; at < to; at++) {
        for (const bit of [1, 128]) {
          refused(await decrypt(flipped(at, bit)), 'InvalidCiphertextException')
          refused(await decrypt(flipped(at, bit), { KeyId: key.id }), 'InvalidCiphertextException')
        }
      }
    })
  }

  for (const field of ['format', 'kind'] as const) {
    test(`another ${field} is no ciphertext`, async () => {
      const [from, to] = HEAD_FIELDS[field]
      for (let at = from; at < to; at++) {
        for (let bit = 1; bit < 256; bit *= 2) {
          refused(await decrypt(flipped(at, bit)), 'InvalidCiphertextException')
        }
        refused(await decrypt(flipped(at), { KeyId: key.id }), 'InvalidCiphertextException')
      }
    })
  }

  test('another key id names a key that cannot be used, or is not the one that was named', async () => {
    const [from, to] = HEAD_FIELDS.keyId
    for (let at = from; at < to; at++) {
      refused(await decrypt(flipped(at)), 'AccessDeniedException', /with this ciphertext because/)
      refused(await decrypt(flipped(at), { KeyId: key.id }), 'IncorrectKeyException', INCORRECT_KEY)
    }
    refused(await decrypt(flipped(HEAD_FIELDS.form[0])), 'AccessDeniedException', /ciphertext/)
  })

  test('the key id of another key of the same account opens nothing', async () => {
    const moved = Buffer.from(good)
    moved.write(other.id.replaceAll('-', ''), HEAD_FIELDS.keyId[0], 'hex')
    refused(await decrypt(moved), 'InvalidCiphertextException')
    refused(await decrypt(moved, { KeyId: other.id }), 'InvalidCiphertextException')
    const theirs = await encrypt(other.id)
    theirs.copy(moved, 0, 0, 30)
    refused(await decrypt(moved), 'InvalidCiphertextException')
  })

  test('a named key must be the one that made it, its alias included', async () => {
    succeeded(await kms.kms('CreateAlias', { AliasName: 'alias/other', TargetKeyId: other.id }))
    for (const KeyId of [other.id, other.arn, 'alias/other']) {
      refused(await decrypt(good, { KeyId }), 'IncorrectKeyException', INCORRECT_KEY)
      const input = {
        CiphertextBlob: blob(good),
        SourceEncryptionContext: CONTEXT,
        SourceKeyId: KeyId,
        DestinationKeyId: key.id,
      }
      refused(await kms.kms('ReEncrypt', input), 'IncorrectKeyException', INCORRECT_KEY)
    }
  })

  test('every truncation and every extension is invalid', async () => {
    for (let length = 1; length < good.length; length++) {
      const answer = await decrypt(good.subarray(0, length), { KeyId: key.id })
      refused(answer, 'InvalidCiphertextException')
    }
    for (const extended of [
      Buffer.concat([good, Buffer.of(0)]),
      Buffer.concat([Buffer.of(0), good]),
      Buffer.concat([good, good]),
      good.subarray(1),
    ]) {
      refused(await decrypt(extended), 'InvalidCiphertextException')
      refused(await decrypt(extended, { KeyId: key.id }), 'InvalidCiphertextException')
    }
  })

  test('bytes of any length that were never a ciphertext are invalid', async () => {
    for (const length of [1, 61, 62, 63, 1000, 6144]) {
      refused(await decrypt(Buffer.alloc(length)), 'InvalidCiphertextException')
      refused(
        await decrypt(Buffer.alloc(length, 0xff), { KeyId: key.id }),
        'InvalidCiphertextException',
      )
    }
    refused(
      await decrypt(Buffer.alloc(6145)),
      'ValidationException',
      "1 validation error detected: Value at 'ciphertextBlob' failed to satisfy constraint: Member must have length less than or equal to 6144",
    )
  })

  test('every other encryption context is refused in the same way', async () => {
    for (const EncryptionContext of [
      undefined,
      {},
      { purpose: 'test' },
      { ...CONTEXT, more: '' },
      { ...CONTEXT, tenant: 'a' },
      { ...CONTEXT, tenant: '' },
      { purpose: 'test', Tenant: 'A' },
      { purpose: 'tes', tenant: 'tA' },
      { purpose: 'A', tenant: 'test' },
      { purposetest: 'tenantA' },
      { constructor: 'x', ...CONTEXT },
    ]) {
      const named = { CiphertextBlob: blob(good), KeyId: key.id, EncryptionContext }
      refused(await kms.kms('Decrypt', named), 'InvalidCiphertextException')
      refused(await kms.kms('Decrypt', { ...named, DryRun: true }), 'InvalidCiphertextException')
      const { KeyId: DestinationKeyId, ...rest } = named
      const input = { ...rest, SourceEncryptionContext: EncryptionContext, DestinationKeyId }
      refused(await kms.kms('ReEncrypt', input), 'InvalidCiphertextException')
    }
  })

  test('re-encrypting binds the new context and leaves the old blob good', async () => {
    const answer = await kms.kms('ReEncrypt', {
      CiphertextBlob: blob(good),
      SourceEncryptionContext: CONTEXT,
      DestinationKeyId: key.id,
      DestinationEncryptionContext: { tenant: 'B' },
    })
    const moved = Buffer.from(textOf(succeeded(answer), 'CiphertextBlob'), 'base64')
    refused(await decrypt(moved), 'InvalidCiphertextException')
    succeeded(await decrypt(moved, { EncryptionContext: { tenant: 'B' } }))
    succeeded(await decrypt(good))
  })

  test('a dry run does all but the work', async () => {
    const WOULD = 'The request would have succeeded, but the DryRun option is set.'
    const DryRun = true
    const calls: readonly (readonly [string, object])[] = [
      ['Encrypt', { KeyId: key.id, Plaintext: blob('x') }],
      ['Decrypt', { CiphertextBlob: blob(good), EncryptionContext: CONTEXT }],
      ['GenerateDataKey', { KeyId: key.id, KeySpec: 'AES_256' }],
      ['GenerateDataKeyWithoutPlaintext', { KeyId: key.id, KeySpec: 'AES_256' }],
      [
        'ReEncrypt',
        {
          CiphertextBlob: blob(good),
          SourceEncryptionContext: CONTEXT,
          DestinationKeyId: other.id,
        },
      ],
    ]
    for (const [operation, input] of calls) {
      refused(await kms.kms(operation, { ...input, DryRun }), 'DryRunOperationException', WOULD)
      succeeded(await kms.kms(operation, { ...input, DryRun: false }))
    }
    const DryRunModifiers = ['IGNORE_CIPHERTEXT']
    const ignoring = { DryRun, DryRunModifiers }
    refused(
      await kms.kms('Decrypt', { KeyId: key.id, ...ignoring }),
      'DryRunOperationException',
      WOULD,
    )
    refused(
      await kms.kms('Decrypt', { KeyId: key.id, CiphertextBlob: blob('junk'), ...ignoring }),
      'DryRunOperationException',
      WOULD,
    )
    refused(
      await kms.kms('ReEncrypt', { SourceKeyId: key.id, DestinationKeyId: other.id, ...ignoring }),
      'DryRunOperationException',
      WOULD,
    )
    refused(await kms.kms('Decrypt', ignoring), 'ValidationException', /Value null at 'keyId'/)
    refused(
      await kms.kms('ReEncrypt', { DestinationKeyId: other.id, ...ignoring }),
      'ValidationException',
      /Value null at 'sourceKeyId'/,
    )
    refused(
      await kms.kms('Decrypt', { CiphertextBlob: blob(good), DryRunModifiers }),
      'ValidationException',
      'DryRunModifiers can only be used when DryRun is true.',
    )
  })

  test('Decrypt without a blob names what is missing', async () => {
    const missing =
      "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null"
    refused(await kms.kms('Decrypt', {}), 'ValidationException', missing)
    refused(await kms.kms('Decrypt', { CiphertextBlob: null }), 'ValidationException', missing)
    refused(
      await kms.kms('Decrypt', { KeyId: key.id, DryRun: true }),
      'ValidationException',
      missing,
    )
    refused(
      await kms.kms('ReEncrypt', { DestinationKeyId: key.id }),
      'ValidationException',
      missing,
    )
  })
})
