import { readFileSync } from 'node:fs'

/** One case: hex members by name, and what must come of it. */
export interface VectorCase {
  readonly tcId: number | string
  readonly comment?: string
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly flags?: readonly string[]
  readonly [member: string]: unknown
}

/** Cases that share a key. */
export interface VectorGroup {
  readonly tests: readonly VectorCase[]
  readonly [member: string]: unknown
}

/** A file below test/vectors, in the form that ORIGIN.md describes. */
export interface VectorFile {
  readonly source: string
  readonly spec?: string
  readonly algorithm?: string
  readonly note?: string
  readonly groups: readonly VectorGroup[]
}

/** Reads `wycheproof/aes_kwp`. The files are ours and are read by nothing else. */
export const vectorFile = (name: string): VectorFile =>
  JSON.parse(
    readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8'),
  ) as VectorFile

/** The bytes of a hex member. @throws where there is none. */
export function hex(from: VectorCase | VectorGroup, member: string): Uint8Array {
  const value = from[member]
  if (typeof value !== 'string') throw new Error(`no member ${member}`)
  return new Uint8Array(Buffer.from(value, 'hex'))
}
