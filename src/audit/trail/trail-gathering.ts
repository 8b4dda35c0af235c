import { createHash, hash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Instant } from '../../core/ids.ts'
import type { TrailLogFile } from '../../core/trail-tables.ts'
import type { AuditHead } from '../segments/audit-log.ts'
import { type FrameRecordText, recordsOf } from './frame-records.ts'
import { MerkleTree } from './merkle-tree.ts'
import type { Pace } from './pace.ts'
import { isoSeconds, logFileKey, suffixOf, type TrailPlace } from './trail-format.ts'

/** A log file holds no more than about this. Unit: records, and bytes before compression. */
const FILE_RECORDS_MAX = 5000
const FILE_BYTES_MAX = 5_242_880
/** What the log files of one delivery hold together, at most about: it is in memory. Unit: bytes. */
const DELIVERY_BYTES_MAX = 16_777_216
/**
 * Measured on records of 1.2 KB: level 2 takes 2.6 µs a record and leaves 93 bytes of it, level 6 7.5 µs and 81 bytes.
 */
const GZIP_LEVEL = 2
/** Records that are put together in one go. */
const PIECE_RECORDS = 200

/** Unit: bytes. */
const HASHED_TOGETHER = 262_144

const compress = promisify(gzip)
/** Compressed the same way each time: the same bytes have the same file. */
export const gzipOf = (bytes: Uint8Array): Promise<Buffer> => compress(bytes, { level: GZIP_LEVEL })

/** The node's audit log, as the trail reads it. */
export interface TrailSource {
  readonly nodeId: string
  /** How far the log goes that may be delivered. */
  head(): AuditHead
  /** The frames from a sequence on. */
  frames(from: number): AsyncIterable<{
    readonly sequence: number
    readonly text: string
    /** The chain value after it, 32 latin1 characters. */
    readonly chain: string
  }>
}

export interface GatherRequest {
  readonly from: number
  /** The last frame to take. */
  readonly upTo: number
  /** False where exactly the frames up to `upTo` have to be taken. */
  readonly limited: boolean
  /** A frame with an event at this time or later ends the delivery, unless its time is still to come. */
  readonly before: Instant
  readonly now: () => Instant
}

/** The records of a delivery for one place. */
export interface GatheredFile extends TrailPlace {
  readonly texts: string[]
  readonly tree: MerkleTree
  bytes: number
  newestEventTime: string
  oldestEventTime: string
  readonly firstSequence: number
  lastSequence: number
}

export interface Gathered {
  /** The last frame that was taken; `from - 1` where there was none. */
  readonly through: number
  /** The chain value after it, 64 hex digits; undefined where there was none. */
  readonly chain: string | undefined
  readonly files: readonly GatheredFile[]
  /** Whether it ended at a frame that belongs into a later window. */
  readonly atWindowEnd: boolean
}

const ACCOUNT = /^\d{12}$/
const REGION = /^[a-z0-9-]{1,32}$/

/**
 * Whether a record goes into a trail: the keys that AWS owns have no account that could look into a bucket, so their
 * records stay in the node's log alone.
 */
const isDeliverable = ({ accountId, region }: FrameRecordText): boolean =>
  ACCOUNT.test(accountId) && REGION.test(region)

/** Takes frames from the log and sorts their records by place, until there is enough for a delivery. */
export async function gather(
  source: TrailSource,
  { from, upTo, limited, before, now }: GatherRequest,
  pace: Pace,
): Promise<Gathered> {
  const windowEnd = isoSeconds(before)
  const files = new Map<string, GatheredFile>()
  let through = from - 1
  let chain: string | undefined
  let bytes = 0
  let isFull = false
  let atWindowEnd = false
  if (upTo >= from) {
    for await (const frame of source.frames(from)) {
      if (frame.sequence > upTo) break
      const records = recordsOf(frame.text)
      atWindowEnd = limited && records.some(({ eventTime }) => isBehind(eventTime, windowEnd, now))
      if (atWindowEnd) break
      for (const record of records.filter(isDeliverable)) {
        const file = add(files, record, frame.sequence)
        bytes += record.text.length
        isFull ||= file.texts.length >= FILE_RECORDS_MAX || file.bytes >= FILE_BYTES_MAX
      }
      through = frame.sequence
      chain = frame.chain
      if (through === upTo || (limited && (isFull || bytes >= DELIVERY_BYTES_MAX))) break
      await pace.turn()
    }
  }
  return {
    through,
    chain: chain === undefined ? undefined : Buffer.from(chain, 'latin1').toString('hex'),
    files: [...files.values()],
    atWindowEnd,
  }
}

