import { createSecretKey, hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { createGunzip, createGzip, type Gunzip, type Gzip } from 'node:zlib'
import { IntegrityError, OperatorError } from '../core/errors.ts'
import type { Random } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import { type BackupEntry, decodeEntry, encodeEntry } from './backup-entries.ts'
import { decryptStream, encryptStream } from './encrypted-stream.ts'

/** What stands in the clear at the beginning of a backup: enough to open it with the store's seal. */
export interface BackupHeader {
  /** ISO 8601. */
  readonly createdAt: string
  /** Of the program that wrote it. */
  readonly version: string
  /** The store's custody setting: the seal's record, and the keys that are wrapped under the root key. */
  readonly custody: string
  /** The key of this file, wrapped under the root key; base64. */
  readonly wrappedKey: string
}

const MAGIC = Buffer.from('SRBACKUP\x01')
const LENGTH_BYTES = 4
/** Unit: bytes. Far more than any custody setting has. */
const HEADER_BYTES_MAX = 1_048_576
const KEY_BYTES = 32

/** Wraps and unwraps the key of a backup. */
export interface BackupKeys {
  readonly settingText: string
  wrapBackupKey(secret: Secret): Uint8Array
  unwrapBackupKey(wrapped: Uint8Array): Secret
}

function encodeHeader(header: BackupHeader): Buffer {
  const json = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(json.length)
  return Buffer.concat([MAGIC, length, json])
}

/** What every chunk is bound to, so that none can be moved to another file. */
const boundTo = (header: Buffer): Buffer => hash('sha256', header, 'buffer')

/**
 * The bytes of a backup.
 * @param entries the last one is of type `end`
 */
export async function* encodeBackup(
  entries: AsyncIterable<BackupEntry>,
  parts: {
    readonly keys: BackupKeys
    readonly random: Random
    readonly createdAt: string
    readonly version: string
  },
): AsyncGenerator<Buffer> {
  using secret = parts.random.secret(KEY_BYTES)
  const key = createSecretKey(secret.expose())
  const header = encodeHeader({
    createdAt: parts.createdAt,
    version: parts.version,
    custody: parts.keys.settingText,
    wrappedKey: Buffer.from(parts.keys.wrapBackupKey(secret)).toString('base64'),
  })
  yield header
  const lines = Readable.from(linesOf(entries), { objectMode: false })
  yield* encryptStream(throughZlib(lines, createGzip()), key, boundTo(header))
}

async function* linesOf(entries: AsyncIterable<BackupEntry>): AsyncGenerator<Buffer> {
  for await (const entry of entries) yield Buffer.from(`${encodeEntry(entry)}\n`)
}

/** The header of a backup, and where it ends. Nothing of it is authenticated yet. */
export interface OpenedBackup {
  readonly path: string
  readonly header: BackupHeader
  readonly headerBytes: Buffer
}

/** @throws {OperatorError} where the file cannot be read or is no backup. */
export async function openBackup(path: string): Promise<OpenedBackup> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new OperatorError(`the backup ${path} cannot be read`, undefined, { cause })
  })
  try {
    if (!(await file.stat()).isFile()) throw notABackup(path)
    const start = Buffer.alloc(MAGIC.length + LENGTH_BYTES)
    const { bytesRead } = await file.read(start, 0, start.length, 0)
    if (bytesRead < start.length || !start.subarray(0, MAGIC.length).equals(MAGIC)) {
      throw notABackup(path)
    }
    const length = start.readUInt32BE(MAGIC.length)
    if (length > HEADER_BYTES_MAX) throw notABackup(path)
    const json = Buffer.alloc(length)
    const body = await file.read(json, 0, length, start.length)
    if (body.bytesRead < length) throw notABackup(path)
    return { path, header: parseHeader(path, json), headerBytes: Buffer.concat([start, json]) }
  } finally {
    await file.close()
  }
}

const notABackup = (path: string): OperatorError =>
  new OperatorError(
    `${path} is no backup of this version of Strongroom, or its beginning is damaged`,
    'name a file that strongroom backup has written',
  )

function parseHeader(path: string, json: Buffer): BackupHeader {
  try {
    const parsed: unknown = JSON.parse(json.toString('utf8'))
    if (typeof parsed === 'object' && parsed !== null) {
      // Any object with members that are looked at one by one, each as `unknown`.
      const { createdAt, version, custody, wrappedKey } = parsed as Record<string, unknown>
      if (
        typeof createdAt === 'string' &&
        typeof version === 'string' &&
        typeof custody === 'string' &&
        typeof wrappedKey === 'string'
      ) {
        return { createdAt, version, custody, wrappedKey }
      }
    }
  } catch {
    // Told below.
  }
  throw notABackup(path)
}

/**
 * The entries of a backup, in order.
 * @throws {IntegrityError} where the file is not what was written: whatever was done with its entries must be undone.
 */
export async function* readBackup(
  { path, header, headerBytes }: OpenedBackup,
  keys: Pick<BackupKeys, 'unwrapBackupKey'>,
): AsyncGenerator<BackupEntry> {
  using secret = keys.unwrapBackupKey(Buffer.from(header.wrappedKey, 'base64'))
  const key = createSecretKey(secret.expose())
  const stored = createReadStream(path, { start: headerBytes.length })
  const opened = Readable.from(decryptStream(stored, key, boundTo(headerBytes)), {
    objectMode: false,
  })
  let ended = false
  for await (const line of splitLines(throughZlib(opened, createGunzip()))) {
    const entry = decodeEntry(line)
    ended = entry.type === 'end'
    yield entry
  }
  if (!ended) throw new IntegrityError('the backup ends too early')
}

/** A failure of the source fails the reader, and a reader that leaves ends the source. */
function throughZlib(source: Readable, zlib: Gzip | Gunzip): AsyncIterable<Buffer> {
  pipeline(source, zlib, () => undefined)
  return zlib
}

async function* splitLines(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const piece of source) {
    const lines = (rest + decoder.write(piece)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') throw new IntegrityError('the backup ends in the middle of an entry')
}
