import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { OperatorError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import type { KeyFileEntry } from './key-file.ts'
import {
  decodeKeyFile,
  encodeKeyFile,
  KEY_FILE_BYTES_MAX,
  KEY_FILE_ENTRIES_MAX,
} from './key-file.ts'

const entry = (digit: string, status: KeyFileEntry['status'] = 'current'): KeyFileEntry => ({
  rootKeyId: digit.repeat(16),
  status,
  rootKey: new Secret(new Uint8Array(32).fill(Number.parseInt(`${digit}5`, 16))),
})
const plain = (entries: readonly KeyFileEntry[]): unknown =>
  entries.map((one) => ({ ...one, rootKey: [...one.rootKey.expose()] }))
const bytesOf = (entries: readonly KeyFileEntry[]): Uint8Array => encodeKeyFile(entries).expose()
const decode = (bytes: Uint8Array): readonly KeyFileEntry[] =>
  decodeKeyFile(new Secret(bytes), 'root.key')
const refused = (bytes: Uint8Array, message = /is damaged|is not a Strongroom key file/): void =>
  assert.throws(
    () => decode(bytes),
    (error) => error instanceof OperatorError && message.test(error.message),
  )
/** The file with its checksum made right again. */
const mended = (text: string): Uint8Array => {
  const lines = text.slice(0, -74)
  return new TextEncoder().encode(`${lines}checksum ${hash('sha256', lines)}\n`)
}

describe('key file format', () => {
  test('entries come back as they were written', () => {
    const entries = [entry('a'), entry('b', 'new'), entry('0', 'new')]
    assert.deepEqual(plain(decode(bytesOf(entries))), plain(entries))
    const full = Array.from({ length: KEY_FILE_ENTRIES_MAX }, () => entry('c'))
    assert.equal(decode(bytesOf(full)).length, KEY_FILE_ENTRIES_MAX)
    assert.ok(bytesOf(full).length <= KEY_FILE_BYTES_MAX)
  })

  test('it reads as the specification shows it', () => {
    const text = Buffer.from(bytesOf([entry('a')])).toString('latin1')
    assert.match(
      text,
      /^Strongroom root key file, version 1\. Secret: [^\n]*\nroot-key a{16} current (a5){32}\nchecksum [0-9a-f]{64}\n$/,
    )
  })

  test('a flipped bit anywhere, a cut and an extension are refused', () => {
    const bytes = bytesOf([entry('a'), entry('b', 'new')])
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const altered = bytes.slice()
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      refused(altered)
    }
    for (let size = 1; size < bytes.length; size++) refused(bytes.subarray(0, size))
    refused(Uint8Array.of(...bytes, 10))
    refused(new Uint8Array(0), /is empty/)
  })

  test('nothing else is taken for one', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => refused(bytes)))
    refused(new Uint8Array(KEY_FILE_BYTES_MAX + 1), /is not a Strongroom key file/)
  })

  test('lines that are wrong under a right checksum are refused', () => {
    const text = Buffer.from(bytesOf([entry('a')])).toString('latin1')
    assert.equal(decode(mended(text)).length, 1)
    for (const [from, to] of [
      [/root-key.*\n/, ''],
      ['current', 'retired'],
      ['a5a5\n', 'a5\n'],
      ['a5a5\n', 'A5a5\n'],
      ['a5a5\n', 'g5a5\n'],
      ['root-key ', 'key '],
      [/\nroot-key/, '\n\nroot-key'],
    ] as const) {
      refused(mended(text.replace(from, to)), /is damaged/)
    }
    const line = /root-key.*\n/.exec(text)?.[0] ?? ''
    refused(mended(text.replace(line, line.repeat(KEY_FILE_ENTRIES_MAX + 1))), /is damaged/)
  })

  test('a version of the future is named as such', () => {
    const text = Buffer.from(bytesOf([entry('a')])).toString('latin1')
    refused(mended(text.replace('version 1', 'version 2')), /newer version/)
  })
})
