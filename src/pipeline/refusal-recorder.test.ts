import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { HeldClock } from '../../test/support/memory-node.ts'
import { FrameWriter } from '../audit/event.ts'
import { RefusalRecorder } from './refusal-recorder.ts'

interface Summary {
  readonly kind: string
  readonly internal: {
    readonly time: number
    readonly since: number
    readonly count: number
    readonly byCode: Readonly<Record<string, number>>
  }
  readonly records: readonly unknown[]
}

describe('refusals', () => {
  let clock: HeldClock
  let recorded: string[]
  let failure: Error | undefined
  let refusals: RefusalRecorder

  beforeEach(() => {
    clock = new HeldClock()
    recorded = []
    failure = undefined
    const record = async (frame: string): Promise<void> => {
      if (failure !== undefined) throw failure
      recorded.push(frame)
    }
    refusals = new RefusalRecorder({ trail: { record }, frames: new FrameWriter(), clock })
  })

  const refuse = async (count: number, code = 'InvalidSignatureException'): Promise<void> => {
    for (let i = 0; i < count; i++) await refusals.record(code, () => code)
  }
  /** The frames that count refusals, out of all that were recorded. */
  const summaries = (): Summary[] =>
    recorded.filter((frame) => frame.startsWith('{')).map((frame) => JSON.parse(frame) as Summary)

  test('are recorded one by one as long as they are few', async () => {
    await refuse(100)
    for (let second = 0; second < 50; second++) {
      clock.advance({ ms: 1000 })
      await refuse(10)
    }
    assert.equal(recorded.length, 600)
    assert.deepEqual(summaries(), [])
  })

  test('beyond the rate are counted by code, and recorded together', async () => {
    const since = clock.now()
    await refuse(100)
    await refuse(40)
    await refuse(2, 'UnknownOperationException')
    assert.equal(recorded.length, 100)
    clock.advance({ ms: 900 })
    await refusals.flush()
    assert.deepEqual(summaries(), [
      {
        kind: 'refusals',
        internal: {
          time: clock.now(),
          since,
          count: 42,
          byCode: { InvalidSignatureException: 40, UnknownOperationException: 2 },
        },
        records: [],
      },
    ])
    await refusals.flush()
    assert.equal(summaries().length, 1)
  })

  test('leave one summary a second, whoever asks for it', async () => {
    await refuse(100)
    for (let i = 0; i < 10_000; i++) {
      await refuse(1)
      clock.advance({ ms: 1 })
    }
    await refusals.flush()
    const counted = summaries().map(({ internal }) => internal.count)
    assert.equal(counted.length, 10)
    const single = recorded.length - counted.length
    assert.ok(single <= 200 + 1, `${single} were recorded one by one`)
    assert.equal(
      counted.reduce((sum, count) => sum + count, single),
      10_100,
    )
  })

  test('are counted on where the log fails, and those that wait for it fail', async () => {
    await refuse(105)
    failure = new Error('no space left on device')
    await assert.rejects(refusals.flush(), failure)
    await refuse(1)
    clock.advance({ ms: 1000 })
    await assert.rejects(refuse(1), failure)
    failure = undefined
    await refusals.flush()
    assert.deepEqual(summaries()[0]?.internal.byCode, { InvalidSignatureException: 6 })
  })

  test('survive a clock that is set back', async () => {
    await refuse(101)
    clock.advance({ days: -1 })
    await refuse(1)
    assert.equal(summaries()[0]?.internal.count, 1)
    clock.advance({ ms: 1000 })
    await refuse(3)
    assert.equal(recorded.length, 100 + 2 + 3)
  })
})
