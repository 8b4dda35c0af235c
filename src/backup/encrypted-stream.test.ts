import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { IntegrityError } from '../core/errors.ts'
import { CHUNK_BYTES, decryptStream, encryptStream } from './encrypted-stream.ts'

const key = createSecretKey(randomBytes(32))
const bound = Buffer.from('what it belongs to')

async function* pieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

async function all(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of source) parts.push(part)
  return Buffer.concat(parts)
}

const sealed = async (plaintext: Buffer): Promise<Buffer[]> => {
  const chunks: Buffer[] = []
  for await (const chunk of encryptStream(pieces(plaintext, 10_000), key, bound)) chunks.push(chunk)
  return chunks
}

const opened = (bytes: Buffer, pieceBytes = 7777): Promise<Buffer> =>
  all(decryptStream(pieces(bytes, pieceBytes), key, bound))

describe('an encrypted stream', () => {
  test('opens again whatever its length and however it arrives', async () => {
    for (const length of [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES]) {
      const plaintext = randomBytes(length)
      const bytes = Buffer.concat(await sealed(plaintext))
      for (const pieceBytes of [4096, CHUNK_BYTES + 16, 1_000_000]) {
        assert.ok((await opened(bytes, pieceBytes)).equals(plaintext), `${length} ${pieceBytes}`)
      }
    }
  })

  test('cannot be cut, reordered, doubled or continued', async () => {
    const chunks = await sealed(randomBytes(3 * CHUNK_BYTES))
    assert.equal(chunks.length, 3)
    const [a, b, c] = chunks as [Buffer, Buffer, Buffer]
    const other = (await sealed(randomBytes(CHUNK_BYTES))) as [Buffer]
    for (const [name, forged] of Object.entries({
      'without its end': [a, b],
      'without its beginning': [b, c],
      'without its middle': [a, c],
      swapped: [b, a, c],
      doubled: [a, b, b, c],
      continued: [a, b, c, ...other],
      'with another end': [a, b, ...other],
      empty: [],
      'cut in a chunk': [a, b, c.subarray(0, -1)],
    })) {
      await assert.rejects(opened(Buffer.concat(forged)), IntegrityError, name)
    }
  })

  test('belongs to one key and one place', async () => {
    const bytes = Buffer.concat(await sealed(Buffer.from('text')))
    const otherKey = createSecretKey(randomBytes(32))
    await assert.rejects(all(decryptStream(pieces(bytes, 99), otherKey, bound)), IntegrityError)
    const elsewhere = Buffer.from('another place')
    await assert.rejects(all(decryptStream(pieces(bytes, 99), key, elsewhere)), IntegrityError)
  })
})
