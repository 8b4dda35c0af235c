import { assert, unreachable } from '../core/assert.ts'
import type { OperationModel, RestFacts, Shape, StructureShape } from '../core/model.ts'
import type { HttpReply } from '../core/transport.ts'
import { escapeXml, xmlElement } from './xml.ts'

/**
 * Replies of REST services: members in headers, and a body that is XML or bytes. Types are asserted, so that
 * a value of the wrong kind fails the request instead of leaking.
 *
 * **Source:** Smithy 2.0, AWS restXml protocol; Amazon S3 API Reference.
 */

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

function simpleText(shape: Shape, value: unknown): string {
  switch (shape.type) {
    case 'string':
      // Nothing that a REST service of ours answers is secret.
      assert(shape.sensitive !== true, 'a secret is no part of a REST reply')
      assert(typeof value === 'string', 'an output has another value in place of a string')
      return value
    case 'integer':
      assert(Number.isSafeInteger(value), 'an output has another value in place of an integer')
      return String(value)
    case 'boolean':
      assert(typeof value === 'boolean', 'an output has another value in place of a boolean')
      return value ? 'true' : 'false'
    case 'timestamp':
      assert(typeof value === 'number', 'an output has no instant')
      return new Date(value).toISOString()
    case 'double':
    case 'blob':
    case 'list':
    case 'map':
    case 'structure':
      throw new TypeError(`a ${shape.type} has no text`)
    default:
      return unreachable(shape)
  }
}

function element(name: string, shape: Shape, value: unknown): string {
  if (shape.type === 'list') {
    assert(Array.isArray(value), 'an output has another value in place of a list')
    const { member, itemName = 'member', flattened = false } = shape
    if (flattened) return value.map((item) => element(name, member, item)).join('')
    return wrap(name, value.map((item) => element(itemName, member, item)).join(''))
  }
  if (shape.type !== 'structure') return xmlElement(name, simpleText(shape, value))
  assert(isRecord(value), 'an output has another value in place of a structure')
  return wrap(name, members(shape, value))
}

/** The content is XML already. */
const wrap = (name: string, content: string): string =>
  content === '' ? `<${name}/>` : `<${name}>${content}</${name}>`

function members(
  shape: StructureShape,
  value: Readonly<Record<string, unknown>>,
  elsewhere: RestFacts['output'] = new Map(),
): string {
  let text = ''
  for (const [name, member] of shape.members) {
    const given = value[name]
    if (elsewhere.has(name)) continue
    if (given !== undefined) text += element(name, member, given)
    else assert(!shape.required.includes(name), `an output lacks ${name}`)
  }
  return text
}

const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

function xmlBody(
  { output: shape, rest }: { output: StructureShape; rest: RestFacts },
  output: Readonly<Record<string, unknown>>,
  xmlNamespace: string,
): string {
  const root = rest.root ?? shape.name
  const [only] = shape.members
  const content =
    rest.unwrapped === true && only !== undefined
      ? escapeXml(output[only[0]] === undefined ? '' : simpleText(only[1], output[only[0]]))
      : members(shape, output, rest.output)
  const start = `${root} xmlns="${escapeXml(xmlNamespace)}"`
  return `${XML_DECLARATION}${content === '' ? `<${start}/>` : `<${start}>${content}</${root}>`}`
}

/** RFC 9110, 5.6.7. */
const headerText = (shape: Shape, value: unknown): string =>
  shape.type === 'timestamp' && typeof value === 'number'
    ? new Date(value).toUTCString()
    : simpleText(shape, value)

/** Names and values in turn, and the length that a header announces. */
interface Head {
  readonly headers: string[]
  announcedBytes: number | undefined
}

function headOf(
  shape: StructureShape,
  rest: RestFacts,
  output: Readonly<Record<string, unknown>>,
): Head {
  const head: Head = { headers: [], announcedBytes: undefined }
  for (const [member, place] of rest.output) {
    const value = output[member]
    const of = shape.members.get(member)
    if (value === undefined || of === undefined) continue
    if (place.in === 'headers') {
      assert(isRecord(value) && of.type === 'map', 'an output has another value in place of a map')
      for (const [name, item] of Object.entries(value)) {
        head.headers.push(place.name + name, headerText(of.value, item))
      }
    } else if (place.name === 'Content-Length') {
      assert(typeof value === 'number', 'an output has no length')
      head.announcedBytes = value
    } else {
      head.headers.push(place.name, headerText(of, value))
    }
  }
  return head
}

const hasHeader = (headers: readonly string[], name: string): boolean =>
  headers.some((text, at) => at % 2 === 0 && text === name)

/** A success. A reply that says which range it has is partial. */
export function restReply(reply: {
  readonly model: OperationModel
  readonly output: object | undefined
  readonly xmlNamespace: string
  /** Names and values in turn. */
  readonly headers: readonly string[]
}): HttpReply {
  const { model, output = {}, xmlNamespace, headers } = reply
  const { output: shape, rest } = model
  assert(isRecord(output), 'an output is no structure')
  if (shape === undefined || rest === undefined) return { status: 200, headers, body: '' }
  const { headers: own, announcedBytes } = headOf(shape, rest, output)
  const status = hasHeader(own, 'Content-Range') ? 206 : 200
  if (rest.payload !== undefined) {
    const body = output[rest.payload]
    assert(body instanceof Uint8Array, 'an output lacks its body')
    return { status, headers, ownHeaders: own, body }
  }
  if (rest.method === 'HEAD') {
    return { status, headers, ownHeaders: own, body: '', announcedBytes: announcedBytes ?? 0 }
  }
  own.push('Content-Type', 'application/xml')
  return {
    status,
    headers,
    ownHeaders: own,
    body: xmlBody({ output: shape, rest }, output, xmlNamespace),
  }
}

/** A failure. **Source:** Amazon S3 API Reference, Error responses. */
export function restErrorReply(error: {
  readonly code: string
  readonly httpStatus: number
  readonly message: string | undefined
  readonly requestId: string
  readonly headers: readonly string[]
}): HttpReply {
  const { code, httpStatus, message, requestId, headers } = error
  const content =
    xmlElement('Code', code) +
    xmlElement('Message', message ?? code) +
    xmlElement('RequestId', requestId)
  return {
    status: httpStatus,
    headers,
    ownHeaders: httpStatus === 304 ? [] : ['Content-Type', 'application/xml'],
    body: `${XML_DECLARATION}<Error>${content}</Error>`,
  }
}
