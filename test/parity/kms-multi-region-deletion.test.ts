import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { KEY_POLICIES, KEYS } from '../../src/core/tables.ts'
import { type JsonObject, type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  blob,
  createKey,
  listOf,
  membersOf,
  refused,
  succeeded,
  textOf,
  WireClient,
} from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const HOME = 'eu-central-1'
const AWAY = 'eu-west-1'
const THIRD = 'us-east-1'

let node: MemoryNode
let home: WireClient
let away: WireClient
let third: WireClient
let key: { readonly id: string; readonly arn: string }

before(async () => {
  node = await startMemoryNode()
  home = new WireClient(node.endpoint, ACCOUNT, HOME)
  away = new WireClient(node.endpoint, ACCOUNT, AWAY)
  third = new WireClient(node.endpoint, ACCOUNT, THIRD)
})

after(async () => {
  for (const client of [home, away, third]) client.close()
  await node.close()
})

beforeEach(async () => {
  key = await createKey(home, { MultiRegion: true, Description: 'first', Tags: [] })
})

const arnIn = (region: string): string => key.arn.replace(HOME, region)

const metadataOf = async (client: WireClient): Promise<JsonObject> =>
  membersOf(succeeded(await client.kms('DescribeKey', { KeyId: key.id })), 'KeyMetadata')

const replicate = (ReplicaRegion: string, more: object = {}) =>
  home.kms('ReplicateKey', { KeyId: key.id, ReplicaRegion, ...more })

const ciphertextOf = async (client: WireClient, text: string): Promise<string> => {
  const answer = await client.kms('Encrypt', { KeyId: key.id, Plaintext: blob(text) })
  return textOf(succeeded(answer), 'CiphertextBlob')
}

const decrypted = async (client: WireClient, CiphertextBlob: string): Promise<string> => {
  const answer = succeeded(await client.kms('Decrypt', { CiphertextBlob }))
  assert.equal(answer['KeyId'], (await metadataOf(client))['Arn'])
  return Buffer.from(textOf(answer, 'Plaintext'), 'base64').toString()
}

