import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkHistory, checkRecords, type HistoryEntry } from './history-checker.ts'

const RIGHT = 'grant 1'
const held = { register: RIGHT, value: 'held' }
const gone = { register: RIGHT, value: 'gone' }

type Change = Partial<HistoryEntry>
const entry = (call: string, startMs: number, endMs: number, change: Change): HistoryEntry => ({
  call,
  startMs,
  endMs,
  outcome: 'done',
  ...change,
})
const give = (from: number, to: number, change: Change = {}) =>
  entry('give', from, to, { writes: [held], ...change })
const take = (from: number, to: number, change: Change = {}) =>
  entry('take', from, to, { writes: [gone], ...change })
const use = (from: number, to: number) => entry('use', from, to, { shows: [held] })
const refusal = (from: number, to: number) =>
  entry('use', from, to, { outcome: 'refused', showsOneOf: [gone] })

const GOOD: Readonly<Record<string, readonly HistoryEntry[]>> = {
  'a right is used while it is held': [give(0, 1), use(2, 3), use(4, 5)],
  'a use is refused after the right was taken': [give(0, 1), take(2, 3), refusal(4, 5)],
  'what overlaps the taking may go either way': [give(0, 1), take(2, 6), use(3, 7), refusal(3, 7)],
  'a use that began before the taking returned may succeed late': [
    give(0, 1),
    take(2, 4),
    use(3.9, 9),
  ],
  'a right that is given again is used again': [give(0, 1), take(2, 3), give(4, 5), use(6, 7)],
  'what overlaps the giving may go either way': [take(0, 1), give(2, 6), use(3, 4), refusal(3, 7)],
  'a taking that was refused has taken nothing': [
    give(0, 1),
    take(2, 3, { outcome: 'refused' }),
    use(4, 5),
  ],
  'a taking without an answer may have happened, or not, and may happen late': [
    give(0, 1),
    take(2, 3, { outcome: 'unknown' }),
    use(4, 5),
    refusal(6, 7),
    use(8, 9),
  ],
  'one of two rights is missing': [
    give(0, 1),
    entry('use', 2, 3, {
      outcome: 'refused',
      showsOneOf: [gone, { register: 'other', value: 'gone' }],
    }),
    entry('take other', 1, 2.5, { writes: [{ register: 'other', value: 'gone' }] }),
  ],
  'an order that is not that of the calls list': [use(2, 3), give(0, 1)],
}

const BAD: Readonly<Record<string, readonly HistoryEntry[]>> = {
  'a use after the taking has returned': [give(0, 1), take(2, 3), use(4, 5)],
  'a use after the taking, however long it takes': [give(0, 1), take(2, 3), use(3.1, 99)],
  'a use of the right that was held before the last one': [
    give(0, 1),
    take(2, 3),
    give(4, 5),
    take(6, 7),
    use(8, 9),
  ],
  'a refusal after the giving has returned': [take(0, 1), give(2, 3), refusal(4, 5)],
  'a use of what was never given': [use(0, 1)],
  'a use before the giving began': [take(0, 1), use(2, 3), give(4, 5)],
  'a read of a value that was written over': [
    entry('write', 0, 1, { writes: [{ register: 'text', value: 'a' }] }),
    entry('write', 2, 3, { writes: [{ register: 'text', value: 'b' }] }),
    entry('read', 4, 5, { shows: [{ register: 'text', value: 'a' }] }),
  ],
  'a refusal although all rights are held': [
    give(0, 1),
    entry('give other', 0, 1, { writes: [{ register: 'other', value: 'held' }] }),
    entry('use', 2, 3, {
      outcome: 'refused',
      showsOneOf: [gone, { register: 'other', value: 'gone' }],
    }),
  ],
  'a taking without an answer before one with an answer': [
    give(0, 1),
    take(2, 3),
    take(4, 5, { outcome: 'unknown' }),
    use(6, 7),
  ],
  'an answer that can never be right': [entry('use', 0, 1, { unexpected: 'NotFoundException' })],
}

describe('the checker of histories', () => {
  for (const [name, history] of Object.entries(GOOD)) {
    test(`passes: ${name}`, () => assert.deepEqual(checkHistory(history), []))
  }
  for (const [name, history] of Object.entries(BAD)) {
    test(`finds: ${name}`, () => assert.equal(checkHistory(history).length, 1))
  }

  test('each answered call is in exactly one log, once', () => {
    const calls = [
      entry('a', 0, 1, { recordedAs: 'id-a' }),
      entry('b', 0, 1, { recordedAs: 'id-b' }),
      entry('c', 0, 1, {}),
    ]
    const once = new Map([
      ['id-a', 1],
      ['id-b', 1],
      ['of nobody who waited', 1],
    ])
    assert.deepEqual(checkRecords(calls, once), [])
    assert.equal(checkRecords(calls, new Map([['id-a', 1]])).length, 1)
    assert.equal(checkRecords(calls, new Map([...once, ['id-b', 2]])).length, 1)
  })
})
