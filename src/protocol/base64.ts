/** Why a text is not base64: the wording of AWS's front end, quoted by the decoder's error. */
export const base64Fault = (text: string): string => {
  if (text.length % 4 !== 0) {
    return `Base64 encoded length is expected a multiple of 4 bytes but found: ${text.length}`
  }
  const stranger = /[^A-Za-z0-9+/=]|=(?!=?$)/.exec(text)
  return stranger === null
    ? 'Invalid last non-pad Base64 character dectected'
    : `Invalid Base64 character: '${stranger[0]}'`
}

/** The number of bytes that a padded base64 text of this length holds, were it well-formed. */
const decodedSize = (text: string): number => {
  if (!text.endsWith('=')) return (text.length / 4) * 3
  return (text.length / 4) * 3 - (text.endsWith('==') ? 2 : 1)
}

/** Whether the bits behind the last whole byte are zero: else two texts would mean the same bytes. */
const endsClean = (text: string): boolean => {
  if (!text.endsWith('=')) return true
  return text.endsWith('==')
    ? 'AQgw'.includes(text.charAt(text.length - 3))
    : 'AEIMQUYcgkosw048'.includes(text.charAt(text.length - 2))
}

/**
 * Decodes standard, padded base64 (RFC 4648, section 4) and nothing else. Undefined when `text` is
 * anything else. The bytes may lie in a shared pool: not for secrets.
 */
export const decodeBase64 = (text: string): Uint8Array | undefined => {
  if (text.length % 4 !== 0 || !endsClean(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  // Node skips foreign characters, which makes the result short, and takes those of base64url.
  if (bytes.length !== decodedSize(text) || text.includes('-') || text.includes('_')) {
    return undefined
  }
  return bytes
}

/**
 * The same into memory of its own, so that zeroing the result leaves no copy behind. The caller owns
 * the bytes.
 */
export const decodeSecretBase64 = (text: string): Uint8Array | undefined => {
  if (text.length % 4 !== 0) return undefined
  const bytes = new Uint8Array(decodedSize(text))
  try {
    const { written } = bytes.setFromBase64(text, { lastChunkHandling: 'strict' })
    // White space is allowed by the built-in; it shows in a result that is too short.
    if (written === bytes.length) return bytes
  } catch {
    // Not base64: what was written so far must not stay.
  }
  bytes.fill(0)
  return undefined
}

/** Standard, padded base64. */
export const encodeBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
