import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { OperationModel, RestFacts, Shape, StructureShape } from '../core/model.ts'
import { decodeRestInput } from './rest-decode.ts'
import { restErrorReply, restReply } from './rest-xml.ts'

const TEXT = { type: 'string' } as const
const NUMBER = { type: 'integer' } as const
const TIME = { type: 'timestamp' } as const

const structure = (
  name: string,
  members: Readonly<Record<string, Shape>>,
  required: readonly string[] = [],
): StructureShape => ({
  type: 'structure',
  name,
  required,
  members: new Map(Object.entries(members)),
})

const rest = (facts: Partial<RestFacts> = {}): RestFacts => ({
  method: 'GET',
  path: '/',
  input: new Map(),
  output: new Map(),
  ...facts,
})

const model = (output: StructureShape, facts?: Partial<RestFacts>): OperationModel => ({
  name: 'Op',
  input: structure('In', {}),
  output,
  errors: [],
  rest: rest(facts),
})

const reply = (of: OperationModel, output: object) =>
  restReply({ model: of, output, xmlNamespace: 'urn:x', headers: ['x-id', '1'] })

describe('a REST reply', () => {
  test('writes lists in place or wrapped, and times with milliseconds', () => {
    const item = structure('Item', { Key: TEXT, Size: NUMBER, At: TIME })
    const output = structure('Out', {
      Done: { type: 'boolean' },
      Contents: { type: 'list', member: item, flattened: true },
      Places: { type: 'list', member: TEXT, itemName: 'Place' },
      Names: { type: 'list', member: TEXT },
      Empty: { type: 'list', member: TEXT },
      Absent: TEXT,
    })
    const { body, status, ownHeaders } = reply(model(output, { root: 'Result' }), {
      Done: false,
      Contents: [{ Key: 'a&b', Size: 3_000_000_000, At: 0 }, { Key: '' }],
      Places: ['x'],
      Names: ['y'],
      Empty: [],
    })
    assert.equal(status, 200)
    assert.deepEqual(ownHeaders, ['Content-Type', 'application/xml'])
    assert.equal(
      body,
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        '<Result xmlns="urn:x"><Done>false</Done>' +
        '<Contents><Key>a&amp;b</Key><Size>3000000000</Size><At>1970-01-01T00:00:00.000Z</At></Contents>' +
        '<Contents><Key/></Contents>' +
        '<Places><Place>x</Place></Places><Names><member>y</member></Names><Empty/></Result>',
    )
  })

  test('may be the text of its root, or an empty root', () => {
    const of = model(structure('Out', { Where: TEXT }), { root: 'Where', unwrapped: true })
    const head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    assert.equal(reply(of, { Where: 'here' }).body, `${head}<Where xmlns="urn:x">here</Where>`)
    assert.equal(reply(of, {}).body, `${head}<Where xmlns="urn:x"/>`)
  })

  test('has members in headers, and bytes for a body', () => {
    const output = structure('Out', {
      Body: { type: 'blob' },
      At: TIME,
      Meta: { type: 'map', key: TEXT, value: TEXT },
      Range: TEXT,
    })
    const of = model(output, {
      payload: 'Body',
      output: new Map([
        ['At', { in: 'header', name: 'Last-Modified' }],
        ['Meta', { in: 'headers', name: 'x-meta-' }],
        ['Range', { in: 'header', name: 'Content-Range' }],
      ]),
    })
    const Body = Buffer.from('bytes')
    const whole = reply(of, { Body, At: 0, Meta: { a: '1' } })
    assert.equal(whole.body, Body)
    assert.equal(whole.status, 200)
    const date = 'Thu, 01 Jan 1970 00:00:00 GMT'
    assert.deepEqual(whole.ownHeaders, ['Last-Modified', date, 'x-meta-a', '1'])
    assert.equal(reply(of, { Body, Range: 'bytes 0-1/9' }).status, 206)
    assert.throws(() => reply(of, {}), /an output lacks its body/)
  })

  test('to HEAD announces what it does not have', () => {
    const of = model(structure('Out', { Length: NUMBER }), {
      method: 'HEAD',
      output: new Map([['Length', { in: 'header', name: 'Content-Length' }]]),
    })
    const { body, announcedBytes, ownHeaders } = reply(of, { Length: 12 })
    assert.deepEqual([body, announcedBytes, ownHeaders], ['', 12, []])
  })

  test('of the wrong shape is a bug', () => {
    const secret = structure('Out', { A: { type: 'string', sensitive: true } })
    assert.throws(() => reply(model(secret), { A: 'x' }), /a secret is no part/)
    const text = model(structure('Out', { A: TEXT }, ['A']))
    assert.throws(() => reply(text, { A: 1 }), /in place of a string/)
    assert.throws(() => reply(text, {}), /an output lacks A/)
  })

  test('about a failure has its code, and a text in any case', () => {
    const failure = { httpStatus: 404, requestId: 'r', headers: ['x-id', '1'] }
    const told = restErrorReply({ ...failure, code: 'NoSuchKey', message: 'a < b' })
    assert.equal(told.status, 404)
    assert.match(
      String(told.body),
      /<Error><Code>NoSuchKey<\/Code><Message>a &lt; b<\/Message><RequestId>r</,
    )
    const bare = restErrorReply({ ...failure, code: 'NoSuchKey', message: undefined })
    assert.match(String(bare.body), /<Message>NoSuchKey<\/Message>/)
  })
})

describe('the input of a REST request', () => {
  const of: OperationModel = {
    name: 'Op',
    input: structure('In', {
      Place: TEXT,
      Max: NUMBER,
      Deep: { type: 'boolean' },
      Since: TIME,
    }),
    output: undefined,
    errors: [],
    rest: rest({
      input: new Map([
        ['Place', { in: 'path', name: 'Place' }],
        ['Max', { in: 'query', name: 'max-keys' }],
        ['Deep', { in: 'query', name: 'deep' }],
        ['Since', { in: 'header', name: 'If-Modified-Since' }],
      ]),
    }),
  }
  const decode = (query: Readonly<Record<string, string>>, since?: string) => ({
    ...decodeRestInput(of, {
      path: new Map([['Place', 'yard']]),
      query: new Map(Object.entries(query)),
      headers: { 'if-modified-since': since },
    }),
  })

  test('comes from path, query and headers', () => {
    assert.deepEqual(decode({}), { Place: 'yard' })
    assert.deepEqual(decode({ 'max-keys': '-7', deep: 'true' }, 'Thu, 01 Jan 1970 00:00:01 GMT'), {
      Place: 'yard',
      Max: -7,
      Deep: true,
      Since: 1000,
    })
    assert.deepEqual(decode({}, 'yesterday'), { Place: 'yard' })
  })

  test('is refused where a value has the wrong form', () => {
    for (const query of [
      { 'max-keys': '' },
      { 'max-keys': '1.5' },
      { 'max-keys': '2147483648' },
      { deep: 'yes' },
    ]) {
      assert.throws(() => decode(query), { code: 'SerializationException' }, JSON.stringify(query))
    }
  })
})
