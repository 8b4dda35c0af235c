import type { PatternSpan } from './pattern-codes.ts'
import { ANY_ONE } from './pattern-codes.ts'

/** Up to here every place is tried; above, all places at once. */
const TRIED_ONE_BY_ONE_MAX = 64
const WORD_BITS = 32

const fitsAt = ({ codes, start, end }: PatternSpan, text: string, position: number): boolean => {
  for (let at = start; at < end; at++) {
    const code = codes[at]
    if (code !== ANY_ONE && code !== text.charCodeAt(position + at - start)) return false
  }
  return true
}

/** Sets the bit of a position of the pattern. */
const setBit = (words: Uint32Array, bit: number): void => {
  const word = Math.floor(bit / WORD_BITS)
  words[word] = (words[word] ?? 0) | (1 << (bit % WORD_BITS))
}

/** For each code of a pattern the positions where it may stand, as bits; those of `?` are in all of them. */
function placesByCode({ codes, start, end }: PatternSpan, words: number) {
  const everywhere = new Uint32Array(words)
  for (let at = start; at < end; at++) if (codes[at] === ANY_ONE) setBit(everywhere, at - start)
  const places = new Map<number, Uint32Array>()
  for (let at = start; at < end; at++) {
    const code = codes[at] ?? ANY_ONE
    if (code === ANY_ONE) continue
    let known = places.get(code)
    if (known === undefined) places.set(code, (known = everywhere.slice()))
    setBit(known, at - start)
  }
  return { places, everywhere }
}

/**
 * Shift-And: a bit for each beginning of the pattern that ends at the present character. The time is that
 * of both lengths multiplied, divided by 32, whatever text and pattern are.
 * Source: Baeza-Yates and Gonnet, A new approach to text searching, 1992.
 */
function findLong(pattern: PatternSpan, text: string, from: number, to: number): number {
  const length = pattern.end - pattern.start
  const words = Math.ceil(length / WORD_BITS)
  const { places, everywhere } = placesByCode(pattern, words)
  const state = new Uint32Array(words)
  const lastWord = words - 1
  const lastBit = (length - 1) % WORD_BITS
  for (let position = from; position < to; position++) {
    const mask = places.get(text.charCodeAt(position)) ?? everywhere
    let carry = 1
    for (let word = 0; word < words; word++) {
      const bits = state[word] ?? 0
      state[word] = ((bits << 1) | carry) & (mask[word] ?? 0)
      carry = bits >>> (WORD_BITS - 1)
    }
    if ((((state[lastWord] ?? 0) >>> lastBit) & 1) === 1) return position - length + 1
  }
  return -1
}

/** Where a pattern without `*` first fits into the text from `from` up to `to`; -1 where it does nowhere. */
export function findPattern(pattern: PatternSpan, text: string, from: number, to: number): number {
  const length = pattern.end - pattern.start
  if (length > TRIED_ONE_BY_ONE_MAX) return findLong(pattern, text, from, to)
  for (let position = from; position <= to - length; position++) {
    if (fitsAt(pattern, text, position)) return position
  }
  return -1
}
