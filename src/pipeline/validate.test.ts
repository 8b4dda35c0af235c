import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ServiceError } from '../core/errors.ts'
import type { Shape, StructureShape } from '../core/model.ts'
import { Secret } from '../core/secret.ts'
import { validate } from './validate.ts'

const structure = (
  members: Record<string, Shape>,
  required: string[] = [],
  name = 'Input',
): StructureShape => ({
  type: 'structure',
  name,
  required,
  members: new Map(Object.entries(members)),
})

const failures = (shape: StructureShape, input: Record<string, unknown>): string | undefined => {
  try {
    validate(shape, input)
  } catch (error) {
    assert.ok(error instanceof ServiceError, String(error))
    assert.equal(error.code, 'ValidationException')
    return error.publicMessage
  }
  return undefined
}

const one = (text: string): string => `1 validation error detected: ${text}`
const secret = (sizeBytes: number): Secret => new Secret(new Uint8Array(sizeBytes))
const secretText = (text: string): Secret => new Secret(new TextEncoder().encode(text))

const TAG = structure(
  {
    TagKey: { type: 'string', min: 1, max: 128 },
    TagValue: { type: 'string', min: 0, max: 256 },
  },
  ['TagKey', 'TagValue'],
  'Tag',
)

describe('validate', () => {
  test('a required member must be there', () => {
    const shape = structure({ KeyId: { type: 'string' } }, ['KeyId'])
    const text = one("Value null at 'keyId' failed to satisfy constraint: Member must not be null")
    assert.equal(failures(shape, {}), text)
    assert.equal(failures(shape, { KeyId: undefined }), text)
    assert.equal(failures(shape, { KeyId: '' }), undefined)
  })

  test('an optional member may be absent, and a member of the prototype is none', () => {
    const shape = structure({ Name: { type: 'string', min: 1 } })
    assert.equal(failures(shape, {}), undefined)
    assert.equal(failures(shape, { Name: undefined }), undefined)
  })

  test('strings have a minimum and a maximum length', () => {
    const shape = structure({ Name: { type: 'string', min: 2, max: 3 } })
    const at = "at 'name' failed to satisfy constraint: Member must have length"
    assert.equal(failures(shape, { Name: 'ab' }), undefined)
    assert.equal(failures(shape, { Name: 'abc' }), undefined)
    assert.equal(failures(shape, { Name: 'a' }), one(`Value 'a' ${at} greater than or equal to 2`))
    assert.equal(failures(shape, { Name: '' }), one(`Value '' ${at} greater than or equal to 2`))
    assert.equal(
      failures(shape, { Name: 'abcd' }),
      one(`Value 'abcd' ${at} less than or equal to 3`),
    )
  })

  test('lengths of strings count code points, not UTF-16 units', () => {
    const shape = structure({ Name: { type: 'string', min: 2, max: 3 } })
    assert.equal(failures(shape, { Name: '😀😀😀' }), undefined)
    assert.notEqual(failures(shape, { Name: '😀😀😀😀' }), undefined)
    assert.notEqual(failures(shape, { Name: '😀' }), undefined)
  })

  test('integers have a minimum and a maximum value', () => {
    const shape = structure({ NumberOfBytes: { type: 'integer', min: 1, max: 1024 } })
    const at = "at 'numberOfBytes' failed to satisfy constraint: Member must have value"
    assert.equal(failures(shape, { NumberOfBytes: 1 }), undefined)
    assert.equal(failures(shape, { NumberOfBytes: 1024 }), undefined)
    assert.equal(
      failures(shape, { NumberOfBytes: 0 }),
      one(`Value '0' ${at} greater than or equal to 1`),
    )
    assert.equal(
      failures(shape, { NumberOfBytes: 1025 }),
      one(`Value '1025' ${at} less than or equal to 1024`),
    )
  })

  test('an integer whose minimum is zero may not be negative', () => {
    const shape = structure({ Count: { type: 'integer', min: 0 } })
    assert.equal(failures(shape, { Count: 0 }), undefined)
    assert.notEqual(failures(shape, { Count: -1 }), undefined)
  })

  test('an enum names its values', () => {
    const shape = structure({ KeySpec: { type: 'string', enum: ['AES_256', 'AES_128'] } })
    assert.equal(failures(shape, { KeySpec: 'AES_128' }), undefined)
    for (const value of ['', 'aes_128', 'constructor', '__proto__']) {
      assert.equal(
        failures(shape, { KeySpec: value }),
        one(
          `Value '${value}' at 'keySpec' failed to satisfy constraint: ` +
            'Member must satisfy enum value set: [AES_256, AES_128]',
        ),
      )
    }
  })

  test('a pattern must match the whole value, anchored in the model or not', () => {
    for (const pattern of ['[0-9]{2}', '^[0-9]{2}$', '^[0-9]{2}$|^[0-9]{2}$']) {
      const shape = structure({ Account: { type: 'string', pattern } })
      assert.equal(failures(shape, { Account: '12' }), undefined)
      for (const value of ['123', 'a12', '12\n', '\n12', '1', '12\n34']) {
        assert.equal(
          failures(shape, { Account: value }),
          one(
            `Value '${value}' at 'account' failed to satisfy constraint: ` +
              `Member must satisfy regular expression pattern: ${pattern}`,
          ),
        )
      }
    }
  })

  test('white space in a pattern is that of ASCII, as in Java', () => {
    const shape = structure({ Text: { type: 'string', pattern: '^[a\\s]+$' } })
    assert.equal(failures(shape, { Text: 'a \t\n\r\f\v' }), undefined)
    assert.notEqual(failures(shape, { Text: '\u00a0' }), undefined)
    assert.notEqual(failures(shape, { Text: '\u2028' }), undefined)
  })

  test('one value may break its pattern and its length; a long one is not matched at all', () => {
    const shape = structure({ Name: { type: 'string', min: 1, max: 4, pattern: '[a-z]+' } })
    const at = "at 'name' failed to satisfy constraint:"
    assert.equal(
      failures(shape, { Name: '' }),
      `2 validation errors detected: Value '' ${at} Member must satisfy regular expression pattern: ` +
        `[a-z]+; Value '' ${at} Member must have length greater than or equal to 1`,
    )
    assert.equal(
      failures(shape, { Name: 'ABCDE' }),
      one(`Value 'ABCDE' ${at} Member must have length less than or equal to 4`),
    )
  })

  test('failures are reported together, in the order of the model', () => {
    const shape = structure(
      { B: { type: 'string', max: 1 }, A: { type: 'integer', min: 5 }, C: { type: 'blob' } },
      ['C'],
    )
    assert.equal(
      failures(shape, { A: 4, B: 'xx' }),
      "3 validation errors detected: Value 'xx' at 'b' failed to satisfy constraint: " +
        "Member must have length less than or equal to 1; Value '4' at 'a' failed to satisfy " +
        "constraint: Member must have value greater than or equal to 5; Value null at 'c' failed " +
        'to satisfy constraint: Member must not be null',
    )
  })

  test('at most ten failures are reported', () => {
    const shape = structure({ Tags: { type: 'list', member: TAG } })
    const text = failures(shape, { Tags: Array.from({ length: 2_000 }, () => ({})) }) ?? ''
    assert.ok(text.startsWith('10 validation errors detected: '))
    assert.equal(text.split('; ').length, 10)
  })

  test('blobs count bytes, and their values are left out', () => {
    const shape = structure({
      CiphertextBlob: { type: 'blob', min: 1, max: 4 },
      Plaintext: { type: 'blob', min: 1, max: 4, sensitive: true },
    })
    const fine = { CiphertextBlob: new Uint8Array(4), Plaintext: secret(1) }
    assert.equal(failures(shape, fine), undefined)
    const at = 'failed to satisfy constraint: Member must have length'
    assert.equal(
      failures(shape, { CiphertextBlob: new Uint8Array(0), Plaintext: secret(5) }),
      `2 validation errors detected: Value at 'ciphertextBlob' ${at} greater than or equal to 1; ` +
        `Value at 'plaintext' ${at} less than or equal to 4`,
    )
  })

  test('sensitive strings are checked, and their values are left out', () => {
    const shape = structure({
      Password: { type: 'string', sensitive: true, min: 3, max: 5, pattern: '^[a-zé]+$' },
    })
    assert.equal(failures(shape, { Password: secretText('passé') }), undefined)
    const at = "Value at 'password' failed to satisfy constraint: Member must"
    assert.equal(
      failures(shape, { Password: secretText('passwd') }),
      one(`${at} have length less than or equal to 5`),
    )
    assert.equal(
      failures(shape, { Password: secretText('PASS') }),
      one(`${at} satisfy regular expression pattern: ^[a-zé]+$`),
    )
  })

  test('a very long value is left out of the message', () => {
    const shape = structure({ Policy: { type: 'string', max: 131_072 } })
    assert.equal(
      failures(shape, { Policy: 'x'.repeat(131_073) }),
      one(
        "Value at 'policy' failed to satisfy constraint: " +
          'Member must have length less than or equal to 131072',
      ),
    )
  })
})

