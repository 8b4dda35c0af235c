import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { AuditTrail, type FrameSink } from './audit-trail.ts'

const frame = (name: string): string => `{"kind":"call","internal":{"name":"${name}"},"records":[]}`
const committed = (id: number, name: string): string =>
  `{"kind":"call","internal":{"outbox":${id},"name":"${name}"},"records":[]}`

/** Keeps what it is given until a test says what has become of it. */
class WaitingSink implements FrameSink {
  readonly given: string[] = []
  #waiting: ((error?: Error) => void)[] = []

  append(text: string, done: (error?: Error) => void): void {
    this.given.push(text)
    this.#waiting.push(done)
  }

  /** Settles all that waits, in order. */
  settle(error?: Error): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const done of waiting) done(error)
  }
}

describe('the audit trail', () => {
  let sink: WaitingSink
  let delivered: number[]
  let trail: AuditTrail

  beforeEach(() => {
    sink = new WaitingSink()
    delivered = []
    trail = new AuditTrail(sink, { outboxDelivered: (ids) => void delivered.push(...ids) })
  })

  const full = new Error('no space left on device')

  test('a frame is recorded when it is durable, not before', async () => {
    let isRecorded = false
    const recorded = trail.record(frame('a')).then(() => {
      isRecorded = true
    })
    await Promise.resolve()
    assert.equal(isRecorded, false)
    sink.settle()
    await recorded
    assert.deepEqual(sink.given, [frame('a')])
  })

  test('a frame of the outbox carries its id and is crossed off when it is durable', async () => {
    const recorded = trail.recordCommitted(7, frame('a'))
    assert.deepEqual(delivered, [])
    sink.settle()
    await recorded
    assert.deepEqual([sink.given, delivered], [[committed(7, 'a')], [7]])
  })

  test('a failure is the call’s; only frames of what has committed wait', async () => {
    const read = trail.record(frame('read'))
    const write = trail.recordCommitted(7, frame('write'))
    sink.settle(full)
    await assert.rejects(read, full)
    await assert.rejects(write, full)
    assert.deepEqual([trail.undelivered, delivered], [1, []])
  })

  test('what waits goes ahead of the next frame, in its order', async () => {
    const first = trail.recordCommitted(7, frame('first'))
    const second = trail.recordCommitted(8, frame('second'))
    sink.settle(full)
    await Promise.allSettled([first, second])
    sink.given.length = 0
    const next = trail.record(frame('next'))
    assert.deepEqual(sink.given, [committed(7, 'first'), committed(8, 'second'), frame('next')])
    sink.settle()
    await next
    assert.deepEqual([trail.undelivered, delivered], [0, [7, 8]])
  })

  test('what fails again waits again, and is given once at a time', async () => {
    const first = trail.recordCommitted(7, frame('first'))
    sink.settle(full)
    await assert.rejects(first)
    for (let round = 0; round < 3; round++) {
      const next = trail.record(frame('next'))
      const other = trail.record(frame('other'))
      sink.settle(full)
      await Promise.allSettled([next, other])
      assert.equal(trail.undelivered, 1)
    }
    sink.given.length = 0
    const last = trail.record(frame('last'))
    sink.settle()
    await last
    assert.deepEqual(sink.given, [committed(7, 'first'), frame('last')])
    assert.equal(trail.undelivered, 0)
  })

  test('nothing is answered while what goes ahead of it is missing, even if it is durable itself', async () => {
    const refusing = new Set<string>([committed(7, 'first')])
    const done: string[] = []
    const picky = new AuditTrail(
      {
        append(text, settle) {
          setImmediate(() => settle(refusing.has(text) ? full : undefined))
        },
      },
      { outboxDelivered: (ids) => void delivered.push(...ids) },
    )
    await assert.rejects(picky.recordCommitted(7, frame('first')), full)
    const calls = ['a', 'b'].map((name) => picky.record(frame(name)))
    calls.push(picky.recordCommitted(8, frame('c')))
    for (const call of calls) {
      call.then(
        () => done.push('answered'),
        () => done.push('failed'),
      )
    }
    const outcomes = await Promise.allSettled(calls)
    assert.deepEqual([done, picky.undelivered], [['failed', 'failed', 'failed'], 1])
    assert.ok(outcomes.every(({ status }) => status === 'rejected'))
    refusing.clear()
    await picky.record(frame('d'))
    assert.equal(picky.undelivered, 0)
    await picky.record(frame('e'))
  })
})
