import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { aKeyPlace } from '../../../../test/support/key-place.ts'
import {
  HeldClock,
  type MemoryNode,
  startMemoryNode,
} from '../../../../test/support/memory-node.ts'
import { type CallFacts, FrameWriter } from '../../../audit/event.ts'
import { keyArn } from '../../../core/arn.ts'
import { DependencyError } from '../../../core/errors.ts'
import { instant, parseAccountId } from '../../../core/ids.ts'
import type { Key } from '../../../core/key.ts'
import type { RecordStore } from '../../../core/records.ts'
import { KEY_USAGE_NOTES, KEYS } from '../../../core/tables.ts'
import type { ResolvedKey } from './key-resolver.ts'
import { KeyUsage, type UsageJournal } from './key-usage.ts'

/** A log in memory: what is appended is durable at once. */
class HeldJournal implements UsageJournal {
  readonly frames: string[] = []
  mark = 0
  marksWritten = 0
  /** Where the last reading began. */
  readFrom: number | undefined

  sequence(): number {
    return this.frames.length
  }
  readMark(): Promise<number> {
    return Promise.resolve(this.mark)
  }
  writeMark(sequence: number): Promise<void> {
    this.mark = sequence
    this.marksWritten++
    return Promise.resolve()
  }
  async *framesBehind(sequence: number): AsyncIterable<string> {
    this.readFrom = sequence
    yield* this.frames.slice(sequence)
  }
}

const OTHER = parseAccountId('444455556666') ?? assert.fail()

const idOf = (number: number): string =>
  `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`

