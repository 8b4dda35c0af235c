import { DependencyError, OperatorError } from '../../core/errors.ts'
import type {
  AuditDamage,
  AuditHead,
  AuditLog,
  AuditLogOptions,
  AuditRecovery,
} from './audit-log.ts'
import { GroupCommit } from './group-commit.ts'
import { inspectLog, type LogEnd } from './log-end.ts'
import { diskSegmentFiles, makeLogFolder, writeAt } from './segment-files.ts'
import {
  isSegmentSize,
  NAME_BYTES_MAX,
  NEXT_NAME,
  NO_CHAIN,
  SEAL_BYTES,
  SEGMENT_BYTES_DEFAULT,
  SEGMENT_BYTES_MIN,
} from './segment-format.ts'
import {
  beginSegment,
  prepareSegment,
  SegmentWriter,
  type SegmentWriterOptions,
  type WritableSegment,
} from './segment-writer.ts'

export interface OpenedAuditLog {
  readonly log: AuditLog
  readonly recovered: AuditRecovery
  /** The highest outbox id in the log, as far as it can be read; 0 when there is none. */
  readonly outboxHigh: number
}

/**
 * Opens the log for writing, or begins it. A last write that was cut short is overwritten with zeros and noted in a
 * frame of kind `recovered`.
 * @throws {OperatorError} where the log is damaged (unless `acceptDamage`), belongs to another node, or
 *   needs a MAC key that is not there.
 * @throws {DependencyError} where the disk fails.
 */
export async function openAuditLog(options: AuditLogOptions): Promise<OpenedAuditLog> {
  checkOptions(options)
  const durable = options.durability !== 'async'
  try {
    if (options.files === undefined) await makeLogFolder(options.folder)
    const files = options.files ?? diskSegmentFiles(options.folder, { durable })
    await files.remove(NEXT_NAME)
    const writerOptions = {
      files,
      nodeId: options.nodeId,
      macKey: options.macKey,
      macKeyId: options.macKeyId,
      clock: options.clock,
      segmentBytes: options.segmentBytes ?? SEGMENT_BYTES_DEFAULT,
    }
    const { writer, recovered } = await openWriter(options, writerOptions)
    const { outboxHigh } = writer.position
    const log = new GroupCommit({
      writer,
      log: options.log,
      durable,
      segmentBytes: writerOptions.segmentBytes,
      steadyMs: options.steadyMs ?? (() => performance.now()),
      onBatch: options.onBatch,
    })
    await noteRecovery(log, recovered, options).catch(async (error: unknown) => {
      await log.close()
      throw error
    })
    return { log, recovered, outboxHigh }
  } catch (error) {
    if (error instanceof OperatorError || error instanceof DependencyError) throw error
    throw new DependencyError('the audit log could not be opened', { cause: error })
  }
}

function checkOptions({ nodeId, macKeyId, segmentBytes }: AuditLogOptions): void {
  for (const name of [nodeId, macKeyId]) {
    const bytes = Buffer.byteLength(name)
    if (bytes < 1 || bytes > NAME_BYTES_MAX) {
      throw new OperatorError('the node id and the audit key id must have 1 to 64 bytes')
    }
  }
  if (segmentBytes !== undefined && !isSegmentSize(segmentBytes)) {
    throw new OperatorError(
      `the size of an audit segment must be a multiple of 512, from ${SEGMENT_BYTES_MIN} to 1073741824 bytes`,
    )
  }
}

interface OpenedWriter {
  readonly writer: SegmentWriter
  readonly recovered: AuditRecovery
}

async function openWriter(
  options: AuditLogOptions,
  writerOptions: SegmentWriterOptions,
): Promise<OpenedWriter> {
  const { files } = writerOptions
  const end = await inspectLog(files, {
    nodeId: options.nodeId,
    keyOf: (id) => (id === options.macKeyId ? options.macKey : options.earlierMacKey?.(id)),
    expectedHead: options.expectedHead,
  })
  if (end.damage !== undefined) {
    await end.last?.file.close()
    if (options.acceptDamage !== true) throw damageError(files.folder, end.damage)
    return beginAfterDamage(writerOptions, end, end.damage, options.expectedHead)
  }
  if (end.last === undefined) {
    const first = { number: 1, nextSequence: 1, previousChain: NO_CHAIN, outboxHigh: 0 }
    const writer = await beginWriter(writerOptions, { ...first, afterDamage: false })
    return { writer, recovered: { tornTail: undefined, acceptedDamage: undefined } }
  }
  return continueLog(writerOptions, end, end.last)
}

