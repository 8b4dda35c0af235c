import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ServiceError } from '../core/errors.ts'
import type { Shape, StructureShape } from '../core/model.ts'
import { Secret } from '../core/secret.ts'
import { nestParameters, parseForm } from './form.ts'
import { decodeQueryInput } from './query-decode.ts'

const structure = (members: Readonly<Record<string, Shape>>): StructureShape => ({
  type: 'structure',
  name: 'Test',
  required: [],
  members: new Map(Object.entries(members)),
})

const TEXT = { type: 'string' } as const
const INPUT = structure({
  Name: TEXT,
  Password: { type: 'string', sensitive: true },
  Count: { type: 'integer' },
  IsOn: { type: 'boolean' },
  Since: { type: 'timestamp' },
  Bytes: { type: 'blob' },
  Key: { type: 'blob', sensitive: true },
  Names: { type: 'list', member: TEXT },
  Tags: { type: 'list', member: structure({ Key: TEXT, Value: TEXT }) },
  Map: { type: 'map', key: TEXT, value: { type: 'integer' } },
  Nested: structure({ Inner: structure({ Name: TEXT, Names: { type: 'list', member: TEXT } }) }),
})

const decode = (form: string) => decodeQueryInput(INPUT, nestParameters(parseForm(form, 'body')))

describe('the input of a Query request', () => {
  for (const [form, expected] of [
    ['', {}],
    ['Name=alice&Other=1', { Name: 'alice' }],
    ['Name=', { Name: '' }],
    ['Count=25', { Count: 25 }],
    ['Count=-1', { Count: -1 }],
    ['Count=99999999999999999999', { Count: 2147483647 }],
    ['Count=-99999999999', { Count: -2147483648 }],
    ['IsOn=true', { IsOn: true }],
    ['IsOn=False', { IsOn: false }],
    ['Since=2026-01-31T12:00:00Z', { Since: Date.UTC(2026, 0, 31, 12) }],
    ['Names=', { Names: [] }],
    ['Names.member.1=a&Names.member.2=b', { Names: ['a', 'b'] }],
    ['Tags.member.1.Key=a&Tags.member.1.Value=', { Tags: [{ Key: 'a', Value: '' }] }],
    ['Nested.Inner.Name=x', { Nested: { Inner: { Name: 'x' } } }],
    ['Nested.Inner.Names.member.1=x', { Nested: { Inner: { Names: ['x'] } } }],
  ] as const) {
    test(`${form === '' ? 'nothing' : form} is decoded`, () => {
      assert.deepEqual(decode(form), expected)
    })
  }

  test('a map has entries, whatever their names', () => {
    const { Map: map } = decode('Map.entry.1.key=constructor&Map.entry.1.value=7')
    assert.deepEqual(Object.entries(map ?? {}), [['constructor', 7]])
    assert.ok(typeof map === 'object' && map !== null && !('valueOf' in map))
  })

  test('blobs are bytes', () => {
    const { Bytes: bytes } = decode('Bytes=AQID')
    assert.ok(bytes instanceof Uint8Array)
    assert.deepEqual([...bytes], [1, 2, 3])
  })

  test('what is sensitive is a secret', () => {
    const { Password: password, Key: key } = decode('Password=hunter2&Key=AQID')
    assert.ok(password instanceof Secret && key instanceof Secret)
    assert.equal(new TextDecoder().decode(password.expose()), 'hunter2')
    assert.deepEqual([...key.expose()], [1, 2, 3])
  })

  for (const form of [
    'Name.Inner=x',
    'Name.member.1=x',
    'Password.Inner=x',
    'Count=many',
    'Count=1.5',
    'Count=',
    'IsOn=yes',
    'Since=yesterday',
    'Since=2026-13-45T99:00:00Z',
    'Bytes=%21',
    'Key=%21',
    'Names=a',
    'Names.first=a',
    'Tags.member.1=a',
    'Map=a',
    'Map.entry.1=a',
    'Map.entry.1.key=a&Map.entry.1.value=many',
    'Map.entry.1.key=a&Map.entry.1.value=1&Map.entry.2.key=a&Map.entry.2.value=1',
    'Nested=x',
    'Password=hunter2&Count=many',
  ]) {
    test(`${form} is refused without repeating a value`, () => {
      assert.throws(
        () => decode(form),
        (error) =>
          error instanceof ServiceError &&
          error.code === 'SerializationException' &&
          /^[A-Za-z.0-9]+ has the wrong form$/.test(error.publicMessage ?? '') &&
          !/many|hunter2/.test(error.publicMessage ?? ''),
      )
    })
  }
})
