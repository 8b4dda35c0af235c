import type { Sample } from './measure.ts'

/** All rounds of one row. */
export interface Row {
  readonly name: string
  readonly connections: number
  readonly samples: readonly Sample[]
}

/** The name of the row that all others are divided by. */
export const YARDSTICK = 'node:net echo'

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

export interface RowSummary {
  readonly name: string
  readonly connections: number
  readonly requests: number
  /** CPU microseconds per request; undefined where the machine does not tell. */
  readonly cpuMedian: number | undefined
  readonly cpuMin: number | undefined
  /** Median of the ratios to the yardstick of the same round. */
  readonly ratioMedian: number | undefined
  /** Least CPU time by least CPU time of the yardstick. */
  readonly ratioOfMinima: number | undefined
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export function summarise(rows: readonly Row[]): RowSummary[] {
  return rows.map((row) => {
    const yardstick = rows.find(
      ({ name, connections }) => name === YARDSTICK && connections === row.connections,
    )
    const cpu = cpuOf(row.samples)
    const base = cpuOf(yardstick?.samples ?? [])
    const known = cpu.length > 0
    const comparable = known && base.length === cpu.length
    const over = (value: (sample: Sample) => number): number => median(row.samples.map(value))
    return {
      name: row.name,
      connections: row.connections,
      requests: row.samples.reduce((sum, { requests }) => sum + requests, 0),
      cpuMedian: known ? median(cpu) : undefined,
      cpuMin: known ? Math.min(...cpu) : undefined,
      ratioMedian: comparable
        ? median(cpu.map((value, round) => value / (base[round] ?? Number.NaN)))
        : undefined,
      ratioOfMinima: comparable ? Math.min(...cpu) / Math.min(...base) : undefined,
      requestsPerSecond: over(({ requests, seconds }) => requests / seconds),
      p50Ms: over(({ p50Ms }) => p50Ms),
      p99Ms: over(({ p99Ms }) => p99Ms),
    }
  })
}

const fixed = (value: number | undefined, digits: number, unit = ''): string =>
  value === undefined ? 'n/a' : value.toFixed(digits) + unit

/** What a row is to reach, and whether it does; empty texts where it is to reach nothing. */
export interface Verdict {
  readonly target: string
  readonly isMet: string
}

/** An aligned table for people. */
export function tableOf(summaries: readonly (RowSummary & Verdict)[]): string {
  const head = [
    '',
    'conns',
    'CPU µs/req',
    'min',
    '× echo',
    'min',
    'req/s',
    'p50 ms',
    'p99 ms',
    'target',
    'met',
  ]
  const cells = summaries.map((row) => [
    row.name,
    String(row.connections),
    fixed(row.cpuMedian, 1),
    fixed(row.cpuMin, 1),
    fixed(row.ratioMedian, 2, ' ×'),
    fixed(row.ratioOfMinima, 2, ' ×'),
    fixed(row.requestsPerSecond, 0),
    fixed(row.p50Ms, 2),
    fixed(row.p99Ms, 2),
    row.target,
    row.isMet,
  ])
  const widths = head.map((_, column) =>
    Math.max(...[head, ...cells].map((line) => line[column]?.length ?? 0)),
  )
  return [head, ...cells]
    .map((line) =>
      line
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  '),
    )
    .join('\n')
}

/** Where the server's CPU time went, thread by thread, median of the rounds. */
export function threadsOf(row: Row): string {
  const names = new Set(row.samples.flatMap((sample) => Object.keys(sample.cpuMicrosByThread)))
  return [...names]
    .map((name) => ({
      name,
      micros: median(row.samples.map((sample) => sample.cpuMicrosByThread[name] ?? 0)),
    }))
    .filter(({ micros }) => micros >= 0.05)
    .sort((a, b) => b.micros - a.micros)
    .map(({ name, micros }) => `${name} ${micros.toFixed(1)}`)
    .join(', ')
}

function cpuOf(samples: readonly Sample[]): number[] {
  return samples.flatMap(({ cpuMicros }) => (cpuMicros === undefined ? [] : [cpuMicros]))
}
