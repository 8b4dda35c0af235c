import type { EventCount, FoundEvent } from '../core/audit-search.ts'
import type { Paint } from './paint.ts'
import { printable } from './printable.ts'

/** Between two columns. */
const GAP = '  '

type Cells = readonly string[]

/** Rows with aligned columns; widths never shrink, so that what follows stands below what came before. */
export class Columns {
  #widths: number[]

  constructor(titles: Cells) {
    this.#widths = titles.map((title) => title.length)
  }

  fit(rows: readonly Cells[]): void {
    for (const row of rows) {
      this.#widths = this.#widths.map((width, index) => Math.max(width, (row[index] ?? '').length))
    }
  }

  /** `paint` may colour a cell; colours have no width. */
  line(row: Cells, paint: (text: string, index: number) => string): string {
    const last = row.length - 1
    const cells = row.map((text, index) => {
      const width = index === last ? 0 : (this.#widths[index] ?? 0)
      return paint(text, index) + ' '.repeat(Math.max(0, width - text.length))
    })
    return `${cells.join(GAP)}\n`
  }
}

const EVENT_TITLES = ['TIME', 'ACCOUNT', 'PRINCIPAL', 'OPERATION', 'KEY', 'OUTCOME', 'SOURCE']
const OUTCOME_COLUMN = EVENT_TITLES.indexOf('OUTCOME')

/** A table of events that grows. */
export class EventTable {
  readonly #columns = new Columns(EVENT_TITLES)
  readonly #paint: Paint
  #hasTitle = false

  constructor(paint: Paint) {
    this.#paint = paint
  }

  lines(events: readonly FoundEvent[]): string {
    const rows = events.map(cellsOf)
    this.#columns.fit(rows)
    const title = this.#hasTitle ? '' : this.#columns.line(EVENT_TITLES, this.#paint.strong)
    this.#hasTitle = true
    const body = rows.map((row) =>
      this.#columns.line(row, (text, index) =>
        index === OUTCOME_COLUMN ? outcomeColor(text, this.#paint) : text,
      ),
    )
    return title + body.join('')
  }
}

const DENIED = ['AccessDenied', 'AccessDeniedException']

function outcomeColor(text: string, paint: Paint): string {
  if (text === 'ok') return paint.good(text)
  return DENIED.includes(text) ? paint.bad(text) : paint.warn(text)
}

/** The member of an object of JSON. */
function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? // An object that was just seen to have the member.
      (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}

const textOf = (value: unknown): string => (typeof value === 'string' ? printable(value) : '')

function cellsOf({ time, text }: FoundEvent): Cells {
  const record: unknown = JSON.parse(text)
  return [
    secondsText(time),
    textOf(member(record, 'recipientAccountId')),
    principalOf(member(record, 'userIdentity')),
    textOf(member(record, 'eventName')),
    keysOf(member(record, 'resources')),
    textOf(member(record, 'errorCode')) || 'ok',
    textOf(member(record, 'sourceIPAddress')),
  ]
}

/** `2026-01-31T09:00:00Z` */
export const secondsText = (time: number): string => `${new Date(time).toISOString().slice(0, 19)}Z`

/** The part of an ARN that people know: `role/app`, `assumed-role/app/session`. Who came with a token has none. */
function principalOf(identity: unknown): string {
  const arn = textOf(member(identity, 'arn'))
  if (arn !== '') return arn.split(':').slice(5).join(':')
  const names = ['userName', 'invokedBy', 'accountId'].map((name) => textOf(member(identity, name)))
  return names.find((name) => name !== '') ?? '-'
}

function keysOf(resources: unknown): string {
  const list: readonly unknown[] = Array.isArray(resources) ? resources : []
  const names = list.map((resource) => {
    const arn = textOf(member(resource, 'ARN'))
    return arn
      .split(':')
      .slice(5)
      .join(':')
      .replace(/^key\//, '')
  })
  return names.length === 0 ? '-' : names.join(',')
}

const plain = (text: string): string => text

/** A table of counts; the values stand as they are, so that they can be asked for. */
export function countTable(
  counts: readonly EventCount[],
  by: readonly string[],
  paint: Paint,
): string {
  const titles = ['COUNT', ...by.map((name) => name.toUpperCase()), 'FIRST', 'LAST']
  const rows = counts.map(({ values, count, first, last }) => [
    String(count),
    ...values.map((value) => printable(value) || '-'),
    secondsText(first),
    secondsText(last),
  ])
  const columns = new Columns(titles)
  columns.fit(rows)
  return [columns.line(titles, paint.strong), ...rows.map((row) => columns.line(row, plain))].join(
    '',
  )
}
