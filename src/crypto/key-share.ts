import { hash } from 'node:crypto'
import { OperatorError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import { CUSTODY_KEY_ID_BYTES } from './wrapping.ts'

/** One share of a root key, as a person keeps it. **Source:** docs/formats/custody.md, Shares. */
export interface KeyShare {
  /** Whose share it is; 16 hex digits. */
  readonly rootKeyId: string
  readonly share: Secret
}

const PREFIX = 'SRS1'
const SHARE_BYTES = 33
const CHECKSUM_BYTES = 4
const BYTES = CUSTODY_KEY_ID_BYTES + SHARE_BYTES + CHECKSUM_BYTES
const GROUP = 6
/** Without I, L, O and U, which are read for other characters. Source: Crockford, Base 32. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const CHARACTERS = Math.ceil((BYTES * 8) / 5)

const checksumOf = (bytes: Uint8Array): Uint8Array =>
  hash('sha256', bytes, 'buffer').subarray(0, CHECKSUM_BYTES)

function toBase32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET.charAt((held >> bits) & 31)
    }
    held &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + ALPHABET.charAt((held << (5 - bits)) & 31)
}

/** Undefined where a character is none of the alphabet, or bits are left over that are not zero. */
function fromBase32(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  let bits = 0
  let held = 0
  let at = 0
  for (const character of text) {
    const value = ALPHABET.indexOf(character)
    if (value < 0) return undefined
    held = (held << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = held >> bits
    }
    held &= (1 << bits) - 1
  }
  return held === 0 ? bytes : undefined
}

/** `SRS1-XXXXXX-XXXXXX-…`: what is printed, written down and typed again. */
export function formatShare({ rootKeyId, share }: KeyShare): string {
  const bytes = new Uint8Array(BYTES)
  try {
    bytes.set(Buffer.from(rootKeyId, 'hex'))
    bytes.set(share.expose(), CUSTODY_KEY_ID_BYTES)
    bytes.set(checksumOf(bytes.subarray(0, -CHECKSUM_BYTES)), BYTES - CHECKSUM_BYTES)
    const groups = toBase32(bytes).match(new RegExp(`.{1,${GROUP}}`, 'g')) ?? []
    return [PREFIX, ...groups].join('-')
  } finally {
    bytes.fill(0)
  }
}

/**
 * Reads a share as it was typed: case, hyphens and spaces do not count, O is 0, I and L are 1. The caller owns the secret.
 * @throws {OperatorError} for what is no share, or has a character wrong. The message holds nothing of it.
 */
export function parseShare(typed: string): KeyShare {
  const text = typed
    .toUpperCase()
    .replaceAll(/[\s-]/g, '')
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1')
  const body = text.slice(PREFIX.length)
  const wellFormed = text.startsWith(PREFIX) && body.length === CHARACTERS
  const bytes = wellFormed ? fromBase32(body) : undefined
  if (bytes === undefined) {
    throw new OperatorError(
      'that is no share of a root key',
      `a share begins with ${PREFIX} and has ${CHARACTERS} characters behind it`,
    )
  }
  try {
    const checksum = bytes.subarray(-CHECKSUM_BYTES)
    if (!Buffer.from(checksumOf(bytes.subarray(0, -CHECKSUM_BYTES))).equals(checksum)) {
      throw new OperatorError('the share has a wrong character somewhere', 'type it again')
    }
    const share = bytes.slice(CUSTODY_KEY_ID_BYTES, CUSTODY_KEY_ID_BYTES + SHARE_BYTES)
    const rootKeyId = Buffer.from(bytes.subarray(0, CUSTODY_KEY_ID_BYTES)).toString('hex')
    return { rootKeyId, share: new Secret(share) }
  } finally {
    bytes.fill(0)
  }
}
