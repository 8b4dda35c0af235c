import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import {
  decodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  segmentNumberOf,
} from '../../audit/segments/segment-format.ts'
import { OperatorError } from '../../core/errors.ts'
import type { Random } from '../../core/ports.ts'
import { writeFileDurably } from '../durable-file.ts'
import { systemCodeOf } from '../http/http-listen.ts'
import type { NodeFolder } from './node-folder.ts'

const NODE_ID = /^[0-9a-f-]{36}$/
const OWNER_ONLY = 0o600

/**
 * The id of the node that a folder belongs to: what its file says or, where that was lost, the newest
 * segment of its audit log. Undefined where neither says anything.
 * @throws OperatorError for a file that holds something else, and for a log that does not say whose it is
 */
export function findNodeId(folder: NodeFolder): string | undefined {
  const text = readText(folder.nodeIdFile)?.trim() ?? ''
  if (NODE_ID.test(text)) return text
  // What a crash left half-written names no node yet.
  if (text === '') return nodeIdOfLog(folder)
  throw new OperatorError(
    `${folder.nodeIdFile} does not hold the id of a node`,
    'put it back from the backup; or remove it, and the node takes the id that is in its audit log',
  )
}

/** The id of the node that the folder belongs to; drawn the first time. @throws OperatorError */
export function nodeIdOf(folder: NodeFolder, random: Random): string {
  const found = findNodeId(folder)
  const id = found ?? random.uuid()
  if (readText(folder.nodeIdFile)?.trim() === id) return id
  try {
    writeFileDurably(folder.nodeIdFile, `${id}\n`, OWNER_ONLY)
  } catch (cause) {
    throw new OperatorError(`the data folder ${folder.path} cannot be written to`, undefined, {
      cause,
    })
  }
  return id
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return undefined
    throw new OperatorError(`the file ${file} cannot be read`, undefined, { cause })
  }
}

/** The headers are only looked at: opening the log checks their MACs. */
function nodeIdOfLog({ auditFolder, nodeIdFile }: NodeFolder): string | undefined {
  const segments = segmentsIn(auditFolder)
  for (const name of segments) {
    const header = decodeSegmentHeader(readHeader(join(auditFolder, name)))
    if (header !== undefined) return header.nodeId
  }
  if (segments.length === 0) return undefined
  throw new OperatorError(
    `${nodeIdFile} is missing, and no segment in ${auditFolder} says whose log it is`,
    'put the file back from the backup; without one, move the audit folder to a safe place: a new log is begun',
  )
}

/** Newest first. */
function segmentsIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => segmentNumberOf(name) !== undefined)
      .toSorted()
      .toReversed()
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return []
    throw new OperatorError(`the audit folder ${folder} cannot be read`, undefined, { cause })
  }
}

function readHeader(file: string): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES)
  const handle = openSync(file, 'r')
  try {
    readSync(handle, bytes, 0, bytes.length, 0)
  } finally {
    closeSync(handle)
  }
  return bytes
}
