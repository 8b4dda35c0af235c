import { readdirSync } from 'node:fs'
import type { AuditDamage } from '../../audit/segments/audit-log.ts'
import { readFrames } from '../../audit/segments/read-frames.ts'
import {
  type LogProblem,
  type NotedHead,
  type VerifyResult,
  verifyLog,
} from '../../audit/segments/verify-log.ts'
import { parseAnchors } from '../../audit/trail/anchors.ts'
import { TrailReport } from '../../audit/trail/trail-report.ts'
import type { AuditReader, AuditVerdict, FolderOptions, VerifyAgainst } from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'
import { systemCodeOf } from '../http/http-listen.ts'
import { type NodeFolder, nodeFolder } from '../node/node-folder.ts'
import { type StoreView, viewOf } from './store-view.ts'

/** A frame as it stands in the log. Its own writer made the text. */
interface Frame {
  readonly kind: string
  readonly internal: Readonly<Record<string, unknown>>
  readonly records: readonly unknown[]
}

/** Hands every CloudTrail record of the log over as a line of JSON; with `frames`, every frame with what is internal. */
export async function auditCat(
  options: FolderOptions & { readonly frames: boolean },
  to: AuditReader,
): Promise<void> {
  const folder = nodeFolder(options)
  assertLog(folder)
  let damages: AuditDamage[] = []
  const tellDamages = async (): Promise<void> => {
    const told = damages
    damages = []
    for (const damage of told) await to.damaged(placeOf(damage))
  }
  const onDamage = (damage: AuditDamage): void => void damages.push(damage)
  for await (const { sequence, text } of readFrames(folder.auditFolder, { onDamage })) {
    await tellDamages()
    // The log was written by this program and its chain has been checked on the way here.
    const frame = JSON.parse(text) as Frame
    if (options.frames) await to.write(JSON.stringify({ sequence, ...frame }))
    else for (const record of frame.records) await to.write(JSON.stringify(record))
  }
  await tellDamages()
}

const placeOf = ({ file, offset, what }: AuditDamage): string =>
  file === undefined ? what : `${file}, byte ${offset}: ${what}`

/** @throws OperatorError where there is no log, or it may not be read */
export function assertLog({ auditFolder }: NodeFolder): void {
  try {
    readdirSync(auditFolder)
  } catch (cause) {
    const isAbsent = ['ENOENT', 'ENOTDIR'].includes(systemCodeOf(cause))
    throw isAbsent
      ? new OperatorError(
          `there is no audit log in ${auditFolder}`,
          'name the data folder with --data; a node that was never started has no log',
          { cause },
        )
      : new OperatorError(`the audit log in ${auditFolder} cannot be read`, undefined, { cause })
  }
}

const sentence = ({ segment, offset, sequence, what }: LogProblem): string =>
  `${segment}, byte ${offset}${sequence === undefined ? '' : `, record ${sequence}`}: ${what}`

/** What the verdict could not look at, in words. */
function notesOn(result: VerifyResult, view: StoreView | string): string[] {
  const notes: string[] = []
  if (typeof view === 'string') {
    notes.push(
      `${view}, so MACs were not checked: whoever can write the files could have made the chain anew`,
    )
  } else if (!result.macsChecked) {
    notes.push('the store does not have the key of every segment, so not all MACs were checked')
  }
  if (typeof view === 'string' || view.head === undefined) {
    notes.push('how far the log went is not known, so a log that was cut short would not show')
  }
  const floor = typeof view === 'string' ? undefined : view.floor
  if (floor !== undefined && floor !== 'forged') {
    notes.push(
      `retention has removed frames up to ${floor.sequence}: the log begins with segment ${floor.segment}`,
    )
  }
  if (result.tornTail !== undefined) {
    notes.push(
      `the last write to ${result.tornTail.segment} was cut short by a crash; nothing of it was acknowledged`,
    )
  }
  return notes
}

const UNKNOWN = { head: undefined, floor: undefined }

/** What anchors say of the log, and what is wrong with their file. */
function readAnchors({ anchors }: VerifyAgainst): {
  readonly heads: readonly NotedHead[]
  readonly problems: readonly string[]
} {
  if (anchors === undefined) return { heads: [], problems: [] }
  const report = new TrailReport()
  const heads = parseAnchors(anchors, report).map((anchor) => ({
    ...anchor,
    where: `${anchor.where} of ${anchors.file}`,
  }))
  return { heads, problems: report.findings.map(({ file, what }) => `${file} ${what}`) }
}

/** Checks the chain of the log, its MACs where the root key is at hand, and its end where the store is. */
export async function auditVerify(options: FolderOptions & VerifyAgainst): Promise<AuditVerdict> {
  return verifyNodeLog(options, await viewOf(options), [])
}

/**
 * As `auditVerify`.
 * @param noted what else is known of logs: by digests
 */
export async function verifyNodeLog(
  options: FolderOptions & VerifyAgainst,
  view: StoreView | string,
  noted: readonly NotedHead[],
): Promise<AuditVerdict> {
  const folder = nodeFolder(options)
  assertLog(folder)
  const custody = typeof view === 'string' ? undefined : view.custody
  const { head, floor } = typeof view === 'string' ? UNKNOWN : view
  const anchors = readAnchors(options)
  const result = await verifyLog(folder.auditFolder, {
    noted: [...noted, ...anchors.heads],
    ...(custody && { macKey: (keyId: string) => custody.findAuditMacKey(keyId) }),
    ...(head !== undefined && head !== 'forged' && { expectedHead: head }),
    ...(floor !== undefined && floor !== 'forged' && { floor }),
  })
  const problems = [...anchors.problems, ...result.problems.map(sentence)]
  if (head === 'forged') problems.push('what the store says about the end of the log was altered')
  if (floor === 'forged') problems.push('what the store says about retention was altered')
  return {
    intact: problems.length === 0,
    macsChecked: result.macsChecked,
    segments: result.segments,
    frames: result.frames,
    problems,
    notes: notesOn(result, view),
  }
}
