import { median, type Row, type RowSummary, type Verdict } from './report.ts'

/** What the rows at 64 connections are to stay below, as multiples of the `node:net` echo. */
const RATIOS: Readonly<Record<string, number>> = {
  Encrypt: 6,
  Decrypt: 6,
  GenerateDataKey: 6,
  GenerateMac: 6,
  DescribeKey: 6,
  'ListKeys-any': 12,
  'Sign-P256': 9,
  'Sign-P256-digest': 9,
}
const CONNECTIONS = 64
/** CPU time of Encrypt over TLS, as a multiple of plain. */
const TLS_MAX = 1.4
/** Of what `openssl speed` signs. */
const RSA_SHARE_MIN = 0.8

/** Whether a row of the table meets its target; least CPU time by least CPU time, as they move least. */
export function verdictOf(row: RowSummary): Verdict {
  const max = row.connections === CONNECTIONS ? RATIOS[row.name] : undefined
  if (max === undefined || row.ratioOfMinima === undefined) return { target: '', isMet: '' }
  return { target: `≤ ${max} ×`, isMet: row.ratioOfMinima <= max ? 'yes' : 'no' }
}

const leastOf = (rows: readonly Row[], name: string): number | undefined => {
  const row = rows.find((one) => one.name === name && one.connections === CONNECTIONS)
  const cpu = row?.samples.flatMap(({ cpuMicros }) => cpuMicros ?? []) ?? []
  return cpu.length === 0 ? undefined : Math.min(...cpu)
}

/** The targets that are no multiples of the echo, one line each. */
export function otherTargets(rows: readonly Row[], opensslMicros: readonly number[]): string[] {
  const lines: string[] = []
  const [plain, tls] = [leastOf(rows, 'Encrypt'), leastOf(rows, 'Encrypt-TLS')]
  if (plain !== undefined && tls !== undefined) {
    const verdict = tls <= TLS_MAX * plain ? 'met' : 'not met'
    lines.push(`Encrypt over TLS: ${(tls / plain).toFixed(2)} × plain (≤ ${TLS_MAX}: ${verdict})`)
  }
  const sign = leastOf(rows, 'Sign-RSA2048')
  if (sign === undefined) return lines
  if (opensslMicros.length === 0) {
    lines.push('Sign-RSA2048: not compared, there is no openssl program here')
    return lines
  }
  const least = Math.min(...opensslMicros)
  const share = least / sign
  lines.push(
    `Sign-RSA2048: ${(100 * share).toFixed(0)} % of what openssl speed signs in the same CPU time ` +
      `(≥ ${100 * RSA_SHARE_MIN} %: ${share >= RSA_SHARE_MIN ? 'met' : 'not met'}; openssl ` +
      `${least.toFixed(0)} µs a signature at least, ${median(opensslMicros).toFixed(0)} median)`,
  )
  return lines
}
