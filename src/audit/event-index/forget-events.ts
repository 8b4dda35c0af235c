import type { DatabaseSync } from 'node:sqlite'
import { dayOfId, firstIdOfDay } from './event-ids.ts'

/** Takes out every event of a frame below a sequence: all of it, or nothing. */
export function forgetBelow(db: DatabaseSync, sequence: number): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    const days = new Set<number>()
    const chunks = db.prepare('SELECT * FROM chunk WHERE first_sequence < ?').all(sequence)
    for (const row of chunks) {
      const chunk = {
        number: Number(row['number']),
        firstId: Number(row['first_id']),
        lastId: Number(row['last_id']),
      }
      const isWhole = Number(row['last_sequence']) < sequence
      if (isWhole) db.prepare('DELETE FROM posting WHERE chunk = ?').run(chunk.number)
      else forgetPostings(db, chunk, sequence)
      const gone = forgetEvents(db, chunk, sequence)
      for (const id of gone) days.add(dayOfId(id))
      if (isWhole) db.prepare('DELETE FROM chunk WHERE number = ?').run(chunk.number)
      else shrink(db, chunk, sequence, gone.length)
    }
    for (const day of days) countAnew(db, day)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

interface ChunkRange {
  readonly number: number
  readonly firstId: number
  readonly lastId: number
}

/** Its lists by hash stay as they are: what they lead to is looked at anyway. */
function forgetPostings(db: DatabaseSync, { number, firstId, lastId }: ChunkRange, below: number) {
  for (const list of ['2 * e.combo', '2 * e.session + 1']) {
    db.prepare(
      `DELETE FROM posting WHERE (chunk, list, event) IN (
        SELECT ?, ${list}, e.id FROM event e WHERE e.id >= ? AND e.id <= ? AND e.sequence < ?)`,
    ).run(number, firstId, lastId, below)
  }
}

/** @returns their numbers */
function forgetEvents(db: DatabaseSync, { firstId, lastId }: ChunkRange, below: number): number[] {
  return db
    .prepare('DELETE FROM event WHERE id >= ? AND id <= ? AND sequence < ? RETURNING id')
    .all(firstId, lastId, below)
    .map((row) => Number(row['id']))
}

function shrink(db: DatabaseSync, chunk: ChunkRange, sequence: number, events: number): void {
  db.prepare('UPDATE chunk SET first_sequence = ?, events = events - ? WHERE number = ?').run(
    sequence,
    events,
    chunk.number,
  )
}

function countAnew(db: DatabaseSync, day: number): void {
  db.prepare('DELETE FROM day_count WHERE day = ?').run(day)
  db.prepare(
    `INSERT INTO day_count SELECT ?, combo, count(*), min(id), max(id) FROM event
      WHERE id >= ? AND id < ? AND record >= 0 GROUP BY combo`,
  ).run(day, firstIdOfDay(day), firstIdOfDay(day + 1))
}
