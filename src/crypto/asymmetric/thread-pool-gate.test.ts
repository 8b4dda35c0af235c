import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyError } from '../../core/errors.ts'
import { ThreadPoolGate } from './thread-pool-gate.ts'

/** Tasks that end when they are told to. */
function controlled(gate: ThreadPoolGate, count: number) {
  const started: number[] = []
  const ends = Array.from({ length: count }, () => Promise.withResolvers<number>())
  const results = ends.map(({ promise }, index) =>
    gate.run(() => {
      started.push(index)
      return promise
    }),
  )
  return { started, ends, results }
}

describe('the gate to the thread pool', () => {
  test('no more tasks run at once than it lets in, and they start in order', async () => {
    const gate = new ThreadPoolGate({ concurrent: 2, waiting: 10 })
    const { started, ends, results } = controlled(gate, 5)
    assert.deepEqual(started, [0, 1])
    assert.equal(gate.waiting, 3)
    ends[1]?.resolve(1)
    await results[1]
    await Promise.resolve()
    assert.deepEqual(started, [0, 1, 2])
    assert.equal(gate.running, 2)
    ends.forEach(({ resolve }, index) => resolve(index))
    assert.deepEqual(await Promise.all(results), [0, 1, 2, 3, 4])
    assert.deepEqual(started, [0, 1, 2, 3, 4])
    assert.equal(gate.running, 0)
  })

  test('a task that fails gives its place back', async () => {
    const gate = new ThreadPoolGate({ concurrent: 1, waiting: 1 })
    await assert.rejects(
      gate.run(() => Promise.reject(new Error('broken'))),
      /broken/,
    )
    assert.equal(await gate.run(() => Promise.resolve('next')), 'next')
    assert.equal(gate.running, 0)
  })

  test('one more than may wait is refused, and those before it are not', async () => {
    const gate = new ThreadPoolGate({ concurrent: 1, waiting: 1 })
    const { ends, results } = controlled(gate, 2)
    await assert.rejects(
      gate.run(() => Promise.resolve(0)),
      DependencyError,
    )
    ends.forEach(({ resolve }, index) => resolve(index))
    assert.deepEqual(await Promise.all(results), [0, 1])
  })
})