describe('the deletion of related keys', () => {
  const schedule = (client: WireClient, PendingWindowInDays: number) =>
    client.kms('ScheduleKeyDeletion', { KeyId: key.id, PendingWindowInDays })

  const replicasSeenBy = async (client: WireClient): Promise<readonly unknown[]> =>
    listOf(membersOf(await metadataOf(client), 'MultiRegionConfiguration'), 'ReplicaKeys').map(
      ({ Region }) => Region,
    )

  test('of a primary waits until the last replica is gone, then its own window', async () => {
    const ciphertext = await ciphertextOf(home, 'x')
    succeeded(await replicate(AWAY))
    succeeded(await replicate(THIRD))
    const waiting = { KeyState: 'PendingReplicaDeletion', PendingWindowInDays: 9 }
    assert.deepEqual(succeeded(await schedule(home, 9)), { KeyId: key.arn, ...waiting })
    const metadata = await metadataOf(home)
    assert.deepEqual(
      [metadata['KeyState'], metadata['PendingDeletionWindowInDays'], metadata['DeletionDate']],
      ['PendingReplicaDeletion', 9, undefined],
    )
    refused(
      await home.kms('Decrypt', { CiphertextBlob: ciphertext }),
      'KMSInvalidStateException',
      `${key.arn} is pending replica deletion.`,
    )
    refused(await schedule(home, 7), 'KMSInvalidStateException', /pending replica deletion\.$/)
    assert.equal(await decrypted(away, ciphertext), 'x')
    node.clock.advance({ days: 400 })
    await node.runTimedWork()
    succeeded(await schedule(away, 7))
    succeeded(await schedule(third, 8))
    node.clock.advance({ days: 7 })
    await node.runTimedWork()
    assert.equal((await metadataOf(home))['KeyState'], 'PendingReplicaDeletion')
    assert.deepEqual(await replicasSeenBy(home), [THIRD])
    assert.deepEqual(await replicasSeenBy(third), [THIRD])
    node.clock.advance({ days: 1 })
    await node.runTimedWork()
    const alone = await metadataOf(home)
    assert.equal(alone['KeyState'], 'PendingDeletion')
    assert.equal(alone['DeletionDate'], node.clock.now() / 1000 + 9 * 86_400)
    assert.equal(alone['PendingDeletionWindowInDays'], undefined)
    node.clock.advance({ days: 9, ms: -1 })
    await node.runTimedWork()
    assert.equal((await metadataOf(home))['KeyState'], 'PendingDeletion')
    node.clock.advance({ ms: 1 })
    await node.runTimedWork()
    for (const region of [HOME, AWAY, THIRD]) {
      assert.equal(await node.records.find(KEYS, [region, key.id]), undefined)
      assert.equal(await node.records.find(KEY_POLICIES, [region, key.id]), undefined)
    }
  })

  test('of a primary can be cancelled while replicas are waited for', async () => {
    succeeded(await replicate(AWAY))
    succeeded(await schedule(home, 7))
    succeeded(await home.kms('CancelKeyDeletion', { KeyId: key.id }))
    assert.equal((await metadataOf(home))['KeyState'], 'Disabled')
    succeeded(await schedule(away, 7))
    node.clock.advance({ days: 7 })
    await node.runTimedWork()
    assert.equal((await metadataOf(home))['KeyState'], 'Disabled')
    assert.deepEqual(await replicasSeenBy(home), [])
  })

  test('of a primary can be cancelled after the last replica is gone', async () => {
    succeeded(await replicate(AWAY))
    succeeded(await schedule(home, 7))
    succeeded(await schedule(away, 7))
    node.clock.advance({ days: 7 })
    await node.runTimedWork()
    assert.equal((await metadataOf(home))['KeyState'], 'PendingDeletion')
    succeeded(await home.kms('CancelKeyDeletion', { KeyId: key.id }))
    succeeded(await home.kms('EnableKey', { KeyId: key.id }))
    await ciphertextOf(home, 'still here')
  })

  test('of a replica holds on read: it is no related key any more', async () => {
    succeeded(await replicate(AWAY))
    succeeded(await replicate(THIRD))
    succeeded(await schedule(away, 7))
    assert.deepEqual(await replicasSeenBy(home), [AWAY, THIRD])
    node.clock.advance({ days: 7 })
    for (const client of [home, third]) assert.deepEqual(await replicasSeenBy(client), [THIRD])
    succeeded(await schedule(third, 7))
    node.clock.advance({ days: 7 })
    const reply = succeeded(await schedule(home, 10))
    assert.equal(reply['KeyState'], 'PendingDeletion')
    assert.equal(reply['DeletionDate'], node.clock.now() / 1000 + 10 * 86_400)
    await node.runTimedWork()
    assert.equal((await metadataOf(home))['DeletionDate'], reply['DeletionDate'])
  })

  for (const [when, settle] of [
    ['once its rows are removed', () => node.runTimedWork()],
    ['before its rows are removed', () => undefined],
  ] as const) {
    test(`of a replica leaves room for another one ${when}`, async () => {
      const ciphertext = await ciphertextOf(home, 'again')
      succeeded(await replicate(AWAY, { Description: 'old' }))
      const alias = { AliasName: `alias/of-${key.id}`, TargetKeyId: key.id }
      succeeded(await away.kms('CreateAlias', alias))
      succeeded(await schedule(away, 7))
      node.clock.advance({ days: 7 })
      await settle()
      succeeded(await replicate(AWAY, { Description: 'new' }))
      assert.equal((await metadataOf(away))['Description'], 'new')
      assert.deepEqual(await replicasSeenBy(home), [AWAY])
      assert.equal(await decrypted(away, ciphertext), 'again')
      refused(
        await away.kms('DescribeKey', { KeyId: alias.AliasName }),
        'NotFoundException',
        /is not found/,
      )
      await node.runTimedWork()
      assert.equal((await metadataOf(away))['KeyState'], 'Enabled')
      const deletions = node.sink.frames
        .flatMap(({ records }) => records)
        .filter(({ eventName }) => eventName === 'DeleteKey')
        .filter(({ resources }) => JSON.stringify(resources).includes(arnIn(AWAY)))
      assert.deepEqual(
        deletions.map(({ awsRegion, eventType }) => [awsRegion, eventType]),
        [[AWAY, 'AwsServiceEvent']],
      )
    })
  }

  test('of a replica that was the primary before changes nothing of the new one', async () => {
    succeeded(await replicate(AWAY))
    succeeded(await replicate(THIRD))
    succeeded(await home.kms('UpdatePrimaryRegion', { KeyId: key.id, PrimaryRegion: AWAY }))
    assert.equal(succeeded(await schedule(home, 7))['KeyState'], 'PendingDeletion')
    node.clock.advance({ days: 7 })
    await node.runTimedWork()
    assert.deepEqual(await replicasSeenBy(away), [THIRD])
    assert.equal((await metadataOf(away))['KeyState'], 'Enabled')
  })
})
