import { newBareObject } from '../core/bare-object.ts'
import { ServiceError } from '../core/errors.ts'

/**
 * The parameters of a Query request: `application/x-www-form-urlencoded` text, read strictly.
 *
 * **Source:** WHATWG URL Standard, application/x-www-form-urlencoded; AWS IAM User Guide, Making
 * HTTP query requests.
 */

/** Longest text of one form, in bytes. Far above what any Query operation takes. */
export const FORM_BYTES_MAX = 1_048_576
/** Parameters of one form. */
export const FORM_PARAMETERS_MAX = 1000
/** Segments of one name: `PolicyInputList.member.1` has three. */
const NAME_DEPTH_MAX = 16

/** A target comes as bytes: what is not ASCII there is in no known character set. */
const ONLY_URI_CHARACTERS = /^[!-~]*$/

export type FormParameters = ReadonlyMap<string, string>

/**
 * In a body `+` is a space. In a target it is a plus, because signatures take it as one: what
 * is done must be what was signed.
 */
export type FormPlace = 'body' | 'target'

/**
 * The parameters of a form by name, decoded.
 * @throws {ServiceError} SerializationException for broken escapes, ill-formed UTF-8 and names
 * that come twice; RequestEntityTooLargeException
 */
export function parseForm(text: string, place: FormPlace): FormParameters {
  if (text.length > FORM_BYTES_MAX) throw new ServiceError('RequestEntityTooLargeException')
  const parameters = new Map<string, string>()
  // The limit counts every piece, empty ones too, so that it bounds the work as well.
  const pieces = text.split('&', FORM_PARAMETERS_MAX + 1)
  if (pieces.length > FORM_PARAMETERS_MAX) throw new ServiceError('RequestEntityTooLargeException')
  for (const piece of pieces) {
    if (piece === '') continue
    const equals = piece.indexOf('=')
    const name = decodeText(equals === -1 ? piece : piece.slice(0, equals), place)
    if (parameters.has(name)) throw malformed(`Duplicate parameter '${name}'`)
    parameters.set(name, equals === -1 ? '' : decodeText(piece.slice(equals + 1), place))
  }
  return parameters
}

function decodeText(text: string, place: FormPlace): string {
  if (place === 'target' && !ONLY_URI_CHARACTERS.test(text)) {
    throw malformed('A parameter has an invalid character')
  }
  const spaced = place === 'body' ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    throw malformed('A parameter has an invalid percent-encoding')
  }
}

const malformed = (message: string): ServiceError =>
  new ServiceError('SerializationException', message)

/** The input that flattened names stand for. Its objects have no prototype. */
export type FormValue = string | FormValue[] | { readonly [name: string]: FormValue }

/** A node while the tree is built. */
type Branch = Map<string, Branch | string>

/**
 * Nested input of flattened parameters: `Tags.member.1.Key` becomes `Tags[0].Key`.
 * An object that has only `member` (or `entry`, of maps), numbered from 1 without gaps, is a list.
 * @throws {ServiceError} SerializationException for names that contradict each other or have gaps
 */
export function nestParameters(parameters: FormParameters): Readonly<Record<string, FormValue>> {
  const root: Branch = new Map()
  for (const [name, value] of parameters) plant(root, name, value)
  return objectOf(root)
}

function plant(root: Branch, name: string, value: string): void {
  const segments = name.split('.', NAME_DEPTH_MAX + 1)
  if (segments.length > NAME_DEPTH_MAX || segments.includes('')) {
    throw malformed(`Invalid parameter name '${name}'`)
  }
  const last = segments.pop() ?? ''
  let branch = root
  for (const segment of segments) {
    const next = branch.get(segment) ?? new Map()
    if (typeof next === 'string') throw malformed(`Conflicting parameter '${name}'`)
    branch.set(segment, next)
    branch = next
  }
  if (branch.has(last)) throw malformed(`Conflicting parameter '${name}'`)
  branch.set(last, value)
}

function objectOf(branch: Branch): Record<string, FormValue> {
  // A null prototype, so that no name a client chooses finds anything.
  const object = newBareObject<FormValue>()
  for (const [name, child] of branch) object[name] = valueOf(child)
  return object
}

function valueOf(node: Branch | string): FormValue {
  if (typeof node === 'string') return node
  const items = node.size === 1 ? (node.get('member') ?? node.get('entry')) : undefined
  return items instanceof Map ? listOf(items) : objectOf(node)
}

function listOf(items: Branch): FormValue[] {
  const list: FormValue[] = []
  for (let number = 1; number <= items.size; number++) {
    const item = items.get(String(number))
    if (item === undefined) throw malformed('List members must be numbered from 1 without gaps')
    list.push(valueOf(item))
  }
  return list
}
