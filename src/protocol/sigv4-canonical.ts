/**
 * The canonical form of a request: the text that both sides hash.
 *
 * Header values and targets come from the transport with one character for each byte. The canonical
 * form is about those bytes, so that nothing here depends on what character set they are in.
 *
 * **Source:** AWS IAM User Guide, Create a signed AWS API request, step 1.
 */

const ONLY_UNRESERVED = /^[A-Za-z0-9\-._~]*$/
const ONLY_UNRESERVED_AND_SLASH = /^[A-Za-z0-9\-._~/]*$/
const PERCENT = 0x25
const SLASH = 0x2f

/** What encodes a byte: itself for `A-Za-z0-9-._~`, else `%` and two upper-case hex digits. */
const ENCODED_BYTE: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  return ONLY_UNRESERVED.test(character)
    ? character
    : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
})

/** How a service treats the path. S3 alone takes it as it is; everything else normalises it and encodes it again. */
export type PathStyle = 'normalized' | 's3'

/** The canonical URI of a raw path, which ends before the question mark. */
export function canonicalPath(rawPath: string, style: PathStyle): string {
  if (rawPath === '/') return '/'
  if (style === 's3') return encode(rawPath, { decode: true, keepSlash: true })
  return encode(normalizePath(rawPath), { decode: false, keepSlash: true })
}

/**
 * Drops empty and `.` segments, resolves `..`, keeps a slash at the end. RFC 3986, 5.2.4, would also
 * end `/a/b/..` with a slash; AWS's signers (botocore, @smithy/signature-v4) do not.
 */
function normalizePath(path: string): string {
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(segment)
  }
  if (kept.length === 0) return '/'
  return `/${kept.join('/')}${path.endsWith('/') ? '/' : ''}`
}

/** Percent-encodes every byte that is not unreserved. `decode` undoes existing escapes first; broken ones are text. */
function encode(
  text: string,
  { decode, keepSlash }: { readonly decode: boolean; readonly keepSlash: boolean },
): string {
  if ((keepSlash ? ONLY_UNRESERVED_AND_SLASH : ONLY_UNRESERVED).test(text)) return text
  let encoded = ''
  for (let at = 0; at < text.length; at++) {
    let byte = text.charCodeAt(at)
    if (decode && byte === PERCENT) {
      const escaped = hexByteAt(text, at + 1)
      if (escaped !== undefined) {
        byte = escaped
        at += 2
      }
    } else if (keepSlash && byte === SLASH) {
      encoded += '/'
      continue
    }
    // What is no byte stays, and makes the signature fail later: no transport of ours lets it in.
    encoded += ENCODED_BYTE[byte] ?? text.charAt(at)
  }
  return encoded
}

/** The byte that two hex digits at `at` stand for. */
function hexByteAt(text: string, at: number): number | undefined {
  const high = hexDigit(text.charCodeAt(at))
  const low = hexDigit(text.charCodeAt(at + 1))
  return high === undefined || low === undefined ? undefined : high * 16 + low
}

function hexDigit(code: number): number | undefined {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : undefined
}

/** One parameter of a query, name and value in canonical encoding. */
export interface QueryParameter {
  readonly name: string
  readonly value: string
}

/**
 * The parameters of a raw query in canonical encoding and order. A `+` is a plus, not a space.
 * Pieces between two `&` that hold nothing are no parameters.
 */
export function parseCanonicalQuery(rawQuery: string): QueryParameter[] {
  const parameters: QueryParameter[] = []
  for (const piece of rawQuery.split('&')) {
    if (piece === '') continue
    const equals = piece.indexOf('=')
    const name = equals === -1 ? piece : piece.slice(0, equals)
    const value = equals === -1 ? '' : piece.slice(equals + 1)
    parameters.push({ name: encodeOnce(name), value: encodeOnce(value) })
  }
  return parameters.sort(inCanonicalOrder)
}

const encodeOnce = (text: string): string => encode(text, { decode: true, keepSlash: false })

const inCanonicalOrder = (a: QueryParameter, b: QueryParameter): number =>
  compare(a.name, b.name) || compare(a.value, b.value)

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

/** The canonical query of sorted parameters, without those named in `left out`. */
export function canonicalQuery(
  parameters: readonly QueryParameter[],
  leftOut: readonly string[],
): string {
  return parameters
    .filter(({ name }) => !leftOut.includes(name))
    .map(({ name, value }) => `${name}=${value}`)
    .join('&')
}

const WHITESPACE_RUN = /[\t-\r ]+/g
const AROUND = /^[\t-\r ]+|[\t-\r ]+$/g

/** A header's value without whitespace around it, and single spaces within. */
export function canonicalValue(value: string): string {
  // Parsers trim values and few hold more: the common case is left alone without a regular expression.
  if (
    !value.includes('  ') &&
    !value.includes('\t') &&
    !value.includes('\n') &&
    value.charCodeAt(0) !== 0x20 &&
    value.charCodeAt(value.length - 1) !== 0x20
  ) {
    return value
  }
  return value.replace(AROUND, '').replace(WHITESPACE_RUN, ' ')
}

/** The names in SignedHeaders, prepared for picking their values out of a request. */
export interface SignedHeaderPlan {
  readonly names: readonly string[]
  /** Position of each name. */
  readonly positions: ReadonlyMap<string, number>
  /** As many blanks as names, to be copied and filled in. */
  readonly blanks: readonly (string | undefined)[]
  /** Lower case, sorted, none twice: what a signer must have made of them. */
  readonly isCanonical: boolean
  /** Whether `host` is among them, in any case. */
  readonly hasHost: boolean
}

export function planSignedHeaders(signedHeaders: string): SignedHeaderPlan {
  const names = signedHeaders === '' ? [] : signedHeaders.split(';')
  return {
    names,
    positions: new Map(names.map((name, position) => [name, position])),
    blanks: names.map(() => undefined),
    isCanonical: names.every(
      (name, at) =>
        name !== '' && name === name.toLowerCase() && (at === 0 || (names[at - 1] ?? '') < name),
    ),
    hasHost: names.some((name) => name.toLowerCase() === 'host'),
  }
}
