/**
 * Encrypts a file of any size with a data key of its own, the way AWS calls envelope encryption:
 * KMS makes the data key and wraps it, this program encrypts the file with it, and only the wrapped
 * data key is kept, in front of the encrypted file. KMS never sees the file, nobody stores the key.
 *
 * File format, integers big-endian:
 *
 *     8 bytes   "ENVELOP1"
 *     2 bytes   length of the encrypted data key
 *     n bytes   encrypted data key, as GenerateDataKey returned it
 *     then chunks of 65,536 bytes of plaintext (the last one 0 to 65,536), each encrypted with
 *     AES-256-GCM and followed by its 16-byte tag
 *
 * The nonce of a chunk is 7 zero bytes, its number (4 bytes) and 1 for the last chunk, 0 for all
 * others; the additional data are the bytes of the header. So a chunk that was moved, repeated or
 * left out does not open, nor does a file that was cut or continued, nor one with another header.
 * The zero bytes are safe because no two files share a data key.
 * Source: Hoang, Reyhanitabar, Rogaway and Vizár, Online Authenticated-Encryption and its
 * Nonce-Reuse Misuse-Resistance (2015), the STREAM construction.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import {
  DecryptCommand,
  GenerateDataKeyCommand,
  InvalidCiphertextException,
  KMSClient,
} from '@aws-sdk/client-kms'
import { type Order, runExample, withProgress } from './command-line.ts'
import { writeWholeFile } from './whole-file.ts'

const USAGE = `Usage: node examples/envelope-encrypt.ts encrypt --key KEY [options] INPUT OUTPUT
       node examples/envelope-encrypt.ts decrypt [options] INPUT OUTPUT

  -k, --key KEY             key id, key ARN, alias/NAME or alias ARN; for decrypt: refuse any other key
  -c, --context NAME=VALUE  encryption context; give the same pairs for decrypt (repeatable)
      --endpoint URL        where KMS is (default: AWS_ENDPOINT_URL)
  -h, --help                this text

Region and credentials come from where every AWS program takes them (AWS_REGION,
AWS_SHARED_CREDENTIALS_FILE and so on).`

const MAGIC = Buffer.from('ENVELOP1')
const CHUNK_BYTES = 65_536
const TAG_BYTES = 16
const CHUNKS_MAX = 2 ** 32
/** Source: AWS KMS API Reference, Decrypt, CiphertextBlob. */
const ENCRYPTED_KEY_BYTES_MAX = 6144
const CIPHER = 'aes-256-gcm'

interface Envelope {
  readonly key: KeyObject
  /** Authenticated with every chunk. */
  readonly header: Buffer
}

interface Chunk {
  readonly bytes: Buffer
  readonly nonce: Buffer
}

async function encrypt(kms: KMSClient, order: Order, file: FileHandle): Promise<void> {
  const request = {
    KeyId: order.key,
    KeySpec: 'AES_256',
    EncryptionContext: order.context,
  } as const
  const { Plaintext, CiphertextBlob } = await kms.send(new GenerateDataKeyCommand(request))
  if (Plaintext === undefined || CiphertextBlob === undefined)
    throw new Error('KMS sent no data key')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(CiphertextBlob.length)
  const header = Buffer.concat([MAGIC, length, CiphertextBlob])
  const envelope = { key: intoKeyObject(Plaintext), header }
  const plaintext = withProgress(order.input, readBlocks(file, CHUNK_BYTES))
  await writeWholeFile(order.output, sealed(envelope, plaintext))
}

async function decrypt(kms: KMSClient, order: Order, file: FileHandle): Promise<void> {
  const header = await readHeader(file)
  const request = {
    CiphertextBlob: header.subarray(MAGIC.length + 2),
    EncryptionContext: order.context,
    KeyId: order.key,
  }
  const { Plaintext } = await kms.send(new DecryptCommand(request)).catch((cause: unknown) => {
    // KMS does not say more, and must not: a hint would help whoever forges ciphertexts.
    if (cause instanceof InvalidCiphertextException)
      throw new Error(
        'KMS does not open the data key of this file: another encryption context, a damaged header, or a key of another KMS',
        { cause },
      )
    throw cause
  })
  if (Plaintext === undefined) throw new Error('KMS sent no data key')
  const envelope = { key: intoKeyObject(Plaintext), header }
  const ciphertext = withProgress(order.input, readBlocks(file, CHUNK_BYTES + TAG_BYTES))
  await writeWholeFile(order.output, opened(envelope, ciphertext))
}

