import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventPage } from '../../core/audit-search.ts'
import { instant } from '../../core/ids.ts'
import { NodeAway } from './node-away.ts'
import { answerFrom, type OwnSearch, PeerSearch } from './peer-search.ts'
import type { PeerQuestion, Peers } from './peers.ts'

/** A frame of a call, as far as it is looked at. */
const frameOf = (requestId: string): string =>
  JSON.stringify({ kind: 'call', records: [{ requestID: requestId }] })

const logOf = (name: string, times: readonly number[]): OwnSearch => ({
  search: async ({ limit }): Promise<EventPage> => ({
    events: times
      .slice(0, limit)
      .map((time) => ({ sequence: time, record: 0, time: instant(time), text: name })),
  }),
  counts: async () => [{ values: [], count: times.length, first: instant(1), last: instant(2) }],
  requestFrames: async (requestId) => (requestId === name ? [frameOf(requestId)] : []),
})

function searched(away: readonly string[] = []) {
  const asked: PeerQuestion[] = []
  const logs = new Map([
    ['one', logOf('one', [1, 4])],
    ['two', logOf('two', [2])],
    ['three', logOf('three', [3])],
  ])
  const peers: Peers = {
    others: async () => ['two', 'three'],
    async ask(question, of) {
      asked.push(question)
      const missing = of.find((name) => away.includes(name))
      if (missing !== undefined) throw new NodeAway(`${missing} is away`)
      const answers = of.map(async (name) => {
        const log = logs.get(name) ?? assert.fail(name)
        return [name, await answerFrom(log)(question)] as const
      })
      return new Map(await Promise.all(answers))
    },
  }
  return { search: new PeerSearch(logs.get('one') ?? assert.fail(), 'one', peers), asked }
}

test('events and counts are those of this one and of all others', async () => {
  const { search } = searched()
  const page = await search.search.search({ order: 'oldest-first', limit: 9 })
  assert.deepEqual(
    page.events.map(({ text, time }) => [text, time]),
    [
      ['one', 1],
      ['two', 2],
      ['three', 3],
      ['one', 4],
    ],
  )
  assert.equal((await search.search.counts({ by: [], limit: 1 }))[0]?.count, 4)
})

test('where one is away there is no answer but to what this one knows itself', async () => {
  const { search } = searched(['three'])
  const query = { order: 'oldest-first', limit: 9 } as const
  await assert.rejects(search.search.search(query), NodeAway)
  await assert.rejects(search.search.counts({ by: [], limit: 1 }), NodeAway)
  await assert.rejects(search.requestFrames('nowhere'), NodeAway)
  assert.equal((await search.search.search({ ...query, scope: 'node' })).events.length, 2)
  assert.deepEqual(await search.requestFrames('one'), [frameOf('one')])
})

test('a request of another one is found there, and one of this one without asking', async () => {
  const { search, asked } = searched()
  assert.deepEqual(await search.requestFrames('one'), [frameOf('one')])
  assert.deepEqual(asked, [])
  assert.deepEqual(await search.requestFrames('three'), [frameOf('three')])
  assert.deepEqual(await search.requestFrames('nowhere'), [])
})
