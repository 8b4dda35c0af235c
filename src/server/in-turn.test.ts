import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inTurn } from './in-turn.ts'

describe('jobs in turn', () => {
  test('run one after the other, behind one that fails as well', async () => {
    const done: string[] = []
    const job = (name: string, failure?: Error) => async () => {
      done.push(`${name} begins`)
      await new Promise((resolve) => setImmediate(resolve))
      done.push(`${name} ends`)
      if (failure) throw failure
    }
    const first = new Error('first')
    const jobs = [job('a'), job('b', first), job('c', new Error('second')), job('d')]
    await assert.rejects(inTurn(jobs), first)
    assert.deepEqual(
      done,
      ['a', 'b', 'c', 'd'].flatMap((name) => [`${name} begins`, `${name} ends`]),
    )
    await inTurn([job('e')])
    assert.equal(done.at(-1), 'e ends')
  })
})
