import type { DatabaseSync } from 'node:sqlite'
import type { EventFilter } from '../../core/audit-search.ts'
import { OUTCOMES } from './index-names.ts'

/** A condition of SQL with its parameters. */
export interface Condition {
  readonly sql: string
  readonly values: readonly (string | number)[]
}

/** Which combinations and which sessions a filter leaves; absent where it says nothing about them. */
export interface FilterSql {
  /** About `combo`. */
  readonly combo: Condition | undefined
  /** About `session`. */
  readonly session: Condition | undefined
}

const STRING = '(SELECT id FROM string WHERE text = ?)'

const COMBO_TEXTS = [
  ['account', 'accountId'],
  ['region', 'region'],
  ['event_source', 'eventSource'],
  ['event_name', 'eventName'],
  ['error_code', 'errorCode'],
  ['source_ip', 'sourceIp'],
] as const satisfies readonly (readonly [string, keyof EventFilter])[]

const SESSION_TEXTS = [
  ['access_key', 'accessKeyId'],
  ['username', 'username'],
] as const satisfies readonly (readonly [string, keyof EventFilter])[]

/** What a filter asks of combinations and sessions. A principal is one or the other: see `principalKind`. */
export function filterSql(filter: EventFilter, principal: 'combo' | 'session'): FilterSql {
  const combo: Condition[] = []
  const session: Condition[] = []
  for (const [column, member] of COMBO_TEXTS) {
    const value = filter[member]
    if (value !== undefined) combo.push({ sql: `${column} = ${STRING}`, values: [value] })
  }
  for (const [column, member] of SESSION_TEXTS) {
    const value = filter[member]
    if (value !== undefined) session.push({ sql: `${column} = ${STRING}`, values: [value] })
  }
  if (filter.principal !== undefined) {
    const condition = { values: [filter.principal] }
    if (principal === 'combo') combo.push({ sql: `principal = ${STRING}`, ...condition })
    else session.push({ sql: `arn = ${STRING}`, ...condition })
  }
  if (filter.readOnly !== undefined) {
    combo.push({ sql: 'read_only = ?', values: [Number(filter.readOnly)] })
  }
  if (filter.outcome !== undefined) {
    combo.push({ sql: 'outcome = ?', values: [OUTCOMES.indexOf(filter.outcome)] })
  }
  const names = namesCondition(filter)
  if (names !== undefined) combo.push(names)
  const resource = resourceCondition(filter)
  if (resource !== undefined) combo.push(resource)
  return { combo: allOf(combo), session: allOf(session) }
}

function namesCondition({ eventNames }: EventFilter): Condition | undefined {
  if (eventNames === undefined) return undefined
  const alternatives = eventNames.map((name) =>
    name.includes('*')
      ? '(SELECT text FROM string WHERE id = event_name) GLOB ?'
      : `event_name = ${STRING}`,
  )
  return {
    sql: `(${['FALSE', ...alternatives].join(' OR ')})`,
    values: eventNames.map((name) => (name.includes('*') ? globOf(name) : name)),
  }
}

/** Of SQLite, where `?` and `[` would mean something, too. */
const globOf = (pattern: string): string => pattern.replaceAll(/[?[]/g, '[$&]')

function resourceCondition({ resourceName, resourceType }: EventFilter): Condition | undefined {
  if (resourceName === undefined && resourceType === undefined) return undefined
  if (resourceName === undefined) {
    return {
      sql: `EXISTS (SELECT 1 FROM combo_resource r WHERE r.combo = combo.id AND r.type = ${STRING})`,
      values: [resourceType ?? ''],
    }
  }
  const ofType = resourceType === undefined ? '' : ` AND type = ${STRING}`
  return {
    sql: `combo.id IN (SELECT combo FROM combo_resource WHERE name = ${STRING}${ofType})`,
    values: resourceType === undefined ? [resourceName] : [resourceName, resourceType],
  }
}

function allOf(conditions: readonly Condition[]): Condition | undefined {
  if (conditions.length === 0) return undefined
  return {
    sql: conditions.map(({ sql }) => sql).join(' AND '),
    values: conditions.flatMap(({ values }) => values),
  }
}

/**
 * Whether a principal is one that combinations have. What is only the ARN of a session is found by the sessions:
 * no ARN is both, because a session's principal is its role.
 */
export function principalKind(db: DatabaseSync, { principal }: EventFilter): 'combo' | 'session' {
  if (principal === undefined) return 'combo'
  const sql = `SELECT 1 FROM combo WHERE principal = ${STRING} LIMIT 1`
  return db.prepare(sql).get(principal) === undefined ? 'session' : 'combo'
}
