import { accessSync, constants } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { IN_MEMORY } from '../../audit/event-index/index-file.ts'
import type { IndexThread } from '../../audit/event-index/index-thread.ts'
import { openSegment, segmentNumbers } from '../../audit/segments/segment-catalog.ts'
import { diskSegmentFiles, type SegmentFiles } from '../../audit/segments/segment-files.ts'
import type { FolderOptions, OpenLookup } from '../../cli/program.ts'
import type { AuditSearch, EventLookup } from '../../core/audit-search.ts'
import { OperatorError } from '../../core/errors.ts'
import { machineClock } from '../clocks.ts'
import { type NodeFolder, nodeFolder } from '../node/node-folder.ts'
import { openNodeIndex } from '../node/node-index.ts'
import { assertLog } from './audit-commands.ts'
import { followEvents } from './follow-events.ts'
import { tellWhoIsAway } from './node-commands.ts'
import { openOperator, runningStatus } from './operator-access.ts'
import { createOperatorLog } from './operator-log.ts'
import { socketOperator } from './operator-socket.ts'

/** How often a running node is asked how far its index is. */
const POLL_MS = 200

/** Which key a name stands for is the store's to say. */
export type NodeLookup = Omit<EventLookup, 'findKeyArn'>

export interface NodeLookupParts {
  readonly index: IndexThread
  /** What searches; several processes that serve as one search all their logs. */
  readonly search: AuditSearch
  /** The newest durable frame. */
  readonly head: () => number
}

/** What a running node answers about its events. */
export function nodeLookup({ index, search, head }: NodeLookupParts): NodeLookup {
  const status = () => ({ sequence: index.stats().sequence, head: head() })
  return {
    searchEvents: (query) => search.search(query).catch(tellWhoIsAway),
    countEvents: (query) => search.counts(query).catch(tellWhoIsAway),
    eventIndexStatus: async () => status(),
    async reindexEvents() {
      await index.reset()
      // Goes on by itself; the status tells how far it is.
      void index.catchUp()
      return status()
    },
  }
}

/**
 * What can be asked about the events of a folder: of its running node, or of its log with an index that stands beside
 * it. That needs no key and changes nothing but the index; where the folder may not be written, the index is
 * made in memory.
 * @throws {OperatorError} where there is no log
 */
export async function openEventLookup(options: FolderOptions): Promise<OpenLookup> {
  const folder = nodeFolder(options)
  const files = diskSegmentFiles(folder.auditFolder, { durable: false })
  const follow: OpenLookup['follow'] = (filter, to, signal) =>
    followEvents(files, { filter, to, signal })
  if ((await runningStatus(folder)) !== undefined) {
    const lookup = socketOperator(folder.operatorSocket)
    return {
      lookup,
      now: machineClock.now(),
      follow,
      catchUp: (onProgress) => waitForIndex(lookup, onProgress),
      close: nothingToClose,
    }
  }
  assertLog(folder)
  const auditIndexFile = isWritable(folder) ? folder.auditIndexFile : IN_MEMORY
  const nodeId = await nodeIdOfLog(files)
  const log = createOperatorLog('warn')
  const index = openNodeIndex({ ...folder, auditIndexFile }, { nodeId, log })
  return {
    lookup: {
      searchEvents: (query) => index.search(query),
      countEvents: (query) => index.counts(query),
      findKeyArn: (name) => keyArnInStore(options, name),
      eventIndexStatus: async () => ({ sequence: index.sequence }),
      async reindexEvents() {
        await index.reset()
        return { sequence: 0 }
      },
    },
    now: machineClock.now(),
    follow,
    async catchUp(onProgress) {
      const last = await sequenceNearEnd(files)
      await index.catchUp((sequence) => onProgress(sequence, Math.max(sequence, last)))
    },
    close: () => index.close(),
  }
}

const nothingToClose = (): Promise<void> => Promise.resolve()

/** The store is opened, which needs its seal. */
async function keyArnInStore(
  options: FolderOptions,
  name: Parameters<EventLookup['findKeyArn']>[0],
): Promise<{ readonly arn: string }> {
  const door = await openOperator(options)
  try {
    return await door.operator.findKeyArn(name)
  } finally {
    await door.close()
  }
}

function isWritable({ path }: NodeFolder): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Whose log it is, as its newest readable segment says. @throws {OperatorError} where none is */
async function nodeIdOfLog(files: SegmentFiles): Promise<string> {
  for (const number of (await segmentNumbers(files)).toReversed()) {
    const { header, file } = await openSegment(files, number, 'read')
    await file.close()
    if (header !== undefined) return header.nodeId
  }
  throw new OperatorError(`there is no audit log in ${files.folder}`)
}

/** A sequence near the newest one, known without reading the newest segment. */
async function sequenceNearEnd(files: SegmentFiles): Promise<number> {
  const last = (await segmentNumbers(files)).at(-1)
  if (last === undefined) return 0
  const { header, file } = await openSegment(files, last, 'read')
  await file.close()
  return header?.firstSequence ?? 0
}

/** Until the node's index has what its log has now: a question makes it take in all of that. */
async function waitForIndex(
  lookup: EventLookup,
  onProgress: (done: number, of: number) => void,
): Promise<void> {
  const tell = async (): Promise<void> => {
    const { sequence, head = sequence } = await lookup.eventIndexStatus()
    onProgress(Math.min(sequence, head), head)
  }
  const question = lookup.searchEvents({
    order: 'newest-first',
    limit: 1,
    eventId: '',
    scope: 'node',
  })
  for (;;) {
    const answer = await Promise.race([question, delay(POLL_MS)])
    await tell()
    if (answer !== undefined) return
  }
}