describe('the last uses of keys', () => {
  let node: MemoryNode
  let store: Pick<RecordStore, 'transaction'>
  let journal: HeldJournal
  let clock: HeldClock
  let uses: KeyUsage
  let isStoreFailing: boolean
  const frames = new FrameWriter()

  /** As a start finds things: the store and the log are what they were, memory is empty. */
  const restart = (): KeyUsage => new KeyUsage({ records: store, clock, journal })

  beforeEach(async () => {
    node = await startMemoryNode()
    isStoreFailing = false
    store = {
      transaction: (work) =>
        isStoreFailing
          ? Promise.reject(new DependencyError('the disk is full'))
          : node.records.transaction(work),
    }
    journal = new HeldJournal()
    clock = new HeldClock()
    uses = restart()
  })

  afterEach(() => node.close())

  const makeKey = async (number = 1, change: Partial<Key> = {}): Promise<ResolvedKey> => {
    const key: Key = {
      ...aKeyPlace({ keyId: idOf(number) }),
      spec: 'SYMMETRIC_DEFAULT',
      usage: 'ENCRYPT_DECRYPT',
      origin: 'AWS_KMS',
      description: '',
      createdAt: instant(0),
      state: { name: 'Enabled' },
      tags: {},
      onDemandRotations: 0,
      ...change,
    }
    await node.records.transaction((tx) => tx.insert(KEYS, key))
    const stored = await node.records.find(KEYS, [key.region, key.keyId])
    assert.ok(stored)
    return { stored, key, arn: keyArn(key, key.keyId) }
  }

  const facts = (keys: readonly ResolvedKey[], time: number, change: Partial<CallFacts> = {}) => ({
    eventId: `event-${time}`,
    requestId: `request-${time}`,
    time: instant(time),
    accountId: '111122223333',
    region: 'eu-central-1',
    eventSource: 'kms.amazonaws.com',
    eventName: 'Encrypt',
    accessKeyId: '',
    userIdentityJson: '{}',
    userAgent: '',
    host: '',
    connection: { remoteAddress: '127.0.0.1' },
    readOnly: true,
    requestParametersJson: 'null',
    responseElementsJson: 'null',
    additionalEventDataJson: undefined,
    resources: keys.map(({ key, arn }) => ({ accountId: key.accountId, type: '', arn })),
    error: undefined,
    decidedJson: undefined,
    ...change,
  })

  /** A call as the pipeline leaves it: in the log, and told. */
  const call = (...args: Parameters<typeof facts>): void => {
    const made = facts(...args)
    journal.frames.push(frames.call(made))
    uses.record(made)
  }
  const timeOf = async (target: ResolvedKey, of = uses): Promise<number | undefined> =>
    (await of.lastUse(node.records, target))?.time
  const notedTime = async ({ key }: ResolvedKey): Promise<number | undefined> =>
    (await node.records.find(KEY_USAGE_NOTES, [key.region, key.keyId]))?.record.time
  /** One round of timed work, some time after the one before. */
  const round = (ms: number): Promise<void> => {
    clock.advance({ ms })
    return uses.noteIfDue()
  }

  test('are known at once and noted twice a minute, the latest of each key', async () => {
    const [one, other] = [await makeKey(1), await makeKey(2)]
    call([one], 1000)
    call([one], 2000)
    call([other], 1500)
    assert.equal(await timeOf(one), 2000)
    assert.equal(await notedTime(one), undefined)
    await round(29_999)
    assert.equal(await notedTime(one), undefined)
    await round(1)
    assert.equal(await notedTime(one), 2000)
    assert.equal(await notedTime(other), 1500)
    assert.deepEqual(await uses.lastUse(node.records, other), {
      region: other.key.region,
      keyId: other.key.keyId,
      operation: 'Encrypt',
      time: 1500,
      eventId: 'event-1500',
      requestId: 'request-1500',
    })
  })

  test('that end late do not go behind a later one, noted or not', async () => {
    const key = await makeKey()
    call([key], 2000)
    call([key], 1000)
    assert.equal(await timeOf(key), 2000)
    await uses.noteAll()
    call([key], 1500)
    assert.equal(await timeOf(key), 2000)
    await uses.noteAll()
    assert.equal(await notedTime(key), 2000)
  })

  test('of other accounts’ keys are told by their owners’ records, also after a crash', async () => {
    const [own, foreign] = [await makeKey(1), await makeKey(2, { accountId: OTHER })]
    const copies = [{ eventId: 'the copy', accountId: OTHER }]
    call([own, foreign], 1000, {
      eventName: 'ReEncrypt',
      shared: { sharedEventId: 'shared', userIdentityJson: '{}', copies },
    })
    for (const found of [uses, restart()]) {
      await found.rebuild()
      assert.equal((await found.lastUse(node.records, own))?.eventId, 'event-1000')
      assert.equal((await found.lastUse(node.records, foreign))?.eventId, 'the copy')
    }
  })

  test('at one moment are told by the one that came last', async () => {
    const key = await makeKey()
    call([key], 1000)
    call([key], 1000, { eventId: 'the last' })
    assert.equal((await uses.lastUse(node.records, key))?.eventId, 'the last')
    await uses.noteAll()
    call([key], 1000, { eventId: 'the very last' })
    await uses.noteAll()
    assert.equal((await uses.lastUse(node.records, key))?.eventId, 'the very last')
  })

  test('are found in the log again after a crash, from the mark on', async () => {
    const [one, other] = [await makeKey(1), await makeKey(2)]
    call([one], 1000)
    await round(1000)
    await round(30_000)
    assert.equal(journal.mark, 1)
    call([one, other], 2000, { eventName: 'ReEncrypt' })
    call([other], 3000, { eventName: 'Decrypt' })
    const after = restart()
    await after.rebuild()
    assert.equal(journal.readFrom, 1)
    assert.equal(await timeOf(one, after), 2000)
    assert.deepEqual(await after.lastUse(node.records, other), {
      region: other.key.region,
      keyId: other.key.keyId,
      operation: 'Decrypt',
      time: 3000,
      eventId: 'event-3000',
      requestId: 'request-3000',
    })
    assert.equal(journal.mark, 3)
  })

  test('are not looked for in what is no successful use of a key', async () => {
    const key = await makeKey()
    const error = { code: 'KMSInvalidStateException', message: undefined }
    journal.frames.push(
      frames.call(facts([key], 1000, { error })),
      frames.call(facts([key], 2000, { eventName: 'GetPublicKey' })),
      frames.call(facts([key], 3000, { eventSource: 'sts.amazonaws.com' })),
      frames.operator(instant(4000), 'rotate', { eventName: 'Encrypt' }),
      // What a caller writes into its context is no record, however much it looks like one.
      frames.call(
        facts([key], 5000, {
          eventName: 'DescribeKey',
          requestParametersJson: JSON.stringify({
            encryptionContext: { eventName: 'Encrypt', eventSource: 'kms.amazonaws.com' },
          }),
        }),
      ),
    )
    await uses.rebuild()
    assert.equal(await timeOf(key), undefined)
  })

  test('mark only what all uses were told of a round before', async () => {
    const key = await makeKey()
    await round(30_000)
    // Durable, and not told yet: the mark must not go beyond it.
    const late = facts([key], 1000)
    journal.frames.push(frames.call(late))
    await round(30_000)
    assert.equal(journal.mark, 0)
    uses.record(late)
    await round(1000)
    await round(30_000)
    assert.equal(journal.mark, 1)
    assert.equal(await notedTime(key), 1000)
  })

  test('write no mark where the log has not moved', async () => {
    const key = await makeKey()
    call([key], 1000)
    await round(0)
    for (let at = 0; at < 5; at++) await round(30_000)
    assert.equal(journal.marksWritten, 1)
  })

  test('are kept while the store fails, and noted when it works again', async () => {
    const [one, other] = [await makeKey(1), await makeKey(2)]
    call([one], 1000)
    call([other], 1000)
    isStoreFailing = true
    await assert.rejects(round(30_000), DependencyError)
    call([one], 2000)
    assert.equal(await timeOf(one), 2000)
    assert.equal(await timeOf(other), 1000)
    assert.equal(journal.mark, 0)
    isStoreFailing = false
    await round(1000)
    assert.equal(await notedTime(one), 2000)
    assert.equal(await notedTime(other), 1000)
  })

  test('are known while they are being noted', async () => {
    const key = await makeKey()
    call([key], 1000)
    const noting = uses.noteAll()
    assert.equal(await timeOf(key), 1000)
    await noting
    assert.equal(await timeOf(key), 1000)
  })

  test('of a key that is gone leave no note, and one made again has none of them', async () => {
    const gone = await makeKey()
    call([gone], 1000)
    await node.records.transaction(async (tx) => {
      const stored = await tx.find(KEYS, [gone.key.region, gone.key.keyId])
      if (stored !== undefined) await tx.remove(KEYS, stored)
    })
    const again = await makeKey(1, { createdAt: instant(1500) })
    assert.equal(await timeOf(again), undefined)
    await node.records.transaction((tx) => tx.remove(KEYS, again.stored))
    await uses.noteAll()
    assert.equal(await notedTime(gone), undefined)
  })

  test('are noted early when many keys are in use', async () => {
    const key = await makeKey()
    call([key], 1000)
    // Of keys that the store does not have: they are held like any other.
    const other = (number: number): ResolvedKey => {
      const place = aKeyPlace({ keyId: idOf(number) })
      return { ...key, arn: keyArn(place, place.keyId) }
    }
    uses.record(
      facts(
        Array.from({ length: 50_000 }, (_, at) => other(at + 2)),
        2000,
      ),
    )
    await round(1000)
    assert.equal(await notedTime(key), 1000)
  })

  test('are read from the whole log where the mark is beyond its end', async () => {
    const key = await makeKey()
    call([key], 1000)
    journal.mark = 900
    const after = restart()
    await after.rebuild()
    assert.equal(journal.readFrom, 0)
    assert.equal(await timeOf(key, after), 1000)
    assert.equal(journal.mark, 1)
  })
})
