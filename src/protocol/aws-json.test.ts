import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { AssertionFailure } from '../core/assert.ts'
import { ServiceError } from '../core/errors.ts'
import type { Shape, StructureShape } from '../core/model.ts'
import { Secret } from '../core/secret.ts'
import { createAwsJsonCodec } from './aws-json.ts'
import { parseJsonText } from './json-text.ts'

const structure = (
  name: string,
  members: Record<string, Shape>,
  required: string[] = [],
): StructureShape => ({
  type: 'structure',
  name,
  required,
  members: new Map(Object.entries(members)),
})

const TAG = structure('Tag', { TagKey: { type: 'string' }, TagValue: { type: 'string' } })
const SHAPE = structure('Everything', {
  Text: { type: 'string' },
  Password: { type: 'string', sensitive: true },
  Blob: { type: 'blob' },
  Plaintext: { type: 'blob', sensitive: true },
  Count: { type: 'integer' },
  Flag: { type: 'boolean' },
  When: { type: 'timestamp' },
  Names: { type: 'list', member: { type: 'string' } },
  Context: { type: 'map', key: { type: 'string' }, value: { type: 'string' } },
  Tag: TAG,
  Tags: { type: 'list', member: TAG },
})

const codec = createAwsJsonCodec()

const decode = (text: string): Record<string, unknown> =>
  codec.decodeInput(SHAPE, parseJsonText(Buffer.from(text)))

const refusal = (text: string): string | undefined => {
  let found: ServiceError | undefined
  assert.throws(
    () => decode(text),
    (error) => {
      if (error instanceof ServiceError) found = error
      return found?.code === 'SerializationException'
    },
    text,
  )
  return found?.publicMessage
}

const secretBytes = (value: unknown): Uint8Array => {
  assert.ok(value instanceof Secret)
  return value.expose()
}

