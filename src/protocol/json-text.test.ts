import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { ServiceError } from '../core/errors.ts'
import { JSON_DEPTH_MAX } from '../core/strict-json.ts'
import { parseJsonText } from './json-text.ts'

const parse = (text: string): unknown => parseJsonText(Buffer.from(text))

const refusal = (body: Buffer | string): string | undefined => {
  try {
    parseJsonText(Buffer.from(body))
  } catch (error) {
    assert.ok(error instanceof ServiceError, String(error))
    assert.equal(error.code, 'SerializationException')
    return error.publicMessage ?? '(no message)'
  }
  return undefined
}

const nested = (depth: number, open: string, close: string): string =>
  open.repeat(depth) + (open === '[' ? '' : '1') + close.repeat(depth)

const DUPLICATE = 'Duplicate member found where not expected'
const PROTO = 'Member name is not allowed: __proto__'
const ILL_FORMED = 'Ill-formed Unicode text'
const DEEP = 'The request is nested too deeply'

const hasProto = (text: string): boolean => /"__proto__"\s*:/.test(text)

const escapeAll = (text: string): string =>
  `"${text
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')}"`

describe('parseJsonText', () => {
  test('reads what JSON.parse reads, to the same value', () => {
    const texts = [
      '{}',
      ' {"a" : [1, -2.5e3, true, false, null, "x\\"y\\\\", {"b":"c:d"}]} \n',
      '"\\\\"',
      '"\\\\\\""',
      '{"a\\\\":1,"b\\"":{"c":":::"}}',
      '{"1":1,"0":2}',
      '{"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]}',
      '"\\u00e9\\ud83d\\ude00 é😀"',
      '"about __proto__"',
      '[]',
      '1477431461E9',
      'null',
    ]
    for (const text of texts) assert.deepEqual(parse(text), JSON.parse(text), text)
  })

  test('a text that is no JSON is refused without a message', () => {
    const texts = [
      '',
      ' ',
      '{',
      '{"a":1,}',
      '{"a":1} x',
      '{"a":1}{}',
      '{"a" 1}',
      "{'a':1}",
      '{a:1}',
      '"open',
      '"open\\"',
      '"\\',
      '\u0000{}',
      '{"a":"\n"}',
      '{"a":01}',
      '{"a":NaN}',
      '{"a":1}//',
      '\\"',
      '"\\x"',
    ]
    for (const text of texts) assert.equal(refusal(text), '(no message)', JSON.stringify(text))
  })

  test('a byte order mark is refused', () => {
    assert.equal(refusal('\ufeff{}'), '(no message)')
  })

  test('ill-formed UTF-8 is refused', () => {
    for (const hex of ['ff', 'c0af', 'eda080', 'f4908080', 'e282', 'c3']) {
      const body = Buffer.concat([
        Buffer.from('{"a":"'),
        Buffer.from(hex, 'hex'),
        Buffer.from('"}'),
      ])
      assert.equal(refusal(body), '(no message)', hex)
    }
  })

  test('an escape of a lone surrogate is refused in values and names, at any depth', () => {
    assert.equal(refusal('{"a":"\\ud800"}'), ILL_FORMED)
    assert.equal(refusal('{"a":"\\uDC00x"}'), ILL_FORMED)
    assert.equal(refusal('{"a":"\\ude00\\ud83d"}'), ILL_FORMED)
    assert.equal(refusal('{"\\ud83d":1}'), ILL_FORMED)
    assert.equal(refusal('{"a":[{"b":["\\ud83d\\u0041"]}]}'), ILL_FORMED)
    assert.equal(refusal('"\\udfff"'), ILL_FORMED)
  })

  test('two members of one name are refused, however the name is spelled', () => {
    assert.equal(refusal('{"KeyId":"a","KeyId":"a"}'), DUPLICATE)
    assert.equal(refusal('{"KeyId":"a","Key\\u0049d":"b"}'), DUPLICATE)
    assert.equal(refusal('{"a\\/b":1,"a/b":2}'), DUPLICATE)
    assert.equal(refusal('{"x":[{"a":1,"b":2,"a":3}]}'), DUPLICATE)
    assert.equal(refusal('{"":1,"":1}'), DUPLICATE)
    assert.equal(refusal('{"a":{"b":1},"a":{"b":1}}'), DUPLICATE)
    assert.equal(refusal('{"0":1,"0":2}'), DUPLICATE)
  })

  test('a __proto__ member is refused, however it is spelled and wherever it is', () => {
    assert.equal(refusal('{"__proto__":{"KeyId":"a"}}'), PROTO)
    assert.equal(refusal('{"__proto\\u005f_":1}'), PROTO)
    assert.equal(refusal('{"a":[{"__proto__":null}]}'), PROTO)
    assert.notEqual(refusal('{"__proto__":1,"__proto__":2}'), undefined)
  })

  test('nesting is allowed to the limit and no further', () => {
    assert.equal(refusal(nested(JSON_DEPTH_MAX, '[', ']')), undefined)
    assert.equal(refusal(nested(JSON_DEPTH_MAX, '{"a":', '}')), undefined)
    assert.equal(refusal(nested(JSON_DEPTH_MAX + 1, '[', ']')), DEEP)
    assert.equal(refusal(nested(JSON_DEPTH_MAX + 1, '{"a":', '}')), DEEP)
    assert.equal(refusal('['.repeat(100_000)), DEEP)
  })

  test('brackets and colons inside strings count for nothing', () => {
    const text = JSON.stringify({ a: '['.repeat(100), b: '":{"\\"'.repeat(50), '{:[': ':' })
    assert.deepEqual(parse(text), JSON.parse(text))
  })
})

describe('properties of parseJsonText', () => {
  const plain = fc.jsonValue({ maxDepth: 8, stringUnit: 'grapheme' })

  test('every JSON value is read as JSON.parse reads it, in any layout', () => {
    fc.assert(
      fc.property(plain, fc.constantFrom('', ' ', '\t', '\n  '), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        fc.pre(!hasProto(text))
        assert.deepEqual(parse(text), JSON.parse(text))
      }),
    )
  })

  test('names and strings are read the same when every character is escaped', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string()), (value) => {
        fc.pre(!Object.hasOwn(value, '__proto__'))
        const members = Object.entries(value).map((pair) => pair.map(escapeAll).join(':'))
        assert.deepEqual(parse(`{${members.join(',')}}`), JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('arbitrary bytes are read as JSON.parse reads them or refused', () => {
    const token = fc.constantFrom('{', '}', '[', ']', ':', ',', '"', '\\', '"a"', '1', ' ', 'é')
    fc.assert(
      fc.property(fc.array(token, { maxLength: 24 }), (tokens) => {
        const text = tokens.join('')
        if (refusal(text) === undefined) assert.deepEqual(parse(text), JSON.parse(text))
      }),
      { numRuns: 2_000 },
    )
  })

  test('an object is refused exactly when a name repeats', () => {
    const members = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd:', '"'), plain))
    fc.assert(
      fc.property(members, fc.boolean(), (list, spaced) => {
        const texts = list.map(([name, value]) => [JSON.stringify(name), JSON.stringify(value)])
        const text = `{${texts.map((pair) => pair.join(spaced ? ' : ' : ':')).join(',')}}`
        fc.pre(!hasProto(text))
        const repeated = new Set(list.map(([name]) => name)).size !== list.length
        assert.equal(refusal(text), repeated ? DUPLICATE : undefined)
      }),
    )
  })
})
