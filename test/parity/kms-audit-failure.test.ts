import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  blob,
  createKey,
  refused,
  succeeded,
  textOf,
  type WireAnswer,
  WireClient,
} from '../support/wire-client.ts'

const INTERNAL =
  'The request was rejected because of an internal error. The request can be retried.'

describe('a log that cannot be written', () => {
  let node: MemoryNode
  let kms: WireClient
  let key: { readonly id: string; readonly arn: string }
  let ciphertext: string

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, '111122223333')
    key = await createKey(kms)
    const encrypted = await kms.kms('Encrypt', { KeyId: key.id, Plaintext: blob('secret') })
    ciphertext = textOf(succeeded(encrypted), 'CiphertextBlob')
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  afterEach(() => {
    node.sink.isFailing = false
  })

  const failed = (answer: WireAnswer): void => {
    refused(answer, 'KMSInternalException', INTERNAL, 500)
    assert.match(answer.requestId, /^[0-9a-f-]{36}$/)
    assert.ok(node.log.lines.some((line) => line.includes(answer.requestId)))
  }

  test('fails every read, without its data', async () => {
    node.sink.isFailing = true
    for (const [operation, input] of [
      ['Decrypt', { CiphertextBlob: ciphertext }],
      ['Encrypt', { KeyId: key.id, Plaintext: blob('x') }],
      ['GenerateDataKey', { KeyId: key.id, KeySpec: 'AES_256' }],
      ['GenerateRandom', { NumberOfBytes: 8 }],
      ['ReEncrypt', { CiphertextBlob: ciphertext, DestinationKeyId: key.id }],
      ['DescribeKey', { KeyId: key.id }],
      ['ListKeys', {}],
    ] as const) {
      failed(await kms.kms(operation, input))
    }
  })

  test('fails refusals too: nobody asks unrecorded', async () => {
    node.sink.isFailing = true
    failed(await kms.kms('DescribeKey', { KeyId: 'alias/none' }))
    failed(await kms.kms('DescribeKey', {}))
    failed(await kms.kms('ListKeys', {}, { authorization: () => undefined }))
    failed(await kms.kms('NoSuchOperation'))
  })

  test('fails a change that has committed: it stands, and its record goes ahead of the next', async () => {
    node.sink.isFailing = true
    const disabled = await kms.kms('DisableKey', { KeyId: key.id })
    failed(disabled)
    const described = await kms.kms('UpdateKeyDescription', { KeyId: key.id, Description: 'new' })
    failed(described)
    node.sink.isFailing = false
    const seen = node.sink.texts.length
    const next = await kms.kms('DescribeKey', { KeyId: key.id })
    assert.match(next.text, /"KeyState":"Disabled"/)
    assert.match(next.text, /"Description":"new"/)
    const records = node.sink.frames.slice(seen).flatMap(({ records: found }) => found)
    assert.deepEqual(
      records.map(({ eventName, requestID }) => [eventName, requestID]),
      [
        ['DisableKey', disabled.requestId],
        ['UpdateKeyDescription', described.requestId],
        ['DescribeKey', next.requestId],
      ],
    )
    succeeded(await kms.kms('EnableKey', { KeyId: key.id }))
  })

  test('keeps the outbox entry until the record is in the log', async () => {
    const entries = async (): Promise<readonly string[]> =>
      (await node.rows.outbox(0, 1000)).map(({ frame }) => frame)
    node.sink.isFailing = true
    const { requestId } = await kms.kms('DisableKey', { KeyId: key.id })
    assert.ok((await entries()).some((frame) => frame.includes(requestId)))
    node.sink.isFailing = false
    succeeded(await kms.kms('EnableKey', { KeyId: key.id }))
    succeeded(await kms.kms('EnableKey', { KeyId: key.id }))
    assert.ok(!(await entries()).some((frame) => frame.includes(requestId)))
    const written = node.sink.texts.filter((text) => text.includes(requestId))
    assert.equal(written.length, 1)
  })

  test('does not undo or double a key that was created', async () => {
    node.sink.isFailing = true
    failed(await kms.kms('CreateKey', { Description: 'unheard of' }))
    node.sink.isFailing = false
    const listed = await kms.kms('ListKeys', { Limit: 1000 })
    const { Keys } = listed.json as { Keys: { KeyId: string }[] }
    const descriptions = await Promise.all(
      Keys.map(async ({ KeyId }) => (await kms.kms('DescribeKey', { KeyId })).text),
    )
    assert.equal(descriptions.filter((text) => text.includes('unheard of')).length, 1)
  })

  test('is answered as good again as soon as it can be written', async () => {
    node.sink.isFailing = true
    failed(await kms.kms('Decrypt', { CiphertextBlob: ciphertext }))
    node.sink.isFailing = false
    const answer = succeeded(await kms.kms('Decrypt', { CiphertextBlob: ciphertext }))
    assert.equal(answer['Plaintext'], blob('secret'))
  })
})
