/** An address as its bytes: four, or sixteen. */
type Address = readonly number[]

const DECIMAL_BYTE = /^(?:0|[1-9]\d{0,2})$/
const HEX_GROUP = /^[0-9a-fA-F]{1,4}$/
const V4_BYTES = 4
const V6_GROUPS = 8
const MAPPED_PREFIX = '0,0,0,0,0,0,0,0,0,0,255,255'

function parseV4(text: string): Address | undefined {
  const parts = text.split('.')
  if (parts.length !== V4_BYTES || !parts.every((part) => DECIMAL_BYTE.test(part))) return undefined
  const bytes = parts.map(Number)
  return bytes.every((byte) => byte <= 255) ? bytes : undefined
}

/** The bytes of groups between colons, the last of which may be an IPv4 address. */
function parseGroups(text: string): Address | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [index, group] of groups.entries()) {
    if (HEX_GROUP.test(group)) {
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 255)
      continue
    }
    const v4 = index === groups.length - 1 ? parseV4(group) : undefined
    if (v4 === undefined) return undefined
    bytes.push(...v4)
  }
  return bytes
}

/** Source: RFC 4291, section 2.2. Zones (`%eth0`) are no part of an address. */
function parseV6(text: string): Address | undefined {
  const halves = text.split('::')
  const [start, end] = halves.map(parseGroups)
  if (start === undefined) return undefined
  if (halves.length === 1) return start.length === V6_GROUPS * 2 ? start : undefined
  if (halves.length !== 2 || end === undefined) return undefined
  const missing = V6_GROUPS * 2 - start.length - end.length
  // `::` stands for one group of zeros at least; a v4 address ends the text, so never the first half.
  if (missing < 2 || (halves[0] ?? '').includes('.')) return undefined
  return [...start, ...Array.from({ length: missing }, () => 0), ...end]
}

const parseAddress = (text: string): Address | undefined =>
  text.includes(':') ? parseV6(text) : parseV4(text)

/** An IPv4 address that an IPv6 socket shows as `::ffff:192.0.2.1` is the IPv4 address. */
const unmapped = (address: Address): Address =>
  address.length > V4_BYTES && address.slice(0, 12).join() === MAPPED_PREFIX
    ? address.slice(12)
    : address

/** An address as conditions and records have it: IPv4 in IPv6 as IPv4, in lower case. Undefined for text that is none. */
export function plainAddress(text: string): string | undefined {
  const address = parseAddress(text)
  if (address === undefined) return undefined
  const plain = unmapped(address)
  return plain.length === V4_BYTES ? plain.join('.') : text.toLowerCase()
}

function isWithin(address: Address, range: Address, prefixBits: number): boolean {
  if (address.length !== range.length) return false
  for (let index = 0, bits = prefixBits; bits > 0; index++, bits -= 8) {
    const mask = bits >= 8 ? 255 : 256 - (1 << (8 - bits))
    if (((address[index] ?? 0) & mask) !== ((range[index] ?? 0) & mask)) return false
  }
  return true
}

/**
 * A test for a range in CIDR form or a bare address, of IPv4 or IPv6; undefined for text that is
 * neither. An address that cannot be read is in no range.
 */
export function compileIpRange(text: string): ((address: string) => boolean) | undefined {
  const [base = '', prefix, ...more] = text.split('/')
  const range = parseAddress(base)
  if (range === undefined || more.length > 0) return undefined
  const bitsMax = range.length * 8
  if (prefix !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(prefix)) return undefined
  const bits = prefix === undefined ? bitsMax : Number(prefix)
  if (bits > bitsMax) return undefined
  return (address) => {
    const parsed = parseAddress(address)
    return (
      parsed !== undefined &&
      (isWithin(parsed, range, bits) || isWithin(unmapped(parsed), range, bits))
    )
  }
}