function damageError(folder: string, { file, offset, what }: AuditDamage): OperatorError {
  const place = file === undefined ? folder : `${folder}/${file} at offset ${offset}`
  return new OperatorError(
    `the audit log is damaged: ${place}: ${what}`,
    'Keep a copy of the folder, and see all of it with strongroom audit verify. To go on behind the damage, start once with --accept-audit-damage.',
  )
}

async function beginWriter(
  options: SegmentWriterOptions,
  origin: Parameters<typeof beginSegment>[2],
): Promise<SegmentWriter> {
  const segment = await beginSegment(options, await prepareSegment(options), origin)
  const { nextSequence, outboxHigh } = origin
  return new SegmentWriter(options, segment, {
    chain: segment.chainStart,
    nextSequence,
    outboxHigh,
  })
}

/** Sequences that the damage may hide are not given out again. */
async function beginAfterDamage(
  options: SegmentWriterOptions,
  end: LogEnd,
  damage: AuditDamage,
  expectedHead: AuditHead | undefined,
): Promise<OpenedWriter> {
  const writer = await beginWriter(options, {
    number: end.lastNumber + 1,
    nextSequence: Math.max(end.lastSequenceSeen, expectedHead?.sequence ?? 0) + 1,
    previousChain: end.lastChain,
    outboxHigh: end.outboxHigh,
    afterDamage: true,
  })
  return { writer, recovered: { tornTail: undefined, acceptedDamage: damage } }
}

async function continueLog(
  options: SegmentWriterOptions,
  end: LogEnd,
  last: NonNullable<LogEnd['last']>,
): Promise<OpenedWriter> {
  const { file, header, walked, tornSeal, sealed, macKey, chainStart } = last
  const { offset, batches, outboxLowest, outboxHighest, tornEnd } = walked
  if (tornEnd !== undefined) await writeAt(file, Buffer.alloc(tornEnd - offset), offset)
  if (tornSeal) await writeAt(file, Buffer.alloc(SEAL_BYTES), header.sizeBytes - SEAL_BYTES)
  const segment: WritableSegment = {
    file,
    header,
    chainStart,
    macKey,
    offset,
    batches,
    outboxLowest,
    outboxHighest,
    seal: sealed ? 'written' : 'none',
  }
  const writer = new SegmentWriter(options, segment, walked.after)
  // A segment has one MAC key, so another key needs another segment.
  if (sealed || header.macKeyId !== options.macKeyId) await writer.roll()
  const tornTail =
    tornEnd === undefined ? undefined : { file: end.lastName, offset, bytes: tornEnd - offset }
  return { writer, recovered: { tornTail, acceptedDamage: undefined } }
}

/** What was mended is itself on the record, before anything else is. */
async function noteRecovery(
  log: AuditLog,
  { tornTail, acceptedDamage }: AuditRecovery,
  options: AuditLogOptions,
): Promise<void> {
  if (tornTail !== undefined) {
    options.log.warn(
      tornTail,
      'the last write to the audit log was cut short; nothing of it had been acknowledged',
    )
    await appendFrame(log, {
      kind: 'recovered',
      internal: { time: options.clock.now(), ...tornTail },
      records: [],
    })
  }
  if (acceptedDamage !== undefined) {
    const { file = '', offset, what } = acceptedDamage
    options.log.warn({ file, offset, what }, 'damage in the audit log was accepted')
    const internal = { time: options.clock.now(), file, offset, what }
    await appendFrame(log, { kind: 'damage-accepted', internal, records: [] })
  }
}

function appendFrame(log: AuditLog, frame: object): Promise<void> {
  return new Promise((resolve, reject) => {
    log.append(JSON.stringify(frame), (error) => {
      if (error === undefined) resolve()
      else reject(error)
    })
  })
}
