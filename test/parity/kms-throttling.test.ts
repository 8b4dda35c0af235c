import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { KMSClient, ListKeysCommand } from '@aws-sdk/client-kms'
import { RequestQuotas } from '../../src/services/kms/quotas/request-quotas.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { blob, createKey, refused, succeeded, textOf, WireClient } from '../support/wire-client.ts'

const OWNER = '111111111111'
const STRANGER = '222222222222'
const TEXT =
  'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.'
const RSA = { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' }

describe('calls above their rate', () => {
  let node: MemoryNode
  let kms: WireClient

  const start = async (rates: Readonly<Record<string, number>>): Promise<void> => {
    node = await startMemoryNode({ quotas: new RequestQuotas(new Map(Object.entries(rates))) })
    kms = new WireClient(node.endpoint, OWNER)
  }

  beforeEach(() => start({ ListKeys: 2, CreateKey: 100, 'Cryptographic operations (RSA)': 2 }))

  afterEach(async () => {
    kms.close()
    await node.close()
  })

  test('are refused until time has passed, each account and Region by itself', async () => {
    const stranger = new WireClient(node.endpoint, STRANGER)
    for (let at = 0; at < 2; at++) succeeded(await kms.kms('ListKeys'))
    refused(await kms.kms('ListKeys'), 'ThrottlingException', TEXT)
    succeeded(await stranger.kms('ListKeys'))
    succeeded(await kms.kms('ListKeys', {}, { region: 'us-east-1' }))
    succeeded(await kms.kms('ListAliases'))
    node.clock.advance({ ms: 499 })
    refused(await kms.kms('ListKeys'), 'ThrottlingException', TEXT)
    node.clock.advance({ ms: 1 })
    succeeded(await kms.kms('ListKeys'))
    refused(await kms.kms('ListKeys'), 'ThrottlingException', TEXT)
    stranger.close()
  })

  test('are refused before their shape is looked at, and after who they are from', async () => {
    for (let at = 0; at < 2; at++) {
      refused(await kms.kms('ListKeys', { Limit: 0 }), 'ValidationException', /limit/)
    }
    refused(await kms.kms('ListKeys', { Limit: 0 }), 'ThrottlingException', TEXT)
    refused(await kms.kms('ListKeys', { Limit: 'x' }), 'ThrottlingException', TEXT)
    const unsigned = await kms.kms('ListKeys', {}, { authorization: () => undefined })
    refused(unsigned, 'MissingAuthenticationTokenException', /./)
  })

  test('are counted by their key where it decides, once they are allowed', async () => {
    const rsa = await createKey(kms, RSA)
    const symmetric = await createKey(kms)
    const encryption = { Plaintext: blob('x'), EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' }
    // A stranger's calls are the stranger's own, and count nowhere before they are denied.
    const stranger = new WireClient(node.endpoint, STRANGER)
    for (let at = 0; at < 3; at++) {
      const answer = await stranger.kms('Encrypt', { ...encryption, KeyId: rsa.arn })
      refused(answer, 'AccessDeniedException', /on this resource/)
    }
    const encrypted = succeeded(await kms.kms('Encrypt', { ...encryption, KeyId: rsa.id }))
    const decryption = {
      KeyId: rsa.id,
      CiphertextBlob: textOf(encrypted, 'CiphertextBlob'),
      EncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
    }
    refused(
      await kms.kms('Decrypt', { ...decryption, DryRun: true }),
      'DryRunOperationException',
      /would have succeeded/,
    )
    refused(await kms.kms('Decrypt', decryption), 'ThrottlingException', TEXT)
    // Before the state of the key, and before grant tokens.
    succeeded(await kms.kms('DisableKey', { KeyId: rsa.id }))
    refused(
      await kms.kms('Encrypt', { ...encryption, KeyId: rsa.id, GrantTokens: ['x'] }),
      'ThrottlingException',
      TEXT,
    )
    succeeded(await kms.kms('Encrypt', { KeyId: symmetric.id, Plaintext: blob('x') }))
    stranger.close()
  })

  test('are in the log as refusals, without a record', async () => {
    for (let at = 0; at < 2; at++) await kms.kms('ListKeys')
    const { requestId } = await kms.kms('ListKeys')
    const frame = node.sink.frames.find(({ internal }) => internal['requestId'] === requestId)
    assert.ok(frame)
    assert.equal(frame.kind, 'refusal')
    assert.deepEqual(frame.records, [])
    assert.equal(frame.internal['outcome'], 'ThrottlingException')
    assert.equal(frame.internal['operation'], 'ListKeys')
  })

  test('are tried again by the SDK', async () => {
    const sdk = new KMSClient({
      endpoint: node.endpoint,
      region: 'eu-central-1',
      credentials: { accessKeyId: OWNER, secretAccessKey: 'any' },
      maxAttempts: 3,
    })
    let sent = 0
    sdk.middlewareStack.add(
      (next) => (args) => {
        // Time passes with each attempt: the third one finds room.
        if (++sent === 3) node.clock.advance({ ms: 500 })
        return next(args)
      },
      { step: 'finalizeRequest', priority: 'low' },
    )
    for (let at = 0; at < 2; at++) succeeded(await kms.kms('ListKeys'))
    const answer = await sdk.send(new ListKeysCommand({}))
    assert.equal(answer.$metadata.attempts, 3)
    assert.equal(sent, 3)
    sdk.destroy()
  })

  test('are told to the SDK as what they are when it has tried enough', async () => {
    const sdk = new KMSClient({
      endpoint: node.endpoint,
      region: 'eu-central-1',
      credentials: { accessKeyId: OWNER, secretAccessKey: 'any' },
      maxAttempts: 2,
    })
    for (let at = 0; at < 2; at++) succeeded(await kms.kms('ListKeys'))
    await assert.rejects(
      sdk.send(new ListKeysCommand({})),
      (
        error: Error & { $metadata?: { httpStatusCode?: number; attempts?: number } } & {
          $retryable?: object
        },
      ) => {
        assert.equal(error.name, 'ThrottlingException')
        assert.equal(error.message, TEXT)
        assert.equal(error.$metadata?.httpStatusCode, 400)
        assert.equal(error.$metadata.attempts, 2)
        return true
      },
    )
    sdk.destroy()
  })
})
