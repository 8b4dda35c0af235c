import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTimeText } from './time-text.ts'

/** A Thursday. */
const NOW = Date.parse('2026-03-12T15:30:00.250Z')
const shown = (text: string): string => {
  const time = parseTimeText(text)
  return [time.start(NOW), time.end(NOW)].map((ms) => new Date(ms).toISOString()).join(' ')
}
const midnight = (from: string, to: string): string => `${from}T00:00:00.000Z ${to}T00:00:00.000Z`
const moment = (text: string): string => `${text} ${text}`

test('times are moments, durations before now, or periods in UTC', () => {
  const expected = [
    ['2026-01-31T09:00:00Z', moment('2026-01-31T09:00:00.000Z')],
    ['2026-01-31T09:00+02:00', moment('2026-01-31T07:00:00.000Z')],
    ['30m', moment('2026-03-12T15:00:00.250Z')],
    ['24h', moment('2026-03-11T15:30:00.250Z')],
    ['30d', moment('2026-02-10T15:30:00.250Z')],
    ['2w', moment('2026-02-26T15:30:00.250Z')],
    ['today', midnight('2026-03-12', '2026-03-13')],
    ['yesterday', midnight('2026-03-11', '2026-03-12')],
    ['last day', midnight('2026-03-11', '2026-03-12')],
    ['this week', midnight('2026-03-09', '2026-03-16')],
    ['last week', midnight('2026-03-02', '2026-03-09')],
    ['this month', midnight('2026-03-01', '2026-04-01')],
    [' last month ', midnight('2026-02-01', '2026-03-01')],
    ['last year', midnight('2025-01-01', '2026-01-01')],
    ['2025-12', midnight('2025-12-01', '2026-01-01')],
    ['2024-02-29', midnight('2024-02-29', '2024-03-01')],
  ] as const
  for (const [text, range] of expected) assert.equal(shown(text), range, text)
})

test('the week of a Sunday began six days before, and the last month of January is December', () => {
  const week = parseTimeText('this week')
  assert.equal(week.start(Date.UTC(2026, 2, 15)), Date.UTC(2026, 2, 9))
  const month = parseTimeText('last month')
  assert.equal(month.start(Date.UTC(2026, 0, 31)), Date.UTC(2025, 11, 1))
})

test('what is no time is refused', () => {
  for (const text of [
    '',
    'soon',
    '24',
    '24x',
    '2026-13',
    '2026-02-30',
    '2026-01-31 09:00',
    '-1h',
    'next month',
    '2026-01-31T25:00Z',
  ]) {
    assert.throws(() => parseTimeText(text), /must be a time such as/, text)
  }
})
