import { createSecretKey } from 'node:crypto'
import type { Clock, Log } from '../../core/ports.ts'
import type { AuditLog, WrittenBatch } from './audit-log.ts'
import { openAuditLog } from './open-audit-log.ts'
import type { SegmentFile, SegmentFiles } from './segment-files.ts'
import { segmentNumberOf } from './segment-format.ts'

export interface MemoryLogOptions {
  readonly nodeId: string
  readonly clock: Clock
  readonly log: Log
  /** 4 MiB by default. */
  readonly segmentBytes?: number
  /** How many segments are kept; 8 by default. */
  readonly segments?: number
  /** As of `AuditLogOptions`. */
  readonly onBatch?: ((batch: WrittenBatch) => void) | undefined
}

const SEGMENT_BYTES = 4_194_304
const SEGMENTS = 8

/**
 * A log in memory: the same code over files that are buffers, so the same contract, except that nothing survives
 * the process and that the oldest segments are dropped. `files` can be given to `readFrames`.
 */
export async function openMemoryAuditLog(
  options: MemoryLogOptions,
): Promise<{ readonly log: AuditLog; readonly files: SegmentFiles }> {
  const files = memorySegmentFiles(options.segments ?? SEGMENTS)
  const { log } = await openAuditLog({
    folder: files.folder,
    nodeId: options.nodeId,
    // It proves nothing: whoever can change this log can change the program.
    macKey: createSecretKey(Buffer.alloc(32)),
    macKeyId: 'memory',
    clock: options.clock,
    log: options.log,
    segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
    onBatch: options.onBatch,
    files,
  })
  return { log, files }
}

/** Files in memory; of segments only the newest are kept. */
export function memorySegmentFiles(segmentsMax: number): SegmentFiles {
  const contents = new Map<string, { bytes: Buffer }>()
  const dropOldest = (): void => {
    const numbered = [...contents.keys()]
      .filter((name) => segmentNumberOf(name) !== undefined)
      .sort()
    for (const name of numbered.slice(0, -segmentsMax)) contents.delete(name)
  }
  return {
    folder: 'memory',
    list: () => Promise.resolve([...contents.keys()]),
    create: (name) => {
      const content = { bytes: Buffer.alloc(0) }
      contents.set(name, content)
      return Promise.resolve(memoryFile(content))
    },
    open: (name) => {
      const content = contents.get(name)
      return content === undefined
        ? Promise.reject(new Error(`there is no file ${name}`))
        : Promise.resolve(memoryFile(content))
    },
    rename: (from, to) => {
      const content = contents.get(from)
      if (content === undefined) return Promise.reject(new Error(`there is no file ${from}`))
      contents.delete(from)
      contents.set(to, content)
      dropOldest()
      return Promise.resolve()
    },
    remove: (name) => {
      contents.delete(name)
      return Promise.resolve()
    },
  }
}

function memoryFile(content: { bytes: Buffer }): SegmentFile {
  return {
    sizeBytes: () => Promise.resolve(content.bytes.length),
    read: (into, at) =>
      Promise.resolve(at < content.bytes.length ? content.bytes.copy(into, 0, at) : 0),
    write: (bytes, length, at, done) => {
      if (at + length > content.bytes.length) {
        content.bytes = Buffer.concat([
          content.bytes,
          Buffer.alloc(at + length - content.bytes.length),
        ])
      }
      bytes.copy(content.bytes, at, 0, length)
      setImmediate(done, null)
    },
    close: () => Promise.resolve(),
  }
}
