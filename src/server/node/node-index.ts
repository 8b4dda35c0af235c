import { existsSync } from 'node:fs'
import { AuditIndex } from '../../audit/event-index/audit-index.ts'
import { diskSegmentFiles, type SegmentFiles } from '../../audit/segments/segment-files.ts'
import type { Log } from '../../core/ports.ts'
import type { NodeFolder } from './node-folder.ts'

/** Looks at the files of a log, which may not have been begun, and writes none. */
export function logFilesIn(folder: string): SegmentFiles {
  const files = diskSegmentFiles(folder, { durable: false })
  return { ...files, list: () => (existsSync(folder) ? files.list() : Promise.resolve([])) }
}

/**
 * The index of a node's log, which it reads beside the log's writer, if there is one.
 * @param options.head of the log; absent where no node runs, and all of the log is read
 */
export const openNodeIndex = (
  folder: NodeFolder,
  options: { readonly nodeId: string; readonly head?: () => number; readonly log: Log },
): AuditIndex =>
  new AuditIndex({
    ...options,
    files: logFilesIn(folder.auditFolder),
    file: folder.auditIndexFile,
    steadyMs: () => performance.now(),
  })