/** A time that is still to come is that of a clock which was put back: nothing waits for it. */
const isBehind = (eventTime: string, windowEnd: string, now: () => Instant): boolean =>
  eventTime >= windowEnd && eventTime <= isoSeconds(now())

function add(
  files: Map<string, GatheredFile>,
  { text, accountId, region, eventTime }: FrameRecordText,
  sequence: number,
): GatheredFile {
  const name = `${accountId} ${region}`
  const known = files.get(name)
  const file = known ?? {
    accountId,
    region,
    texts: [],
    tree: new MerkleTree(),
    bytes: 0,
    newestEventTime: eventTime,
    oldestEventTime: eventTime,
    firstSequence: sequence,
    lastSequence: sequence,
  }
  if (known === undefined) files.set(name, file)
  file.texts.push(text)
  file.tree.add(text)
  file.bytes += Buffer.byteLength(text) + 1
  file.lastSequence = sequence
  if (eventTime > file.newestEventTime) file.newestEventTime = eventTime
  if (eventTime < file.oldestEventTime) file.oldestEventTime = eventTime
  return file
}

const FILE_START = '{"Records":['
const FILE_END = ']}'

/** The bytes of a log file, put together piece by piece: `logFileBytes`, without holding up the event loop. */
async function bytesOf({ texts, bytes }: GatheredFile, pace: Pace): Promise<Buffer> {
  // Not from the pool, and as long as it has to be: each record was counted with a comma, the last has none.
  const file = Buffer.allocUnsafeSlow(FILE_START.length + bytes - 1 + FILE_END.length)
  let at = file.write(FILE_START)
  for (let first = 0; first < texts.length; first += PIECE_RECORDS) {
    const piece = texts.slice(first, first + PIECE_RECORDS).join(',')
    at += file.write(first === 0 ? piece : `,${piece}`, at)
    await pace.turn()
  }
  file.write(FILE_END, at)
  return file
}

/** SHA-256 of much, in pieces. */
async function hashOf(bytes: Buffer, pace: Pace): Promise<string> {
  const sum = createHash('sha256')
  for (let at = 0; at < bytes.length; at += HASHED_TOGETHER) {
    sum.update(bytes.subarray(at, at + HASHED_TOGETHER))
    await pace.turn()
  }
  return sum.digest('hex')
}

/** A log file that is ready to be put, and what its digest will say of it. */
export interface MadeLogFile {
  readonly description: TrailLogFile
  readonly body: Buffer
}

/** Makes the log file of one place, named for `time`. */
export async function makeLogFile(
  gathered: GatheredFile,
  { nodeId, time }: { readonly nodeId: string; readonly time: Instant },
  pace: Pace,
): Promise<MadeLogFile> {
  const { accountId, region, firstSequence, lastSequence } = gathered
  const bytes = await bytesOf(gathered, pace)
  const body = await gzipOf(bytes)
  const description: TrailLogFile = {
    nodeId,
    accountId,
    region,
    key: logFileKey(gathered, time, suffixOf(nodeId, firstSequence)),
    hash: await hashOf(bytes, pace),
    gzipHash: hash('sha256', body, 'hex'),
    newestEventTime: gathered.newestEventTime,
    oldestEventTime: gathered.oldestEventTime,
    recordCount: gathered.texts.length,
    merkleRoot: gathered.tree.root(),
    firstSequence,
    lastSequence,
  }
  return { description, body }
}
