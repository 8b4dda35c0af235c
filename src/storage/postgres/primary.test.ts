import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { choosePrimary, type OpenServer, Succession } from './primary.ts'

interface FakeServer extends OpenServer {
  isClosed: boolean
}

function server(place: string, timeline: number | undefined, system = 'data'): FakeServer {
  const made: FakeServer = {
    place,
    identity: { system: timeline === undefined ? undefined : system, timeline },
    isClosed: false,
    async close() {
      made.isClosed = true
    },
  }
  return made
}

const refused = (message: string): Promise<FakeServer> => Promise.reject(new Error(message))

const later = async (made: FakeServer, ms: number): Promise<FakeServer> => {
  await delay(ms)
  return made
}

describe('of several servers', () => {
  const places = ['a:1', 'b:2']

  test('the one that takes writes is chosen', async () => {
    const b = server('b:2', 1)
    const attempts = [refused('it is a standby'), Promise.resolve(b)]
    assert.equal(await choosePrimary(attempts, places, 'a:1'), b)
    assert.equal(b.isClosed, false)
  })

  test('of two that do, the one that was promoted last, and the other is let go', async () => {
    const [a, b] = [server('a:1', 1), server('b:2', 2)]
    assert.equal(await choosePrimary([Promise.resolve(a), later(b, 20)], places, 'a:1'), b)
    assert.deepEqual([a.isClosed, b.isClosed], [true, false])
  })

  test('of two as good, the present one, or the first', async () => {
    const pair = (): readonly [FakeServer, FakeServer] => [
      server('a:1', undefined),
      server('b:2', undefined),
    ]
    const choose = async (present: string | undefined) => {
      const [a, b] = pair()
      return (await choosePrimary([Promise.resolve(a), Promise.resolve(b)], places, present)).place
    }
    assert.equal(await choose(undefined), 'a:1')
    assert.equal(await choose('b:2'), 'b:2')
    assert.equal(await choose('c:3'), 'a:1')
  })

  test('one that says nothing is not waited for, and let go when it comes after all', async () => {
    const [a, b] = [server('a:1', 1), server('b:2', 2)]
    const { promise: silent, resolve } = Promise.withResolvers<FakeServer>()
    assert.equal(await choosePrimary([Promise.resolve(a), silent], places, undefined), a)
    resolve(b)
    await delay(1)
    assert.deepEqual([a.isClosed, b.isClosed], [false, true])
  })

  test('none: what each of them said is told; of one alone its own error', async () => {
    const unreachable = Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' })
    await assert.rejects(choosePrimary([refused('x'), Promise.reject(unreachable)], places, ''), {
      name: 'Error',
      message: 'no server takes writes: a:1: x; b:2: ECONNREFUSED',
    })
    const own = new Error('own')
    await assert.rejects(choosePrimary([Promise.reject(own)], ['a:1'], ''), own)
  })
})

describe('the succession of primaries', () => {
  test('goes on with each promotion, and counts them', () => {
    const succession = new Succession()
    succession.accept(server('a:1', 1))
    succession.accept(server('a:1', 1))
    assert.equal(succession.generation, 1)
    succession.accept(server('b:2', 2))
    assert.equal(succession.generation, 2)
    assert.equal(succession.place, 'b:2')
    // The same place may lead to another server.
    succession.accept(server('b:2', 3))
    assert.equal(succession.generation, 3)
  })

  test('never goes back to one that another has followed', () => {
    const succession = new Succession()
    succession.accept(server('b:2', 2))
    assert.throws(() => succession.accept(server('a:1', 1)), /timeline 1, and 2 has been seen/)
    assert.throws(() => succession.isPrimary(server('a:1', 1)), /must not be written to/)
    assert.deepEqual([succession.place, succession.generation], ['b:2', 1])
  })

  test('takes no server with other data', () => {
    const succession = new Succession()
    succession.accept(server('a:1', 1))
    assert.throws(() => succession.accept(server('b:2', 2, 'other')), /another database/)
    assert.equal(succession.place, 'a:1')
  })

  test('knows the present one from one that has come after it', () => {
    const succession = new Succession()
    succession.accept(server('a:1', 1))
    assert.equal(succession.isPrimary(server('a:1', 1)), true)
    assert.equal(succession.isPrimary(server('a:1', 2)), false)
    assert.equal(succession.isPrimary(server('b:2', 1)), false)
  })

  test('of servers that say nothing of themselves goes by their place', () => {
    const succession = new Succession()
    succession.accept(server('a:1', undefined))
    succession.accept(server('b:2', undefined))
    succession.accept(server('a:1', undefined))
    assert.deepEqual([succession.place, succession.generation], ['a:1', 3])
  })
})