describe('decodeInput', () => {
  test('gives typed values', () => {
    const input = decode(
      '{"Text":"é","Blob":"AAEC","Count":3,"Flag":false,"Names":["a","b"],"Tags":[{"TagKey":"k"}]}',
    )
    assert.deepEqual(input, {
      Text: 'é',
      Blob: Buffer.from([0, 1, 2]),
      Count: 3,
      Flag: false,
      Names: ['a', 'b'],
      Tags: [{ TagKey: 'k' }],
    })
  })

  test('a sensitive blob or string is a Secret in memory of its own', () => {
    const { Plaintext, Password } = decode('{"Plaintext":"c2VjcmV0","Password":"pä"}')
    const plaintext = secretBytes(Plaintext)
    assert.deepEqual(plaintext, new TextEncoder().encode('secret'))
    assert.equal(plaintext.buffer.byteLength, plaintext.length)
    assert.deepEqual(secretBytes(Password), new TextEncoder().encode('pä'))
  })

  test('unknown members are ignored and nulls are absent members, at every level', () => {
    const text = '{"Nope":1,"Text":null,"Tag":{"TagKey":null,"Extra":[{}],"TagValue":"v"}}'
    assert.deepEqual(decode(text), { Tag: { TagValue: 'v' } })
    assert.deepEqual(decode('{}'), {})
  })

  test('a null in a list or a map stays for the validator', () => {
    assert.deepEqual(decode('{"Names":["a",null],"Tags":[null]}'), {
      Names: ['a', null],
      Tags: [null],
    })
    const { Context } = decode('{"Context":{"a":null}}')
    assert.deepEqual(Object.entries(Context ?? {}), [['a', null]])
  })

  test('a map has the keys of the client and nothing inherited', () => {
    const { Context } = decode('{"Context":{"constructor":"a","toString":"b"}}')
    assert.ok(typeof Context === 'object' && Context !== null)
    assert.deepEqual(Object.entries(Context), [
      ['constructor', 'a'],
      ['toString', 'b'],
    ])
    for (const name of ['valueOf', 'hasOwnProperty', '__proto__']) assert.ok(!(name in Context))
  })

  test('integers lose fractions and are held to 32 bits', () => {
    assert.equal(decode('{"Count":1.9}')['Count'], 1)
    assert.equal(decode('{"Count":-1.9}')['Count'], -1)
    assert.ok(Object.is(decode('{"Count":-0.5}')['Count'], 0))
    assert.equal(decode('{"Count":1E2}')['Count'], 100)
    assert.equal(decode('{"Count":99999999999}')['Count'], 2_147_483_647)
    assert.equal(decode('{"Count":-1e999}')['Count'], -2_147_483_648)
  })

  test('timestamps are epoch seconds with a fraction, or date-times', () => {
    const at = (json: string): unknown => decode(`{"When":${json}}`)['When']
    assert.equal(at('1593622000.191'), 1_593_622_000_191)
    assert.equal(at('1.477431461E9'), 1_477_431_461_000)
    assert.equal(at('0'), 0)
    assert.equal(at('"2026-11-22T05:31:36Z"'), Date.UTC(2026, 10, 22, 5, 31, 36))
    assert.equal(at('"2026-11-22T05:31:36.5+01:00"'), Date.UTC(2026, 10, 22, 4, 31, 36, 500))
  })

  const LIST = 'Start of list found where not expected'
  const MAP = 'Start of structure or map found where not expected.'
  const EPOCH = 'can not be converted to milliseconds since epoch'
  const refusals: [json: string, text: string | undefined][] = [
    ['[]', LIST],
    ['null', undefined],
    ['"x"', undefined],
    ['1', undefined],
    ['true', undefined],
    ['{"Text":1}', 'NUMBER_VALUE can not be converted to a String'],
    ['{"Text":true}', 'TRUE_VALUE can not be converted to a String'],
    ['{"Text":false}', 'FALSE_VALUE can not be converted to a String'],
    ['{"Text":["x"]}', LIST],
    ['{"Text":{"a":1}}', MAP],
    ['{"Password":1}', 'NUMBER_VALUE can not be converted to a String'],
    ['{"Count":"1"}', 'STRING_VALUE can not be converted to an Integer'],
    ['{"Count":true}', 'TRUE_VALUE can not be converted to an Integer'],
    ['{"Count":[1]}', LIST],
    ['{"Count":{}}', MAP],
    ['{"Flag":"true"}', 'STRING_VALUE can not be converted to an Boolean'],
    ['{"Flag":0}', 'NUMBER_VALUE can not be converted to an Boolean'],
    ['{"Blob":1}', 'NUMBER_VALUE can not be converted to a Blob'],
    ['{"Blob":[]}', LIST],
    ['{"Plaintext":{}}', MAP],
    ['{"When":"soon"}', `STRING_VALUE ${EPOCH}`],
    ['{"When":"2026-13-01T00:00:00Z"}', `STRING_VALUE ${EPOCH}`],
    ['{"When":true}', `TRUE_VALUE ${EPOCH}`],
    ['{"When":1e300}', `NUMBER_VALUE ${EPOCH}`],
    ['{"When":1e999}', `NUMBER_VALUE ${EPOCH}`],
    ['{"Names":"x"}', 'Expected list or null'],
    ['{"Names":{}}', MAP],
    ['{"Names":[1]}', 'NUMBER_VALUE can not be converted to a String'],
    ['{"Context":"x"}', 'Expected map or null'],
    ['{"Context":[]}', LIST],
    ['{"Context":{"a":1}}', 'NUMBER_VALUE can not be converted to a String'],
    ['{"Tag":"x"}', 'Expected null'],
    ['{"Tag":[]}', LIST],
    ['{"Tags":[[]]}', LIST],
    ['{"Tags":[{"TagKey":7}]}', 'NUMBER_VALUE can not be converted to a String'],
  ]
  for (const [json, text] of refusals) {
    test(`${json} is refused`, () => assert.equal(refusal(json), text))
  }

  test('what is not standard padded base64 is refused, without repeating it', () => {
    const to = 'STRING_VALUE can not be converted to a Blob: '
    const odd = 'Base64 encoded length is expected a multiple of 4 bytes but found: '
    const last = 'Invalid last non-pad Base64 character dectected'
    const faults: [string, string][] = [
      ['23456', `${odd}5`],
      ['AAA', `${odd}3`],
      ['AA=', `${odd}3`],
      ['=+/=', "Invalid Base64 character: '='"],
      ['====', "Invalid Base64 character: '='"],
      ['A===', "Invalid Base64 character: '='"],
      ['AA==AAAA', "Invalid Base64 character: '='"],
      ['AA-_', "Invalid Base64 character: '-'"],
      ['AA A', "Invalid Base64 character: ' '"],
      ['AAAA\\n   ', "Invalid Base64 character: '\n'"],
      ['ÄAAA', "Invalid Base64 character: 'Ä'"],
      ['+/+=', last],
      ['AB==', last],
    ]
    for (const [value, fault] of faults) {
      assert.equal(refusal(`{"Blob":"${value}"}`), to + fault, value)
      assert.equal(refusal(`{"Plaintext":"${value}"}`), to + fault, value)
    }
  })

  test('base64 of any bytes decodes to them, and no other text does', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64')
        const input = decode(`{"Blob":"${text}","Plaintext":"${text}"}`)
        assert.deepEqual(input['Blob'], Buffer.from(bytes))
        assert.deepEqual(secretBytes(input['Plaintext']), bytes)
      }),
    )
    const unit = fc.constantFrom('A', 'B', 'Q', 'z', '+', '/', '=', '-', '_', ' ')
    fc.assert(
      fc.property(fc.string({ unit, minLength: 1, maxLength: 12 }), (text) => {
        const canonical = Buffer.from(text, 'base64').toString('base64') === text
        for (const member of ['Blob', 'Plaintext']) {
          const json = `{"${member}":"${text}"}`
          if (canonical) assert.doesNotThrow(() => decode(json), text)
          else refusal(json)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('an empty blob is a blob of no bytes', () => {
    assert.equal(secretBytes(decode('{"Plaintext":""}')['Plaintext']).length, 0)
    assert.deepEqual(decode('{"Blob":""}')['Blob'], Buffer.alloc(0))
  })

  test('a failure wipes the secrets that were decoded before it', (context) => {
    // By hand: a mock of a method that a symbol names is not taken back at the end of the test.
    const dispose = Secret.prototype[Symbol.dispose]
    let wiped = 0
    Secret.prototype[Symbol.dispose] = function countAndDispose(this: Secret) {
      wiped += 1
      dispose.call(this)
    }
    context.after(() => {
      Secret.prototype[Symbol.dispose] = dispose
    })
    refusal('{"Password":"p","Plaintext":"c2VjcmV0","Count":"x"}')
    assert.equal(wiped, 2)
    const inner = structure('Inner', { Password: { type: 'string', sensitive: true } })
    const outer = structure('Outer', { Inner: inner, Count: { type: 'integer' } })
    assert.throws(() => codec.decodeInput(outer, { Inner: { Password: 'p' }, Count: 'x' }))
    assert.equal(wiped, 3)
  })

  test('a shape that contains itself is decoded', () => {
    const members = new Map<string, Shape>()
    const tree: StructureShape = { type: 'structure', name: 'Tree', required: [], members }
    members.set('Child', tree).set('Name', { type: 'string' })
    const value = { Child: { Child: { Name: 'leaf' } } }
    assert.deepEqual(codec.decodeInput(tree, value), value)
    assert.equal(codec.encodeOutput(tree, value), JSON.stringify(value))
  })
})

describe('encodeOutput', () => {
  const encode = (output: object): string => codec.encodeOutput(SHAPE, output)

  test('gives the wire form in the order of the model, without absent members', () => {
    const output = {
      Tags: [{ TagValue: 'v', TagKey: 'k' }],
      Text: 'a"\u2028\ud800',
      Password: new Secret(new TextEncoder().encode('pä"')),
      Blob: new Uint8Array([0, 1, 2]),
      Plaintext: new Secret(new Uint8Array([255])),
      Count: 7,
      Flag: false,
      When: 1_593_622_000_191,
      Names: [],
      Context: { 'a"': 'b' },
      Tag: undefined,
    }
    assert.equal(
      encode(output),
      '{"Text":"a\\"\u2028\\ud800","Password":"pä\\"","Blob":"AAEC","Plaintext":"/w==","Count":7,' +
        '"Flag":false,"When":1593622000.191,"Names":[],"Context":{"a\\"":"b"},' +
        '"Tags":[{"TagKey":"k","TagValue":"v"}]}',
    )
  })

  test('an output without members is an empty object', () => {
    assert.equal(encode({}), '{}')
    assert.equal(encode({ Tag: {} }), '{"Tag":{}}')
  })

  test('a view into a larger buffer gives its own bytes alone', () => {
    const blob = new Uint8Array([9, 9, 1, 2, 3, 9]).subarray(2, 5)
    assert.equal(encode({ Blob: blob }), '{"Blob":"AQID"}')
  })

  test('timestamps keep milliseconds and need no exponent', () => {
    assert.equal(encode({ When: 1_477_431_461_000 }), '{"When":1477431461}')
    assert.equal(encode({ When: 1_700_000_000_001 }), '{"When":1700000000.001}')
    assert.equal(encode({ When: 0 }), '{"When":0}')
  })

  test('members that the model does not name never leave', () => {
    assert.equal(encode({ Internal: 'x', Text: 'y' }), '{"Text":"y"}')
  })

  test('a list of structures of texts is the same whichever way its items were made', () => {
    const tag = { TagKey: 'k"', TagValue: 'ä\ud800\n' }
    const text = '{"TagKey":"k\\"","TagValue":"ä\\ud800\\n"}'
    const swapped = { TagValue: tag.TagValue, TagKey: tag.TagKey }
    const more = { ...tag, Internal: 'x' }
    for (const Tags of [
      [tag, tag],
      [tag, swapped],
      [more, tag],
    ]) {
      assert.equal(encode({ Tags }), `{"Tags":[${text},${text}]}`)
    }
    assert.equal(
      encode({ Tags: [{ TagKey: 'k', TagValue: undefined }] }),
      '{"Tags":[{"TagKey":"k"}]}',
    )
    assert.equal(encode({ Tags: [{}] }), '{"Tags":[{}]}')
    for (const wrong of [{ TagKey: 'k', TagValue: 1 }, null]) {
      assert.throws(() => encode({ Tags: [tag, wrong] }), AssertionFailure)
    }
  })

  test('a text is what JSON makes of it', () => {
    const units = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(units, (Text) => assert.equal(encode({ Text }), JSON.stringify({ Text }))),
    )
  })

  test('a value of the wrong kind is a bug, not a reply', () => {
    const wrong: object[] = [
      { Text: 1 },
      { Text: new Secret(new Uint8Array(1)) },
      { Password: 'p' },
      { Blob: 'AA==' },
      { Blob: new Secret(new Uint8Array(1)) },
      { Plaintext: new Uint8Array(1) },
      { Count: 1.5 },
      { Flag: 'true' },
      { When: Number.NaN },
      { When: 1.5 },
      { Names: 'a' },
      { Context: [] },
      { Tag: 'x' },
      { Text: null },
    ]
    for (const output of wrong) assert.throws(() => encode(output), AssertionFailure)
    const strict = structure('Strict', { KeyId: { type: 'string' } }, ['KeyId'])
    assert.throws(() => codec.encodeOutput(strict, {}), AssertionFailure)
  })

  test('what is encoded decodes to the same', () => {
    const text = fc.string({ unit: 'grapheme' })
    const output = fc.record(
      {
        Text: text,
        Blob: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        Count: fc.integer(),
        Flag: fc.boolean(),
        When: fc.integer({ min: 0, max: 4_000_000_000_000 }),
        Names: fc.array(text),
      },
      { requiredKeys: [] },
    )
    fc.assert(fc.property(output, (value) => assert.deepEqual(decode(encode(value)), { ...value })))
  })
})
