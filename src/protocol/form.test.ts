import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ServiceError } from '../core/errors.ts'
import { FORM_BYTES_MAX, FORM_PARAMETERS_MAX, nestParameters, parseForm } from './form.ts'

const entries = (text: string) => [...parseForm(text, 'body')]

const refusal =
  (code: string, message?: string) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof ServiceError)
    assert.deepEqual([error.code, error.publicMessage], [code, message])
    return true
  }

describe('parseForm', () => {
  test('names and values are decoded, in order, and a plus in a body is a space', () => {
    assert.deepEqual(entries('Action=Get+It&A%20b=%E2%82%AC%2B&empty=&bare&eq=a=b'), [
      ['Action', 'Get It'],
      ['A b', '€+'],
      ['empty', ''],
      ['bare', ''],
      ['eq', 'a=b'],
    ])
  })

  test('a plus in a target is a plus, as the signature has it', () => {
    assert.deepEqual([...parseForm('a+b=c+d', 'target')], [['a+b', 'c+d']])
  })

  test('pieces that hold nothing are no parameters', () => {
    assert.deepEqual(entries(''), [])
    assert.deepEqual(entries('&a=1&&'), [['a', '1']])
  })

  for (const broken of ['%', '%2', '%zz', '%FF', '%C0%80', '%ED%A0%80']) {
    test(`the escape '${broken}' is refused in names and values`, () => {
      const check = refusal('SerializationException', 'A parameter has an invalid percent-encoding')
      assert.throws(() => parseForm(`a=${broken}`, 'body'), check)
      assert.throws(() => parseForm(`${broken}=a`, 'target'), check)
    })
  }

  test('raw bytes in a target are refused: nobody says what they mean', () => {
    const check = refusal('SerializationException', 'A parameter has an invalid character')
    for (const text of ['a=\u00e4', '\u00e4=a', 'a=b c', 'a=\t']) {
      assert.throws(() => parseForm(text, 'target'), check)
    }
  })

  test('a name that comes twice is refused, however it is spelled', () => {
    const check = refusal('SerializationException', "Duplicate parameter 'Action'")
    assert.throws(() => parseForm('Action=A&Action=A', 'body'), check)
    assert.throws(() => parseForm('Action=A&%41ction=B', 'body'), check)
  })

  test('size and number are bounded', () => {
    const check = refusal('RequestEntityTooLargeException')
    assert.equal(entries(`a=${'x'.repeat(FORM_BYTES_MAX - 2)}`).length, 1)
    assert.throws(() => parseForm('x'.repeat(FORM_BYTES_MAX + 1), 'body'), check)
    const many = (count: number): string =>
      Array.from({ length: count }, (_, at) => `p${at}`).join('&')
    assert.equal(entries(many(FORM_PARAMETERS_MAX)).length, FORM_PARAMETERS_MAX)
    assert.throws(() => parseForm(many(FORM_PARAMETERS_MAX + 1), 'body'), check)
    assert.throws(() => parseForm('&'.repeat(FORM_PARAMETERS_MAX), 'body'), check)
  })

  test('what URLSearchParams writes is read back', () => {
    const texts = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(fc.dictionary(texts, texts, { maxKeys: 8 }), (object) => {
        const pairs = Object.entries(object)
        assert.deepEqual(entries(String(new URLSearchParams(pairs))), pairs)
      }),
    )
  })
})

describe('nestParameters', () => {
  const nest = (text: string): unknown =>
    JSON.parse(JSON.stringify(nestParameters(parseForm(text, 'body'))))

  test('members become lists and objects', () => {
    assert.deepEqual(
      nest(
        'RoleArn=r&Tags.member.1.Key=k1&Tags.member.1.Value=v1&Tags.member.2.Key=k2&Tags.member.2.Value=&Names.member.1=a&Context.Kind=x',
      ),
      {
        RoleArn: 'r',
        Tags: [
          { Key: 'k1', Value: 'v1' },
          { Key: 'k2', Value: '' },
        ],
        Names: ['a'],
        Context: { Kind: 'x' },
      },
    )
  })

  test('numbers count, not their order; maps have entries; lists nest', () => {
    assert.deepEqual(
      nest('A.member.2=b&A.member.1=a&M.entry.1.key=k&M.entry.1.value=v&L.member.1.member.1=x'),
      {
        A: ['a', 'b'],
        M: [{ key: 'k', value: 'v' }],
        L: [['x']],
      },
    )
  })

  test('a member beside others is an ordinary name', () => {
    assert.deepEqual(nest('A.member=x&B.member.1=x&B.other=y'), {
      A: { member: 'x' },
      B: { member: { 1: 'x' }, other: 'y' },
    })
  })

  for (const text of [
    'A.member.2=x',
    'A.member.0=x',
    'A.member.01=x',
    'A.member.x=x',
    'A.member.1=a&A.member.3=c',
    'A.member.-1=x',
  ]) {
    test(`the list '${text}' is refused`, () => {
      assert.throws(
        () => nest(text),
        refusal('SerializationException', 'List members must be numbered from 1 without gaps'),
      )
    })
  }

  for (const text of ['A=x&A.member.1=y', 'A.member.1=y&A=x', 'A.B=x&A.B.C=y']) {
    test(`'${text}' contradicts itself`, () => {
      assert.throws(() => nest(text), /Conflicting parameter/)
    })
  }

  for (const name of [
    '',
    '.',
    'A.',
    '.A',
    'A..B',
    Array.from({ length: 17 }, () => 'a').join('.'),
  ]) {
    test(`'${name}' is no name`, () => {
      assert.throws(
        () => nestParameters(new Map([[name, 'x']])),
        refusal('SerializationException', `Invalid parameter name '${name}'`),
      )
    })
  }

  test('names of the language are names like others and pollute nothing', () => {
    const input = nestParameters(
      parseForm(
        '__proto__.polluted=1&constructor.prototype.polluted=1&A.__proto__.polluted=1',
        'body',
      ),
    )
    for (const name of ['valueOf', 'toString', 'polluted']) assert.ok(!(name in input))
    assert.deepEqual(Object.keys(input), ['__proto__', 'constructor', 'A'])
    assert.equal('polluted' in {}, false)
    assert.equal(nestParameters(new Map())['constructor'], undefined)
  })

  test('whatever is sent, the end is an input or a refusal', () => {
    const names = fc.array(fc.constantFrom('a', 'member', 'entry', '1', '2', '', '__proto__'), {
      maxLength: 5,
    })
    fc.assert(
      fc.property(fc.array(names, { maxLength: 6 }), (list) => {
        try {
          nestParameters(parseForm(list.map((segments) => segments.join('.')).join('&'), 'body'))
        } catch (error) {
          assert.ok(error instanceof ServiceError, String(error))
        }
      }),
    )
  })
})
