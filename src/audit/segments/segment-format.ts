import { createHmac, hash, type KeyObject, timingSafeEqual } from 'node:crypto'

/**
 * The fixed structures of an audit segment: its header and its seal, and the numbers of the format.
 * **Source:** docs/formats/audit-segments.md.
 */

/** Unit: bytes. A write smaller than this is atomic on every disk we know. */
export const SECTOR_BYTES = 512
export const SEGMENT_HEADER_BYTES = 512
export const SEAL_BYTES = 256
/** Batches begin and end at multiples of this, so that a batch header never straddles two sectors. */
export const BATCH_ALIGNMENT = 128
export const BATCH_HEADER_BYTES = 128
export const BATCH_TRAILER_BYTES = 80
export const RECORD_PREFIX_BYTES = 52
export const FRAME_BYTES_MAX = 1_048_576
export const BATCH_BYTES_MAX = FRAME_BYTES_MAX + 4096
export const SEGMENT_BYTES_DEFAULT = 33_554_432
/** Room for a header, a seal and a few small batches: for tests. */
export const SEGMENT_BYTES_MIN = 2048
export const SEGMENT_BYTES_MAX = 1_073_741_824
export const NAME_BYTES_MAX = 64

/** A chain value: 32 bytes as 32 latin1 characters, which hashes and buffers take without another object. */
export type Chain = string
/** What stands where no frame came before. */
export const NO_CHAIN: Chain = '\0'.repeat(32)

export const chainToHex = (chain: Chain): string => Buffer.from(chain, 'latin1').toString('hex')
export const chainFromHex = (hex: string): Chain => Buffer.from(hex, 'hex').toString('latin1')

const SEGMENT_MAGIC = 'SRAUDSEG'
const SEAL_MAGIC = 'SRAUDEND'
const FORMAT_VERSION = 1
const FLAG_AFTER_DAMAGE = 1
const SEGMENT_NAME = /^segment-(\d{16})\.log$/

/** What a segment is called while it is being prepared. */
export const NEXT_NAME = 'next.log'

export const segmentName = (number: number): string =>
  `segment-${String(number).padStart(16, '0')}.log`

/** The number in a segment's file name; undefined for any other file. */
export function segmentNumberOf(name: string): number | undefined {
  const digits = SEGMENT_NAME.exec(name)?.[1]
  const number = Number(digits)
  return digits !== undefined && Number.isSafeInteger(number) && number > 0 ? number : undefined
}

/** Writes a number below 2^53 as a big-endian u64. */
export function writeU64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at)
  bytes.writeUInt32BE(value % 0x1_0000_0000, at + 4)
}

/** Reads a big-endian u64; a value of 2^53 or more comes back as NaN, which equals nothing. */
export function readU64(bytes: Buffer, at: number): number {
  const value = bytes.readUInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4)
  return Number.isSafeInteger(value) ? value : Number.NaN
}

const ZEROS = Buffer.alloc(65_536)

/** Whether `bytes` from `start` to before `end` are all zero. */
export function allZero(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += ZEROS.length) {
    const size = Math.min(ZEROS.length, end - at)
    if (bytes.compare(ZEROS, 0, size, at, at + size) !== 0) return false
  }
  return true
}

/** Compares in constant time whether `mac` is the HMAC-SHA-256 of `message`. */
export function macMatches(key: KeyObject, message: Uint8Array, mac: Uint8Array): boolean {
  return timingSafeEqual(createHmac('sha256', key).update(message).digest(), mac)
}

export interface SegmentHeader {
  readonly sizeBytes: number
  readonly number: number
  readonly firstSequence: number
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number
  /** Highest outbox id in all earlier segments; 0 when there is none. */
  readonly outboxHigh: number
  /** Of the last frame of the segment before. */
  readonly previousChain: Chain
  readonly nodeId: string
  readonly macKeyId: string
  /** Begins after damage that the operator accepted. */
  readonly afterDamage: boolean
}

function writeName(bytes: Buffer, name: string, at: number): void {
  bytes.writeUInt8(bytes.write(name, at + 1, NAME_BYTES_MAX, 'utf8'), at)
}

function readName(bytes: Buffer, at: number): string | undefined {
  const length = bytes.readUInt8(at)
  if (length === 0 || length > NAME_BYTES_MAX) return undefined
  const end = at + 1 + length
  return allZero(bytes, end, at + 1 + NAME_BYTES_MAX)
    ? bytes.toString('utf8', at + 1, end)
    : undefined
}

/** The header's bytes. Node id and key id are at most 64 bytes each: `openAuditLog` checks it. */
export function encodeSegmentHeader(header: SegmentHeader, macKey: KeyObject): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES)
  bytes.write(SEGMENT_MAGIC, 0, 'latin1')
  bytes.writeUInt8(FORMAT_VERSION, 8)
  bytes.writeUInt8(header.afterDamage ? FLAG_AFTER_DAMAGE : 0, 9)
  bytes.writeUInt32BE(header.sizeBytes, 12)
  writeU64(bytes, header.number, 16)
  writeU64(bytes, header.firstSequence, 24)
  writeU64(bytes, header.createdAt, 32)
  writeU64(bytes, header.outboxHigh, 40)
  bytes.write(header.previousChain, 48, 'latin1')
  writeName(bytes, header.nodeId, 80)
  writeName(bytes, header.macKeyId, 145)
  bytes.write(hash('sha256', bytes.subarray(0, 448), 'latin1'), 448, 'latin1')
  createHmac('sha256', macKey).update(bytes.subarray(0, 480)).digest().copy(bytes, 480)
  return bytes
}

