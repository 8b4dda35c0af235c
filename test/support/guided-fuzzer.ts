import type { SeededChoice } from '../fault/kill-nine-model.ts'
import type { CoverageGuide } from './coverage-guide.ts'

/** Inputs between two looks at what has run: a look takes as long as dozens of them. */
const INPUTS_PER_LOOK = 64
const INPUT_BYTES_MAX = 4096
const CHANGES_MAX = 4
/** Bytes at which programs change their mind. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x0d, 0x20, 0x22, 0x5c]

export interface FuzzTarget {
  /** Tries an input. @throws whatever must not be */
  readonly run: (input: Buffer) => void
  /** Inputs that are as they should be, to begin with. */
  readonly seeds: readonly (string | Uint8Array)[]
  /** Pieces that chance alone would hardly put together. */
  readonly words?: readonly string[]
}

export interface FuzzReport {
  readonly inputs: number
  /** Inputs that reached something new, and were changed further. */
  readonly kept: number
  /** Characters of the watched sources that ran. */
  readonly characters: number
}

/** An input that made a target throw, with what it threw as its cause. */
export class FuzzFailure extends Error {
  constructor(input: Buffer, cause: unknown) {
    super(`failed on ${input.toString('base64')} (base64): ${String(cause)}`, { cause })
  }
}

/**
 * Tries inputs that come of each other by small changes, and keeps those that reach what none had reached
 * before. @throws {FuzzFailure}
 */
export function fuzz(
  { run, seeds, words = [] }: FuzzTarget,
  guide: CoverageGuide,
  choice: SeededChoice,
  isOver: (inputs: number) => boolean,
): FuzzReport {
  const kept: Buffer[] = seeds.map((seed) => Buffer.from(seed))
  const change = changer(
    words.map((word) => Buffer.from(word)),
    choice,
  )
  const attempt = (input: Buffer): void => {
    try {
      run(input)
    } catch (cause) {
      throw new FuzzFailure(input, cause)
    }
  }
  let inputs = 0
  /** Tries some, and keeps those that reach something new: by halves, for a look takes long. */
  const explore = (batch: readonly Buffer[]): void => {
    for (const input of batch) attempt(input)
    if (batch.length === 1 ? guide.look() : guide.peek()) {
      const half = batch.length >> 1
      if (half === 0) return void kept.push(...batch)
      const before = kept.length
      explore(batch.slice(0, half))
      explore(batch.slice(half))
      // None of them does it alone: it is noted, or it would be looked for again and again.
      if (kept.length === before) {
        for (const input of batch) attempt(input)
        guide.look()
      }
    }
  }
  for (const seed of kept) attempt(seed)
  guide.look()
  while (!isOver(inputs)) {
    explore(Array.from({ length: INPUTS_PER_LOOK }, () => change(kept)))
    inputs += INPUTS_PER_LOOK
  }
  return { inputs, kept: kept.length - seeds.length, characters: guide.characters }
}

/** Makes inputs of those that are there. */
function changer(words: readonly Buffer[], choice: SeededChoice) {
  const pieceOf = (input: Buffer): Buffer => {
    const from = choice.below(input.length + 1)
    return input.subarray(from, from + choice.below(Math.min(input.length - from, 64) + 1))
  }
  const replaced = (input: Buffer, at: number, length: number, piece: Buffer): Buffer =>
    Buffer.concat([input.subarray(0, at), piece, input.subarray(at + length)])
  const changes: readonly ((input: Buffer, others: readonly Buffer[]) => Buffer)[] = [
    (input) => {
      const at = choice.below(input.length)
      const bit = (input[at] ?? 0) ^ (1 << choice.below(8))
      return replaced(input, at, 1, Buffer.of(bit))
    },
    (input) => replaced(input, choice.below(input.length + 1), 1, Buffer.of(choice.below(256))),
    (input) =>
      replaced(
        input,
        choice.below(input.length + 1),
        choice.below(2),
        Buffer.of(choice.of(EDGES) ?? 0),
      ),
    (input) => replaced(input, choice.below(input.length + 1), choice.below(16), Buffer.alloc(0)),
    (input) => replaced(input, choice.below(input.length + 1), 0, pieceOf(input)),
    (input, others) =>
      replaced(
        input,
        choice.below(input.length + 1),
        choice.below(16),
        pieceOf(choice.of(others) ?? input),
      ),
    (input) =>
      replaced(
        input,
        choice.below(input.length + 1),
        choice.below(2) * choice.below(16),
        choice.of(words) ?? pieceOf(input),
      ),
  ]
  return (kept: readonly Buffer[]): Buffer => {
    let input: Buffer = choice.of(kept) ?? Buffer.alloc(0)
    for (let times = 1 + choice.below(CHANGES_MAX); times > 0; times--) {
      input = choice.of(changes)?.(input, kept) ?? input
    }
    return Buffer.from(input.subarray(0, INPUT_BYTES_MAX))
  }
}
