import { createHash } from 'node:crypto'
import { OperatorError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import { CUSTODY_KEY_BYTES } from './custody-keys.ts'

/** One root key in a key file. `new` until a store is known to name it. */
export interface KeyFileEntry {
  readonly rootKeyId: string
  readonly status: 'current' | 'new'
  readonly rootKey: Secret
}

const TITLE = 'Strongroom root key file, version '
const FIRST_LINE = `${TITLE}1. Secret: whoever has it can open the store; without it the store is lost.\n`
const CHECKSUM = 'checksum '
const CHECKSUM_LINE_BYTES = CHECKSUM.length + 64 + 1
const KEY_DIGITS = CUSTODY_KEY_BYTES * 2
const ENTRY_HEAD = /^root-key ([0-9a-f]{16}) (current|new) $/
const LINE_FEED = 0x0a

/** More than this many unfinished rotations and something else is wrong. */
export const KEY_FILE_ENTRIES_MAX = 16
/** Far above a full file. */
export const KEY_FILE_BYTES_MAX = 4096

/**
 * The bytes of a key file; they are as secret as the keys, and the caller wipes them.
 * **Source:** docs/formats/custody.md, The key file.
 */
export function encodeKeyFile(entries: readonly KeyFileEntry[]): Secret {
  const heads = entries.map((entry) => `root-key ${entry.rootKeyId} ${entry.status} `)
  const sizeBytes =
    FIRST_LINE.length +
    heads.reduce((sum, head) => sum + head.length + KEY_DIGITS + 1, 0) +
    CHECKSUM_LINE_BYTES
  const bytes = Buffer.alloc(sizeBytes)
  let offset = bytes.write(FIRST_LINE)
  for (const [index, entry] of entries.entries()) {
    offset += bytes.write(heads[index] ?? '', offset)
    // Digit by digit: `toString('hex')` would leave the key in a string, which nobody can wipe.
    for (const byte of entry.rootKey.expose()) {
      bytes[offset++] = hexDigit(byte >> 4)
      bytes[offset++] = hexDigit(byte & 15)
    }
    bytes[offset++] = LINE_FEED
  }
  bytes.write(`${CHECKSUM}${checksumOf(bytes.subarray(0, offset))}\n`, offset)
  return new Secret(bytes)
}

/**
 * The entries of a key file; the caller owns their root keys. `path` is for the messages.
 * @throws {OperatorError} when it is empty, no key file, damaged, or of a later version.
 */
export function decodeKeyFile(file: Secret, path: string): readonly KeyFileEntry[] {
  const bytes = Buffer.from(file.expose().buffer, file.expose().byteOffset, file.sizeBytes)
  if (bytes.length === 0) {
    throw new OperatorError(`the key file ${path} is empty`, 'restore it from its backup')
  }
  if (bytes.length > KEY_FILE_BYTES_MAX || bytes.toString('latin1', 0, TITLE.length) !== TITLE) {
    throw new OperatorError(
      `${path} is not a Strongroom key file`,
      'check --keyfile; if it names the right file, restore it from its backup',
    )
  }
  const end = bytes.length - CHECKSUM_LINE_BYTES
  const isIntact =
    end >= 0 &&
    bytes.toString('latin1', end) === `${CHECKSUM}${checksumOf(bytes.subarray(0, end))}\n`
  if (!isIntact) throw damaged(path)
  if (bytes.toString('latin1', 0, FIRST_LINE.length) !== FIRST_LINE) {
    throw new OperatorError(
      `the key file ${path} was written by a newer version of Strongroom`,
      'run that version or a later one',
    )
  }
  const entries: KeyFileEntry[] = []
  let offset = FIRST_LINE.length
  while (offset < end && entries.length < KEY_FILE_ENTRIES_MAX) {
    const lineEnd = bytes.indexOf(LINE_FEED, offset)
    entries.push(decodeEntry(bytes.subarray(offset, lineEnd), path))
    offset = lineEnd + 1
  }
  if (offset !== end || entries.length === 0) throw damaged(path)
  return entries
}

function decodeEntry(line: Buffer, path: string): KeyFileEntry {
  const keyAt = Math.max(line.length - KEY_DIGITS, 0)
  const head = ENTRY_HEAD.exec(line.toString('latin1', 0, keyAt))
  const rootKeyId = head?.[1]
  if (rootKeyId === undefined) throw damaged(path)
  const key = new Uint8Array(CUSTODY_KEY_BYTES)
  for (let i = 0; i < key.length; i++) {
    const high = hexValue(line[keyAt + 2 * i])
    const low = hexValue(line[keyAt + 2 * i + 1])
    if (high === undefined || low === undefined) throw damaged(path)
    key[i] = high * 16 + low
  }
  return { rootKeyId, status: head?.[2] === 'new' ? 'new' : 'current', rootKey: new Secret(key) }
}

const checksumOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const damaged = (path: string): OperatorError =>
  new OperatorError(`the key file ${path} is damaged`, 'restore it from its backup')

const hexDigit = (value: number): number => (value < 10 ? 0x30 + value : 0x57 + value)

const hexValue = (digit: number | undefined): number | undefined => {
  if (digit === undefined) return undefined
  if (digit >= 0x30 && digit <= 0x39) return digit - 0x30
  return digit >= 0x61 && digit <= 0x66 ? digit - 0x57 : undefined
}
