import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { IntegrityError } from '../core/errors.ts'

/** Bytes of plaintext in every chunk but the last, which has 0 to so many. */
export const CHUNK_BYTES = 65_536
const TAG_BYTES = 16
const NONCE_BYTES = 12
const GCM = { authTagLength: TAG_BYTES } as const

/**
 * The nonce of a chunk: its number, and whether it is the last. A key encrypts one stream only.
 * **Source:** docs/formats/backup.md, Chunks; Hoang, Reyhanitabar, Rogaway and Vizár, "Online
 * Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", STREAM.
 */
function nonceOf(index: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES)
  nonce.writeUIntBE(index, NONCE_BYTES - 7, 6)
  nonce.writeUInt8(isLast ? 1 : 0, NONCE_BYTES - 1)
  return nonce
}

/** Cuts a stream into chunks of one size; the last, shorter or empty, is marked. */
async function* chunked(
  source: AsyncIterable<Buffer>,
  chunkBytes: number,
): AsyncGenerator<{ readonly bytes: Buffer; readonly isLast: boolean }> {
  let waiting: Buffer[] = []
  let waitingBytes = 0
  for await (const piece of source) {
    waiting.push(piece)
    waitingBytes += piece.length
    // One byte more than a chunk shows that it is not the last.
    if (waitingBytes <= chunkBytes) continue
    let all = Buffer.concat(waiting)
    while (all.length > chunkBytes) {
      yield { bytes: all.subarray(0, chunkBytes), isLast: false }
      all = all.subarray(chunkBytes)
    }
    waiting = [all]
    waitingBytes = all.length
  }
  yield { bytes: Buffer.concat(waiting), isLast: true }
}

/** Encrypts a stream under a key that is used for nothing else. `bound` is what the stream belongs to. */
export async function* encryptStream(
  source: AsyncIterable<Buffer>,
  key: KeyObject,
  bound: Uint8Array,
): AsyncGenerator<Buffer> {
  let index = 0
  for await (const { bytes, isLast } of chunked(source, CHUNK_BYTES)) {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(index++, isLast), GCM)
    cipher.setAAD(bound)
    yield Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
  }
}

/**
 * Decrypts what `encryptStream` wrote; gives nothing of a chunk before all of it is known to be genuine.
 * @throws {IntegrityError} where anything was altered, left out, put in or cut off.
 */
export async function* decryptStream(
  source: AsyncIterable<Buffer>,
  key: KeyObject,
  bound: Uint8Array,
): AsyncGenerator<Buffer> {
  let index = 0
  for await (const { bytes, isLast } of chunked(source, CHUNK_BYTES + TAG_BYTES)) {
    if (bytes.length < TAG_BYTES) throw new IntegrityError('the backup is cut off')
    const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(index++, isLast), GCM)
    decipher.setAAD(bound)
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    const plaintext = decipher.update(bytes.subarray(0, -TAG_BYTES))
    try {
      decipher.final()
    } catch (cause) {
      throw new IntegrityError(
        isLast ? 'the backup is altered or cut off' : 'the backup is altered',
        { cause },
      )
    }
    yield plaintext
  }
}
