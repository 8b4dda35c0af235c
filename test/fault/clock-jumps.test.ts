import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { diskTrailObjects } from '../../src/audit/trail/trail-objects-disk.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { temporaryFolder } from '../support/server-process.ts'
import { checkChain, HOUR, openTestTrail } from '../support/trail-fixture.ts'
import {
  blob,
  createKey,
  membersOf,
  refused,
  succeeded,
  textOf,
  WireClient,
} from '../support/wire-client.ts'

const DAY = 24 * HOUR
const YEAR = 365 * DAY

describe('a clock that jumps', () => {
  let node: MemoryNode
  let kms: WireClient

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, '111122223333')
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  const stateOf = async (KeyId: string): Promise<string> => {
    const described = succeeded(await kms.kms('DescribeKey', { KeyId }))
    return textOf(membersOf(described, 'KeyMetadata'), 'KeyState')
  }

  /** Encrypts and decrypts once; each call is recorded. */
  const works = async (KeyId: string): Promise<void> => {
    const encrypted = await kms.kms('Encrypt', { KeyId, Plaintext: blob('x') })
    const CiphertextBlob = textOf(succeeded(encrypted), 'CiphertextBlob')
    const decrypted = await kms.kms('Decrypt', { CiphertextBlob })
    succeeded(decrypted)
    assert.equal(node.sink.record(decrypted.requestId)['eventName'], 'Decrypt')
  }

  test('back and ahead keeps keys at work, and every call on the record', async () => {
    const { id } = await createKey(kms)
    for (const ms of [-DAY, 3 * DAY, -YEAR, 2 * YEAR, -YEAR]) {
      node.clock.advance({ ms })
      await node.runTimedWork()
      await works(id)
    }
  })

  test('back postpones a deletion and brings no deleted key back', async () => {
    const { id: waits } = await createKey(kms)
    const window = { PendingWindowInDays: 7 }
    succeeded(await kms.kms('ScheduleKeyDeletion', { KeyId: waits, ...window }))
    node.clock.advance({ ms: -2 * DAY })
    await node.runTimedWork()
    assert.equal(await stateOf(waits), 'PendingDeletion')
    node.clock.advance({ ms: 10 * DAY })
    await node.runTimedWork()
    refused(await kms.kms('DescribeKey', { KeyId: waits }), 'NotFoundException', /./)
    node.clock.advance({ ms: -10 * DAY })
    await node.runTimedWork()
    refused(await kms.kms('DescribeKey', { KeyId: waits }), 'NotFoundException', /./)
    refused(await kms.kms('CancelKeyDeletion', { KeyId: waits }), 'NotFoundException', /./)
  })

  test('ahead deletes no key before its window by that clock has passed', async () => {
    const { id } = await createKey(kms)
    succeeded(await kms.kms('ScheduleKeyDeletion', { KeyId: id, PendingWindowInDays: 7 }))
    node.clock.advance({ ms: 7 * DAY - 1000 })
    await node.runTimedWork()
    assert.equal(await stateOf(id), 'PendingDeletion')
    succeeded(await kms.kms('CancelKeyDeletion', { KeyId: id }))
    succeeded(await kms.kms('EnableKey', { KeyId: id }))
    await works(id)
  })

  test('at the client, by more than five minutes, is told to it as AWS does', async () => {
    for (const ms of [-6 * 60_000, 6 * 60_000]) {
      const answer = await kms.kms('ListKeys', {}, { signedAt: Date.now() + ms })
      const told = ms < 0 ? /Signature expired/ : /Signature not yet current/
      refused(answer, 'InvalidSignatureException', told)
    }
  })
})

test('a clock that jumps leaves a trail with one chain and every record once', async () => {
  const trail = await openTestTrail({
    objects: diskTrailObjects(`${temporaryFolder()}/trail`),
  })
  const expected: string[] = []
  for (const [at, ms] of [HOUR, -3 * HOUR, 30 * DAY, -29 * DAY, 2 * HOUR].entries()) {
    await trail.event(`e${at}`)
    expected.push(`e${at}`)
    trail.clock.advance(ms)
    await trail.delivery.round()
  }
  trail.clock.advance(40 * DAY)
  await trail.delivery.round()
  const events = (await checkChain(trail)).flatMap((digest) => digest.events.flat())
  assert.deepEqual(new Set(events), new Set(expected))
  assert.equal(events.length, expected.length)
})
