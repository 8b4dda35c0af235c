import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Shape, StructureShape } from '../core/model.ts'
import { Secret } from '../core/secret.ts'
import { encodeQueryOutput } from './query-encode.ts'
import { xmlElement } from './xml.ts'

const structure = (
  members: Readonly<Record<string, Shape>>,
  required: readonly string[] = [],
): StructureShape => ({
  type: 'structure',
  name: 'Test',
  required,
  members: new Map(Object.entries(members)),
})

const TEXT = { type: 'string' } as const
const OUTPUT = structure({
  First: TEXT,
  Secret: { type: 'string', sensitive: true },
  Count: { type: 'integer' },
  IsOn: { type: 'boolean' },
  Since: { type: 'timestamp' },
  Bytes: { type: 'blob' },
  Names: { type: 'list', member: TEXT },
  Users: { type: 'list', member: structure({ Name: TEXT }, ['Name']) },
  Map: { type: 'map', key: TEXT, value: { type: 'integer' } },
  Inner: structure({ Name: TEXT }),
})

const encode = (output: object): string => xmlElement('R', encodeQueryOutput(OUTPUT, output))

describe('the output of a Query reply', () => {
  for (const [what, output, expected] of [
    ['nothing is an empty element', {}, '<R/>'],
    ['what is absent is left out', { First: undefined }, '<R/>'],
    [
      'members come in the order of the model',
      { Count: 1, First: 'a' },
      '<First>a</First><Count>1</Count>',
    ],
    ['text is escaped', { First: '<&>' }, '<First>&lt;&amp;&gt;</First>'],
    ['truth values are words', { IsOn: false }, '<IsOn>false</IsOn>'],
    ['time has whole seconds', { Since: 1769860800999 }, '<Since>2026-01-31T12:00:00Z</Since>'],
    ['bytes are base64', { Bytes: Uint8Array.of(1, 2, 3) }, '<Bytes>AQID</Bytes>'],
    ['an empty list is an empty element', { Names: [] }, '<Names/>'],
    [
      'items are members',
      { Names: ['a', 'b'] },
      '<Names><member>a</member><member>b</member></Names>',
    ],
    [
      'structures nest in lists',
      { Users: [{ Name: 'a' }] },
      '<Users><member><Name>a</Name></member></Users>',
    ],
    [
      'maps have entries',
      { Map: { a: 1, b: undefined } },
      '<Map><entry><key>a</key><value>1</value></entry></Map>',
    ],
    ['an empty structure is an empty element', { Inner: {} }, '<Inner/>'],
    ['what the model does not name is left out', { Inner: { Other: 'x' } }, '<Inner/>'],
  ] as const) {
    test(what, () => {
      assert.equal(encode(output), expected.startsWith('<R') ? expected : `<R>${expected}</R>`)
    })
  }

  test('a secret is shown where the model has one', () => {
    using secret = new Secret(new TextEncoder().encode('wJalr/'))
    assert.equal(encode({ Secret: secret }), '<R><Secret>wJalr/</Secret></R>')
  })

  for (const [what, output] of [
    ['a secret in place of a text', { First: new Secret(Uint8Array.of(1)) }],
    ['a text in place of a secret', { Secret: 'x' }],
    ['a text in place of a number', { Count: '1' }],
    ['a text in place of a truth value', { IsOn: 'true' }],
    ['a text in place of an instant', { Since: 'now' }],
    ['a text in place of a blob', { Bytes: 'x' }],
    ['a text in place of a list', { Names: 'x' }],
    ['a text in place of a structure', { Inner: 'x' }],
    ['a text in place of a map', { Map: 'x' }],
    ['a structure that lacks a member', { Users: [{}] }],
  ] as const) {
    test(`${what} fails`, () => {
      assert.throws(() => encode(output))
    })
  }
})
