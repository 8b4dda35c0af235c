import { IntegrityError } from '../../core/errors.ts'
import type { Change, OthersEntry, OutboxEntry } from '../../core/store.ts'
import type { ResultRow } from './connections.ts'
import type { Statement } from './row-sql.ts'
import { escapeText, unescapeText } from './text-escape.ts'

/**
 * The counter row that every writing transaction of every node locks first. Whoever has it is the
 * only writer; so epochs are given out in the order of the commits, and nobody who reads the feed
 * can see an epoch while a lower one is still to come.
 */
export const LOCK_EPOCH = "SELECT value FROM counter WHERE name = 'epoch' FOR UPDATE"
export const READ_EPOCH = "SELECT value FROM counter WHERE name = 'epoch'"

/** Tells who listens, when the transaction commits. */
export const notify = (channel: string, payload: string): Statement => ({
  text: 'SELECT pg_notify($1, $2)',
  values: [channel, payload],
})

export const setEpoch = (epoch: number): Statement => ({
  text: "UPDATE counter SET value = $1 WHERE name = 'epoch'",
  values: [epoch],
})

/** What a node wrote last, and which process has its name: batch, outbox id, incarnation; and a setting. */
export const readWriter = (nodeId: string, held = ''): Statement => ({
  text: 'SELECT batch, outbox_id, incarnation, (SELECT value FROM setting WHERE name = $2) FROM writer WHERE node_id = $1',
  values: [nodeId, escapeText(held)],
})

export const setWriter = (nodeId: string, batch: number, outboxId: number): Statement => ({
  text: 'UPDATE writer SET batch = $2, outbox_id = $3 WHERE node_id = $1',
  values: [nodeId, batch, outboxId],
})

/** Takes a node's name for this process: whichever had it can write nothing more. */
export const takeWriter = (nodeId: string): Statement => ({
  text: `INSERT INTO writer (node_id, incarnation, batch, outbox_id) VALUES ($1, 1, 0, 0)
    ON CONFLICT (node_id) DO UPDATE SET incarnation = writer.incarnation + 1 RETURNING incarnation`,
  values: [nodeId],
})

export const addChanges = (changes: readonly Change[]): Statement => {
  let epoch = 0
  let position = 0
  const positions = changes.map((change) => {
    position = change.epoch === epoch ? position + 1 : 0
    epoch = change.epoch
    return position
  })
  return {
    text: 'INSERT INTO change (epoch, position, table_name, row_key) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[])',
    values: [
      changes.map((change) => change.epoch),
      positions,
      changes.map((change) => change.table),
      // JSON has no U+0000 in it: it writes control characters as escapes.
      changes.map((change) => JSON.stringify(change.key)),
    ],
  }
}

export const addOutbox = (nodeId: string, entries: readonly OutboxEntry[]): Statement => ({
  text: 'INSERT INTO outbox (node_id, id, frame) SELECT $1, id, frame FROM unnest($2::bigint[], $3::text[]) AS entry (id, frame)',
  values: [nodeId, entries.map(({ id }) => id), entries.map(({ frame }) => escapeText(frame))],
})

export const removeOutbox = (nodeId: string, ids: readonly number[]): Statement => ({
  text: 'DELETE FROM outbox WHERE node_id = $1 AND id = ANY ($2::bigint[])',
  values: [nodeId, ids],
})

export const readOutbox = (nodeId: string, afterId: number, limit: number): Statement => ({
  text: 'SELECT id, frame FROM outbox WHERE node_id = $1 AND id > $2 ORDER BY id LIMIT $3',
  values: [nodeId, afterId, limit],
})

export const readOthersOutbox = (
  nodeId: string,
  after: Omit<OthersEntry, 'frame'> | undefined,
  limit: number,
): Statement => ({
  text: `SELECT id, frame, node_id FROM outbox WHERE node_id <> $1 AND (node_id > $2 OR (node_id = $2 AND id > $3))
    ORDER BY node_id, id LIMIT $4`,
  values: [nodeId, after?.nodeId ?? '', after?.id ?? 0, limit],
})

/** The entries of the next epochs, at least `limit` where there are so many: the last epoch comes whole. */
export const readChanges = (epoch: number, limit: number): Statement => ({
  text: `SELECT epoch, table_name, row_key FROM change WHERE epoch > $1 AND epoch <= COALESCE(
      (SELECT epoch FROM change WHERE epoch > $1 ORDER BY epoch, position OFFSET $2 LIMIT 1),
      9223372036854775807)
    ORDER BY epoch, position`,
  values: [epoch, limit - 1],
})

export const trimChanges = (epoch: number): Statement => ({
  text: 'DELETE FROM change WHERE epoch <= $1',
  values: [epoch],
})

export const readSetting = (name: string): Statement => ({
  text: 'SELECT value FROM setting WHERE name = $1',
  values: [escapeText(name)],
})

/** A setting, and the epoch of the moment at which it was so. */
export const readSettingAndEpoch = (name: string): Statement => ({
  text: `SELECT (SELECT value FROM setting WHERE name = $1), value FROM counter WHERE name = 'epoch'`,
  values: [escapeText(name)],
})

export const readSettings = (): Statement => ({
  text: 'SELECT name, value FROM setting ORDER BY name',
  values: [],
})

export const writeSetting = (name: string, value: string): Statement => ({
  text: 'INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  values: [escapeText(name), escapeText(value)],
})

/** The one number that a statement answers. */
export function numberOf(rows: readonly ResultRow[], column = 0): number {
  const value = rows[0]?.[column]
  if (typeof value === 'number') return value
  throw new IntegrityError('the store has lost one of its counters')
}

export function settingOf(rows: readonly ResultRow[], column = 0): string | undefined {
  const value = rows[0]?.[column]
  return typeof value === 'string' ? unescapeText(value) : undefined
}

export function settingEntryOf([name, value]: ResultRow): { name: string; value: string } {
  if (typeof name === 'string' && typeof value === 'string') {
    return { name: unescapeText(name), value: unescapeText(value) }
  }
  throw new IntegrityError('the settings of the store hold something else')
}

export function outboxEntryOf([id, frame]: ResultRow): OutboxEntry {
  if (typeof id === 'number' && typeof frame === 'string') return { id, frame: unescapeText(frame) }
  throw new IntegrityError('the outbox of the store holds something else')
}

export function othersEntryOf(row: ResultRow): OthersEntry {
  const nodeId = row[2]
  if (typeof nodeId === 'string') return { ...outboxEntryOf(row), nodeId }
  throw new IntegrityError('the outbox of the store holds something else')
}

export function changeOf([epoch, table, text]: ResultRow): Change {
  const key: unknown = typeof text === 'string' ? JSON.parse(text) : undefined
  if (
    typeof epoch === 'number' &&
    typeof table === 'string' &&
    Array.isArray(key) &&
    key.every((part) => typeof part === 'string')
  ) {
    return { epoch, table, key }
  }
  throw new IntegrityError('the change feed of the store holds something else')
}
