import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Exchange, type Teller } from './exchange.ts'
import type { SupervisorMessage } from './messages.ts'

interface FakeWorker extends Teller {
  readonly heard: SupervisorMessage[]
}

const aWorker = (number: number, isServing = true): FakeWorker => {
  const heard: SupervisorMessage[] = []
  return { number, restarts: 0, isServing, heard, send: (message) => heard.push(message) }
}

/** Three workers of which the first asks the others. */
function asked(...workers: readonly FakeWorker[]) {
  const exchange = new Exchange(() => workers)
  const [asker = assert.fail()] = workers
  const question = { what: 'search', query: { order: 'newest-first', limit: 1 } } as const
  exchange.heard(asker, { kind: 'ask', id: 7, question, of: [1, 2, 3] })
  return { exchange, asker }
}

describe('the exchange between workers', () => {
  test('hands what the others say to the one that asked', () => {
    const [one, two, three] = [aWorker(1), aWorker(2), aWorker(3)]
    const { exchange } = asked(one, two, three)
    for (const worker of [three, two]) {
      const [told] = worker.heard
      assert.equal(told?.kind, 'tell')
      assert.deepEqual(one.heard, [])
      exchange.heard(worker, { kind: 'told', id: told.id, result: worker.number * 10 })
    }
    const answers = [
      { worker: 3, result: 30 },
      { worker: 2, result: 20 },
    ]
    assert.deepEqual(one.heard, [{ kind: 'answers', id: 7, answers }])
  })

  test('says of one that does not serve, or ends meanwhile, that it said nothing', () => {
    const [one, two, three] = [aWorker(1), aWorker(2), aWorker(3, false)]
    const { exchange } = asked(one, two, three)
    assert.deepEqual(three.heard, [])
    exchange.ended(two)
    const answers = [{ worker: 3 }, { worker: 2, result: undefined }]
    assert.deepEqual(one.heard, [{ kind: 'answers', id: 7, answers }])
  })

  test('does not wait for one that says nothing', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const [one, two] = [aWorker(1), aWorker(2)]
    asked(one, two)
    assert.deepEqual(one.heard, [])
    t.mock.timers.tick(30_000)
    assert.deepEqual(one.heard, [{ kind: 'answers', id: 7, answers: [{ worker: 2 }] }])
  })
})