/** The chain value in front of the segment's first frame. */
export const chainStartOf = (headerBytes: Buffer): Chain => headerBytes.toString('latin1', 448, 480)

/** Parses and checks all but the MAC; undefined where any byte is not as the format says. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length !== SEGMENT_HEADER_BYTES) return undefined
  if (hash('sha256', bytes.subarray(0, 448), 'latin1') !== chainStartOf(bytes)) return undefined
  const flags = bytes.readUInt8(9)
  const nodeId = readName(bytes, 80)
  const macKeyId = readName(bytes, 145)
  const known =
    bytes.toString('latin1', 0, 8) === SEGMENT_MAGIC &&
    bytes.readUInt8(8) === FORMAT_VERSION &&
    flags <= FLAG_AFTER_DAMAGE &&
    allZero(bytes, 10, 12) &&
    allZero(bytes, 210, 448)
  if (!known || nodeId === undefined || macKeyId === undefined) return undefined
  const header = {
    sizeBytes: bytes.readUInt32BE(12),
    number: readU64(bytes, 16),
    firstSequence: readU64(bytes, 24),
    createdAt: readU64(bytes, 32),
    outboxHigh: readU64(bytes, 40),
    previousChain: bytes.toString('latin1', 48, 80),
    nodeId,
    macKeyId,
    afterDamage: flags === FLAG_AFTER_DAMAGE,
  }
  return isSegmentSize(header.sizeBytes) ? header : undefined
}

/** Whether a segment may be this large. Unit: bytes. */
export const isSegmentSize = (bytes: number): boolean =>
  Number.isInteger(bytes) &&
  bytes % SECTOR_BYTES === 0 &&
  bytes >= SEGMENT_BYTES_MIN &&
  bytes <= SEGMENT_BYTES_MAX

export const checkSegmentHeaderMac = (bytes: Buffer, key: KeyObject): boolean =>
  macMatches(key, bytes.subarray(0, 480), bytes.subarray(480, 512))

/** What a sealed segment says about itself at its end. */
export interface Seal {
  /** Offset at which the last batch ends. */
  readonly endOffset: number
  readonly batches: number
  readonly firstSequence: number
  readonly lastSequence: number
  readonly sealedAt: number
  /** Lowest and highest outbox id in this segment; 0 when there is none. */
  readonly outboxLowest: number
  readonly outboxHighest: number
  /** Highest outbox id in the log up to the end of this segment. */
  readonly outboxHigh: number
  readonly chain: Chain
  readonly chainStart: Chain
}

export function encodeSeal(seal: Seal, macKey: KeyObject): Buffer {
  const bytes = Buffer.alloc(SEAL_BYTES)
  bytes.write(SEAL_MAGIC, 0, 'latin1')
  bytes.writeUInt32BE(seal.endOffset, 8)
  bytes.writeUInt32BE(seal.batches, 12)
  writeU64(bytes, seal.firstSequence, 16)
  writeU64(bytes, seal.lastSequence, 24)
  writeU64(bytes, seal.sealedAt, 32)
  writeU64(bytes, seal.outboxLowest, 40)
  writeU64(bytes, seal.outboxHighest, 48)
  writeU64(bytes, seal.outboxHigh, 56)
  bytes.write(seal.chain, 64, 'latin1')
  bytes.write(seal.chainStart, 96, 'latin1')
  bytes.write(hash('sha256', bytes.subarray(0, 192), 'latin1'), 192, 'latin1')
  createHmac('sha256', macKey).update(bytes.subarray(0, 224)).digest().copy(bytes, 224)
  return bytes
}

/** Parses and checks all but the MAC; undefined where any byte is not as the format says. */
export function decodeSeal(bytes: Buffer): Seal | undefined {
  if (bytes.length !== SEAL_BYTES || bytes.toString('latin1', 0, 8) !== SEAL_MAGIC) return undefined
  const checksum = bytes.toString('latin1', 192, 224)
  if (hash('sha256', bytes.subarray(0, 192), 'latin1') !== checksum) return undefined
  if (!allZero(bytes, 128, 192)) return undefined
  return {
    endOffset: bytes.readUInt32BE(8),
    batches: bytes.readUInt32BE(12),
    firstSequence: readU64(bytes, 16),
    lastSequence: readU64(bytes, 24),
    sealedAt: readU64(bytes, 32),
    outboxLowest: readU64(bytes, 40),
    outboxHighest: readU64(bytes, 48),
    outboxHigh: readU64(bytes, 56),
    chain: bytes.toString('latin1', 64, 96),
    chainStart: bytes.toString('latin1', 96, 128),
  }
}

export const checkSealMac = (bytes: Buffer, key: KeyObject): boolean =>
  macMatches(key, bytes.subarray(0, 224), bytes.subarray(224, 256))
