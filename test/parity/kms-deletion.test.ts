import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { ALIASES, BACKING_KEYS, KEY_POLICIES, KEYS } from '../../src/core/tables.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  blob,
  createKey,
  listOf,
  refused,
  succeeded,
  textOf,
  WireClient,
} from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const REGION = 'eu-central-1'
const DAY_MS = 86_400_000

describe('the deletion of a key', () => {
  let node: MemoryNode
  let kms: WireClient
  let key: { readonly id: string; readonly arn: string }
  let ciphertext: string
  let alias: string

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, ACCOUNT)
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  beforeEach(async () => {
    await node.runTimedWork()
    key = await createKey(kms)
    alias = `alias/of-${key.id}`
    succeeded(await kms.kms('CreateAlias', { AliasName: alias, TargetKeyId: key.id }))
    const encrypted = await kms.kms('Encrypt', { KeyId: key.id, Plaintext: blob('kept') })
    ciphertext = textOf(succeeded(encrypted), 'CiphertextBlob')
  })

  const schedule = (PendingWindowInDays?: number): ReturnType<WireClient['kms']> =>
    kms.kms('ScheduleKeyDeletion', { KeyId: key.id, PendingWindowInDays })

  const deleteEvents = (): readonly object[] =>
    node.sink.frames
      .flatMap(({ records }) => records)
      .filter(({ eventName, resources }) => {
        return eventName === 'DeleteKey' && JSON.stringify(resources).includes(key.id)
      })

  /** Everything that the store holds of the key. */
  const rowsOfKey = async (): Promise<readonly string[]> => {
    const held: string[] = []
    const place = [REGION, key.id]
    if (await node.records.find(KEYS, place)) held.push('key')
    if (await node.records.find(KEY_POLICIES, place)) held.push('policy')
    const page = { index: 'key', equals: place, limit: 10 }
    for (const _ of await node.records.page(BACKING_KEYS, page)) held.push('material')
    const equals = [ACCOUNT, REGION, key.id]
    const aliases = await node.records.page(ALIASES, { index: 'by_target', equals, limit: 10 })
    for (const _ of aliases) held.push('alias')
    return held
  }

  const assertGone = async (): Promise<void> => {
    const unknown = `Key '${key.arn}' does not exist`
    for (const [operation, input] of Object.entries({
      DescribeKey: {},
      Encrypt: { Plaintext: blob('x') },
      CancelKeyDeletion: {},
      EnableKey: {},
      ScheduleKeyDeletion: {},
      GetKeyPolicy: {},
      ListAliases: {},
      TagResource: { Tags: [] },
    })) {
      const answer = await kms.kms(operation, { ...input, KeyId: key.id })
      refused(answer, 'NotFoundException', unknown)
    }
    const input = { AliasName: 'alias/late', TargetKeyId: key.id }
    refused(await kms.kms('CreateAlias', input), 'NotFoundException', unknown)
    for (const [operation, aliasInput] of Object.entries({
      DescribeKey: { KeyId: alias },
      DeleteAlias: { AliasName: alias },
      UpdateAlias: { AliasName: alias, TargetKeyId: key.id },
    })) {
      refused(
        await kms.kms(operation, aliasInput),
        'NotFoundException',
        `Alias arn:aws:kms:${REGION}:${ACCOUNT}:${alias} is not found.`,
      )
    }
    refused(
      await kms.kms('Decrypt', { CiphertextBlob: ciphertext }),
      'AccessDeniedException',
      /on the resource associated with this ciphertext because the resource does not exist/,
    )
    assert.ok(!(await kms.kms('ListKeys', { Limit: 1000 })).text.includes(key.id))
    assert.ok(!(await kms.kms('ListAliases', { Limit: 100 })).text.includes(key.id))
  }

  test('waits 7 to 30 days, 30 unless told', async () => {
    for (const [days, rule] of [
      [0, 'greater than or equal to 1'],
      [1, 'greater than or equal to 7'],
      [6, 'greater than or equal to 7'],
      [31, 'less than or equal to 30'],
      [366, 'less than or equal to 365'],
    ] as const) {
      refused(
        await schedule(days),
        'ValidationException',
        `1 validation error detected: Value '${days}' at 'pendingWindowInDays' failed to satisfy constraint: Member must have value ${rule}`,
      )
    }
    const reply = succeeded(await schedule())
    assert.equal(reply['PendingWindowInDays'], 30)
    assert.equal(reply['DeletionDate'], (node.clock.now() + 30 * DAY_MS) / 1000)
    for (const days of [7, 30]) {
      succeeded(await kms.kms('CancelKeyDeletion', { KeyId: key.id }))
      const again = succeeded(await schedule(days))
      assert.equal(again['DeletionDate'], (node.clock.now() + days * DAY_MS) / 1000)
    }
  })

  test('is still waiting a millisecond before its date', async () => {
    succeeded(await schedule(7))
    node.clock.advance({ days: 7, ms: -1 })
    await node.runTimedWork()
    const described = await kms.kms('DescribeKey', { KeyId: alias })
    assert.match(described.text, /"KeyState":"PendingDeletion"/)
    assert.deepEqual(deleteEvents(), [])
    succeeded(await kms.kms('CancelKeyDeletion', { KeyId: key.id }))
    node.clock.advance({ days: 100 })
    await node.runTimedWork()
    succeeded(await kms.kms('EnableKey', { KeyId: key.id }))
    succeeded(await kms.kms('Decrypt', { CiphertextBlob: ciphertext }))
  })

  test('is done on read at its date, before anything has removed the rows', async () => {
    succeeded(await schedule(7))
    node.clock.advance({ days: 7 })
    assert.deepEqual(await rowsOfKey(), ['key', 'policy', 'material', 'alias'])
    await assertGone()
  })

  test('removes key, policy, material and aliases, and records it once', async () => {
    succeeded(await schedule(7))
    node.clock.advance({ days: 7 })
    await node.runTimedWork()
    await node.runTimedWork()
    assert.deepEqual(await rowsOfKey(), [])
    await assertGone()
    const [event, ...more] = deleteEvents()
    assert.deepEqual(more, [])
    const { eventID, ...rest } = event as { eventID: string }
    assert.match(eventID, /^[0-9a-f-]{36}$/)
    assert.deepEqual(rest, {
      eventVersion: '1.11',
      userIdentity: { accountId: ACCOUNT, invokedBy: 'AWS Internal' },
      eventTime: `${new Date(node.clock.now()).toISOString().slice(0, 19)}Z`,
      eventSource: 'kms.amazonaws.com',
      eventName: 'DeleteKey',
      awsRegion: REGION,
      sourceIPAddress: 'AWS Internal',
      userAgent: 'AWS Internal',
      requestParameters: null,
      responseElements: null,
      readOnly: false,
      resources: [{ accountId: ACCOUNT, type: 'AWS::KMS::Key', ARN: key.arn }],
      eventType: 'AwsServiceEvent',
      managementEvent: true,
      recipientAccountId: ACCOUNT,
      eventCategory: 'Management',
    })
  })

  test('frees the names of its aliases at its date, and is recorded all the same', async () => {
    succeeded(await schedule(7))
    const second = await createKey(kms)
    const again = { AliasName: alias, TargetKeyId: second.id }
    refused(await kms.kms('CreateAlias', again), 'AlreadyExistsException', /already exists$/)
    node.clock.advance({ days: 7 })
    succeeded(await kms.kms('CreateAlias', again))
    const described = await kms.kms('DescribeKey', { KeyId: alias })
    assert.ok(described.text.includes(second.id))
    await node.runTimedWork()
    assert.deepEqual(await rowsOfKey(), [])
    assert.equal(deleteEvents().length, 1)
    const listed = succeeded(await kms.kms('ListAliases', { KeyId: second.id }))
    assert.deepEqual(
      listOf(listed, 'Aliases').map(({ AliasName, CreationDate }) => [AliasName, CreationDate]),
      [[alias, node.clock.now() / 1000]],
    )
  })

  test('of hundreds of keys at once leaves none behind', async () => {
    const many: string[] = []
    for (let at = 0; at < 205; at++) many.push((await createKey(kms)).id)
    for (const KeyId of many) {
      succeeded(await kms.kms('ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 }))
    }
    node.clock.advance({ days: 7 })
    await node.runTimedWork()
    for (const id of many) {
      assert.equal(await node.records.find(KEYS, [REGION, id]), undefined)
    }
  })

  test('stands when the log cannot be written, and is recorded when it can again', async () => {
    succeeded(await schedule(7))
    node.clock.advance({ days: 7 })
    node.sink.isFailing = true
    await assert.rejects(node.runTimedWork())
    node.sink.isFailing = false
    assert.deepEqual(deleteEvents(), [])
    succeeded(await kms.kms('ListKeys'))
    assert.equal(deleteEvents().length, 1)
    assert.deepEqual(await rowsOfKey(), [])
  })
})
