import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { pushPattern } from './pattern-codes.ts'
import { compileWildcard, matchesCodes } from './wildcard.ts'

/** By the definition: a table over all beginnings of pattern and text. */
function fitsByDefinition(pattern: string, text: string): boolean {
  let row = [true, ...Array.from(text, () => false)]
  for (const sign of pattern) {
    const next = [sign === '*' && row[0] === true]
    for (let end = 1; end <= text.length; end++) {
      next[end] =
        sign === '*'
          ? row[end] === true || next[end - 1] === true
          : row[end - 1] === true && (sign === '?' || sign === text[end - 1])
    }
    row = next
  }
  return row[text.length] === true
}

function check(pattern: string, text: string): void {
  const expected = fitsByDefinition(pattern, text)
  const codes: number[] = []
  pushPattern(codes, pattern)
  const what = `${pattern} and ${text}`
  assert.equal(compileWildcard(pattern)(text), expected, `compiled: ${what}`)
  assert.equal(matchesCodes(codes, text), expected, `by codes: ${what}`)
}

const of = (signs: readonly string[], maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...signs), { maxLength }).map((list) => list.join(''))

describe('patterns', () => {
  test('fit what they fit by definition', () => {
    fc.assert(fc.property(of(['a', 'b', '*', '?'], 8), of(['a', 'b', '*'], 10), check), {
      numRuns: 20_000,
    })
  })

  test('fit so also when what stands between runs is long', () => {
    // Most of a text, with some signs replaced, so that it almost fits or does.
    const long = fc
      .tuple(
        of(['a', 'b'], 200),
        fc.array(fc.tuple(fc.nat(199), fc.constantFrom('?', 'a', 'b', '*'))),
      )
      .map(([text, changes]) => {
        const signs = text.split('')
        for (const [at, sign] of changes) if (at < signs.length) signs[at] = sign
        return [`*${signs.join('')}*`, `ab${text}b`] as const
      })
    fc.assert(
      fc.property(long, ([pattern, text]) => check(pattern, text)),
      { numRuns: 2000 },
    )
  })

  test('find what is longer than a word of bits, at every place', () => {
    for (const length of [31, 32, 33, 63, 64, 65, 96, 128, 129]) {
      const piece = `${'ab'.repeat(length).slice(0, length - 1)}c`
      for (const before of ['', 'a', 'ab', 'aba']) {
        check(`*?${piece.slice(1)}*`, `${before}${piece}x`)
        check(`*?${piece.slice(1)}*`, `${before}${piece.slice(0, -1)}x`)
      }
    }
  })
})
