import { existsSync } from 'node:fs'
import { AuditIndex } from '../../audit/event-index/audit-index.ts'
import { IndexThread } from '../../audit/event-index/index-thread.ts'
import { diskSegmentFiles, type SegmentFiles } from '../../audit/segments/segment-files.ts'
import { createBusyMeter } from '../../audit/trail/pace.ts'
import type { Log } from '../../core/ports.ts'
import type { NodeAudit } from './node-audit.ts'
import type { NodeFolder } from './node-folder.ts'

/** Frames that a busy node leaves out of its index at most: a minute's work, for which a question would wait. */
const LAG_MAX = 1_000_000

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

/** The same on a thread of its own, for a node that serves calls. */
export const openIndexThread = (
  folder: NodeFolder,
  { nodeId, log: audit }: Pick<NodeAudit, 'nodeId' | 'log'>,
  log: Log,
): IndexThread =>
  new IndexThread({
    folder: folder.auditFolder,
    nodeId,
    file: folder.auditIndexFile,
    head: () => audit.head().sequence,
    log,
  })

/** To be called now and then: takes in what is new, unless calls need the machine. Nobody waits for it. */
export function createIndexing(index: IndexThread): () => void {
  const isBusy = createBusyMeter()
  // A busy node indexes when it is asked, and when it has time again.
  const mayIndex = (): boolean => !isBusy() || index.stats().lagFrames > LAG_MAX
  return () => {
    // Its failures are told by itself.
    if (mayIndex()) void index.catchUp(mayIndex)
  }
}