describe('validate on lists, maps and structures', () => {
  test('a list has a length', () => {
    const shape = structure({ GrantTokens: { type: 'list', member: { type: 'string' }, max: 2 } })
    assert.equal(failures(shape, { GrantTokens: ['a', 'b'] }), undefined)
    assert.equal(
      failures(shape, { GrantTokens: ['a', 'b', 'c'] }),
      one(
        "Value '[a, b, c]' at 'grantTokens' failed to satisfy constraint: " +
          'Member must have length less than or equal to 2',
      ),
    )
  })

  test('simple elements are reported with their list', () => {
    const operations: Shape = { type: 'string', enum: ['Encrypt', 'Decrypt'] }
    const keys: Shape = { type: 'string', min: 1, max: 3, pattern: '[a-z]+' }
    const shape = structure({
      Operations: { type: 'list', member: operations },
      TagKeys: { type: 'list', member: keys },
    })
    assert.equal(failures(shape, { Operations: ['Decrypt'], TagKeys: ['abc'] }), undefined)
    assert.equal(
      failures(shape, { Operations: ['Encrypt', 'Nope'] }),
      one(
        "Value '[Encrypt, Nope]' at 'operations' failed to satisfy constraint: Member must satisfy " +
          'constraint: [Member must satisfy enum value set: [Encrypt, Decrypt]]',
      ),
    )
    assert.equal(
      failures(shape, { TagKeys: ['a', ''] }),
      one(
        "Value '[a, ]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: " +
          '[Member must have length less than or equal to 3, Member must have length greater than ' +
          'or equal to 1, Member must satisfy regular expression pattern: [a-z]+]',
      ),
    )
  })

  test('structures in a list are reported by their place, counted from 1', () => {
    const shape = structure({ Tags: { type: 'list', member: TAG } })
    const fine = { TagKey: 'k', TagValue: '' }
    const long = 'k'.repeat(129)
    assert.equal(failures(shape, { Tags: [fine, fine] }), undefined)
    assert.equal(
      failures(shape, { Tags: [{ TagKey: long, TagValue: 'v' }] }),
      one(
        `Value '${long}' at 'tags.1.member.tagKey' failed to satisfy constraint: ` +
          'Member must have length less than or equal to 128',
      ),
    )
    assert.equal(
      failures(shape, { Tags: [fine, { TagKey: 'k' }] }),
      one(
        "Value null at 'tags.2.member.tagValue' failed to satisfy constraint: Member must not be null",
      ),
    )
  })

  test('a null in a list or a map is refused', () => {
    const shape = structure({
      Names: { type: 'list', member: { type: 'string' } },
      Tags: { type: 'list', member: TAG },
      Context: { type: 'map', key: { type: 'string' }, value: { type: 'string' } },
    })
    const rule = 'must satisfy constraint: [Member must not be null]'
    assert.equal(
      failures(shape, { Names: ['a', null] }),
      one(`Value '[a, null]' at 'names' failed to satisfy constraint: Member ${rule}`),
    )
    assert.equal(
      failures(shape, { Tags: [null] }),
      one("Value null at 'tags.1.member' failed to satisfy constraint: Member must not be null"),
    )
    assert.equal(
      failures(shape, { Context: { a: null } }),
      one(`Value '{a=null}' at 'context' failed to satisfy constraint: Map value ${rule}`),
    )
  })

  test('a map has a length, and its keys and values have constraints', () => {
    const shape = structure({
      Map: {
        type: 'map',
        key: { type: 'string', pattern: '[a-z]+' },
        value: { type: 'string', max: 2 },
        min: 1,
        max: 2,
      },
    })
    const at = "at 'map' failed to satisfy constraint:"
    assert.equal(failures(shape, { Map: { a: 'x', b: 'y' } }), undefined)
    assert.equal(
      failures(shape, { Map: {} }),
      one(`Value '{}' ${at} Member must have length greater than or equal to 1`),
    )
    assert.equal(
      failures(shape, { Map: { a: '', b: '', c: '' } }),
      one(`Value '{a=, b=, c=}' ${at} Member must have length less than or equal to 2`),
    )
    assert.equal(
      failures(shape, { Map: { A: 'xyz' } }),
      `2 validation errors detected: Value '{A=xyz}' ${at} Map keys must satisfy constraint: ` +
        `[Member must satisfy regular expression pattern: [a-z]+]; Value '{A=xyz}' ${at} ` +
        'Map value must satisfy constraint: [Member must have length less than or equal to 2]',
    )
  })

  test('keys such as constructor are keys of a map like any other', () => {
    const value: Shape = { type: 'string', max: 2 }
    const shape = structure({ Map: { type: 'map', key: { type: 'string' }, value } })
    const map: Record<string, string> = Object.create(null)
    map['constructor'] = 'xyz'
    assert.match(failures(shape, { Map: map }) ?? '', /'\{constructor=xyz\}' at 'map'/)
  })

  test('members of a nested structure are reported by their path', () => {
    const arn: Shape = { type: 'string', min: 20 }
    const shape = structure({ Constraints: structure({ SourceArn: arn }, [], 'GrantConstraints') })
    assert.equal(
      failures(shape, { Constraints: { SourceArn: 'arn' } }),
      one(
        "Value 'arn' at 'constraints.sourceArn' failed to satisfy constraint: " +
          'Member must have length greater than or equal to 20',
      ),
    )
    assert.equal(failures(shape, { Constraints: {} }), undefined)
  })

  test('a list of structures is shown as Java prints it, or not at all if it holds a secret', () => {
    const tags: Shape = { type: 'list', member: TAG, max: 0 }
    const password = structure({ Word: { type: 'string', sensitive: true } }, [], 'Password')
    const shape = structure({ Tags: tags, Words: { type: 'list', member: password, max: 0 } })
    const rule = 'failed to satisfy constraint: Member must have length less than or equal to 0'
    assert.equal(
      failures(shape, { Tags: [{ TagKey: 'k', TagValue: 'v' }], Words: [{ Word: secret(1) }] }),
      `2 validation errors detected: Value '[Tag(tagKey=k, tagValue=v)]' at 'tags' ${rule}; ` +
        `Value at 'words' ${rule}`,
    )
  })
})
