/**
 * XML as AWS's Query services write it. Only written, never read.
 *
 * **Source:** W3C, Extensible Markup Language (XML) 1.0, fifth edition, 2.2 and 2.4.
 */

/** What a reply may hold. Members that are undefined are left out. */
export type XmlValue =
  | string
  | number
  | boolean
  | undefined
  | readonly XmlValue[]
  | ReadonlyMap<string, XmlValue>
  | { readonly [name: string]: XmlValue }

// oxlint-disable-next-line no-control-regex -- naming the characters that XML forbids is the point
const SPECIAL = /[&<>"'\r\0-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\ufffe\uffff]/g
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/

/**
 * Text for use between tags or in an attribute. Line ends and controls that XML allows become
 * references, so that parsers hand them back unchanged. Characters that XML has no way to
 * write become U+FFFD: a reply must be readable whatever a client once stored.
 */
export const escapeXml = (text: string): string =>
  text.toWellFormed().replace(SPECIAL, (character) => escapeOf(character))

function escapeOf(character: string): string {
  switch (character) {
    case '&':
      return '&amp;'
    case '<':
      return '&lt;'
    case '>':
      return '&gt;'
    case '"':
      return '&quot;'
    case "'":
      return '&apos;'
    default:
      return isWritable(character.charCodeAt(0))
        ? `&#x${character.charCodeAt(0).toString(16).toUpperCase()};`
        : '\ufffd'
  }
}

const isWritable = (code: number): boolean =>
  code === 0x0d || (code >= 0x7f && code <= 0x9f) || code === 0x2028

/** An element; lists become one `<member>` for each item, maps an `<entry>` with `<key>` and `<value>`. Member names come from service models, never from a client. */
export function xmlElement(name: string, value: XmlValue): string {
  if (value === undefined) return ''
  if (!NAME.test(name)) throw new TypeError('not the name of an XML element')
  const content = xmlContent(value)
  return content === '' ? `<${name}/>` : `<${name}>${content}</${name}>`
}

function xmlContent(value: Exclude<XmlValue, undefined>): string {
  if (typeof value === 'string') return escapeXml(value)
  if (typeof value !== 'object') return String(value)
  if (isList(value)) return value.map((item) => xmlElement('member', item)).join('')
  if (isMap(value)) return [...value].map(entryElement).join('')
  const members = Object.entries(value)
  return members.map(([name, member]) => xmlElement(name, member)).join('')
}

// Array.isArray does not narrow readonly arrays by itself.
const isList = (value: object): value is readonly XmlValue[] => Array.isArray(value)

const isMap = (value: object): value is ReadonlyMap<string, XmlValue> => value instanceof Map

// A value that is an empty text has its element, too: the entry is not there for its key alone.
const entryElement = ([key, value]: readonly [string, XmlValue]): string =>
  xmlElement('entry', { key, value })
