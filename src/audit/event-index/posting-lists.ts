import { hash } from 'node:crypto'

/**
 * The lists of a chunk: which events have a combination, a session, an id, a pair of an encryption context. The last two
 * have so many values that a list goes by a hash of the value; what is found there is looked at in the log.
 */

export const comboList = (combo: number): number => 2 * combo
export const sessionList = (session: number): number => 2 * session + 1

export type HashedField = 'event-id' | 'request-id' | 'context'

/** Negative, 31 bits: four bytes in the file. Fields are joined with a length, so that none runs into the next. */
export function hashedList(field: HashedField, value: string, name = ''): number {
  const digest = hash('sha256', `${field}:${name.length}:${name}${value}`, 'buffer')
  return -1 - (digest.readUInt32BE(0) >>> 1)
}