async function* sealed(envelope: Envelope, plaintext: AsyncIterable<Buffer>) {
  yield envelope.header
  for await (const { bytes, nonce } of numbered(plaintext)) {
    const cipher = createCipheriv(CIPHER, envelope.key, nonce, { authTagLength: TAG_BYTES })
    cipher.setAAD(envelope.header)
    yield cipher.update(bytes)
    cipher.final()
    yield cipher.getAuthTag()
  }
}

async function* opened(envelope: Envelope, ciphertext: AsyncIterable<Buffer>) {
  for await (const { bytes, nonce } of numbered(ciphertext)) {
    const tagAt = bytes.length - TAG_BYTES
    if (tagAt < 0) throw new Error('the file is cut off')
    const decipher = createDecipheriv(CIPHER, envelope.key, nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(envelope.header)
    decipher.setAuthTag(bytes.subarray(tagAt))
    const plaintext = decipher.update(bytes.subarray(0, tagAt))
    try {
      decipher.final()
    } catch (cause) {
      throw new Error('the file was changed or cut off after it was encrypted', { cause })
    }
    yield plaintext
  }
}

/** Gives each block its nonce, which says whether it is the last: hence one block is held back. */
async function* numbered(blocks: AsyncIterable<Buffer>): AsyncGenerator<Chunk, void> {
  let held: Buffer | undefined
  let number = 0
  for await (const block of blocks) {
    if (held !== undefined) yield { bytes: held, nonce: nonceOf(number++, false) }
    held = block
  }
  // An empty file is one empty chunk: its end, too, is authenticated.
  yield { bytes: held ?? Buffer.alloc(0), nonce: nonceOf(number, true) }
}

function nonceOf(number: number, isLast: boolean): Buffer {
  if (number >= CHUNKS_MAX) throw new Error('the file is too long for one data key')
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(number, 7)
  nonce.writeUInt8(isLast ? 1 : 0, 11)
  return nonce
}

/** The rest of the file in blocks of `sizeBytes`; only the last may be shorter. */
async function* readBlocks(file: FileHandle, sizeBytes: number): AsyncGenerator<Buffer, void> {
  while (true) {
    const block = await readUpTo(file, sizeBytes)
    if (block.length > 0) yield block
    if (block.length < sizeBytes) return
  }
}

async function readUpTo(file: FileHandle, sizeBytes: number): Promise<Buffer> {
  const block = Buffer.alloc(sizeBytes)
  let filled = 0
  while (filled < sizeBytes) {
    const { bytesRead } = await file.read(block, filled, sizeBytes - filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return block.subarray(0, filled)
}

async function readHeader(file: FileHandle): Promise<Buffer> {
  const start = await readUpTo(file, MAGIC.length + 2)
  if (start.length < MAGIC.length + 2 || !start.subarray(0, MAGIC.length).equals(MAGIC))
    throw new Error('this file was not encrypted with this program')
  const length = start.readUInt16BE(MAGIC.length)
  const encryptedKey = await readUpTo(file, Math.min(length, ENCRYPTED_KEY_BYTES_MAX))
  if (encryptedKey.length !== length) throw new Error('the header of the file is damaged')
  return Buffer.concat([start, encryptedKey])
}

/** A KeyObject keeps the key outside JavaScript's memory; the copy that came over the wire is wiped. */
function intoKeyObject(bytes: Uint8Array): KeyObject {
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}

await runExample(USAGE, async (order) => {
  const kms = new KMSClient(order.endpoint === undefined ? {} : { endpoint: order.endpoint })
  const file = await open(order.input)
  try {
    if (order.mode === 'encrypt') await encrypt(kms, order, file)
    else await decrypt(kms, order, file)
  } finally {
    await file.close()
    kms.destroy()
  }
})
