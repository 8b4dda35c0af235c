import { createSecretKey, type KeyObject } from 'node:crypto'
import type { AuditLog, AuditLogOptions } from '../../src/audit/segments/audit-log.ts'
import { openAuditLog } from '../../src/audit/segments/open-audit-log.ts'
import {
  type ReadFrame,
  type ReadOptions,
  readFrames,
} from '../../src/audit/segments/read-frames.ts'
import type { SegmentFile, SegmentFiles } from '../../src/audit/segments/segment-files.ts'
import type { DependencyError } from '../../src/core/errors.ts'
import { instant } from '../../src/core/ids.ts'
import type { Clock, Log } from '../../src/core/ports.ts'

export const AUDIT_KEY: KeyObject = createSecretKey(
  Buffer.from(Array.from({ length: 32 }, (_, n) => n)),
)
export const AUDIT_KEY_ID = 'vector'
export const NODE_ID = 'node-1'
export const macKeyOf = (id: string): KeyObject | undefined =>
  id === AUDIT_KEY_ID ? AUDIT_KEY : undefined

/** Each reading is one millisecond later. */
export function tickingClock(start = 1_790_000_000_000): Clock {
  let now = start - 1
  return {
    now: () => {
      now += 1
      return instant(now)
    },
  }
}

/** A log that keeps its messages. */
export function keptLog(): Log & { readonly messages: string[] } {
  const messages: string[] = []
  const keep = (_fields: unknown, message: string): void => {
    messages.push(message)
  }
  return { messages, info: keep, warn: keep, error: keep }
}

/** What a write is to do instead of succeeding: keep only the first bytes, and report or hang. */
export interface WriteFault {
  readonly keepBytes: number
  /** Absent: the write never calls back, as in a process that was killed in it. */
  readonly error?: Error
}

/** Files in memory whose bytes tests can see and change, and whose operations they can make fail. */
export class FaultyFiles implements SegmentFiles {
  readonly folder = 'audit'
  readonly contents: Map<string, Buffer>
  /** Asked before each write. */
  onWrite: ((name: string, at: number, length: number) => WriteFault | undefined) | undefined
  /** Asked before each creation and rename. */
  onName: ((operation: 'create' | 'rename', name: string) => Error | undefined) | undefined
  readonly writes: { readonly name: string; readonly at: number; readonly length: number }[] = []

  constructor(contents: Iterable<readonly [string, Buffer]> = []) {
    this.contents = new Map([...contents].map(([name, bytes]) => [name, Buffer.from(bytes)]))
  }

  list(): Promise<readonly string[]> {
    return Promise.resolve([...this.contents.keys()])
  }

  create(name: string): Promise<SegmentFile> {
    const error = this.onName?.('create', name)
    if (error !== undefined) return Promise.reject(error)
    this.contents.set(name, Buffer.alloc(0))
    return this.open(name)
  }

  open(name: string): Promise<SegmentFile> {
    const bytes = this.contents.get(name)
    if (bytes === undefined) return Promise.reject(new Error(`no file ${name}`))
    return Promise.resolve(this.#file({ name }))
  }

  #file(entry: { name: string }): SegmentFile {
    this.#open.push(entry)
    const bytes = (): Buffer => this.contents.get(entry.name) ?? Buffer.alloc(0)
    return {
      sizeBytes: () => Promise.resolve(bytes().length),
      read: (into, at) => Promise.resolve(at < bytes().length ? bytes().copy(into, 0, at) : 0),
      write: (from, length, at, done) => {
        this.writes.push({ name: entry.name, at, length })
        const fault = this.onWrite?.(entry.name, at, length)
        this.#put(entry.name, from.subarray(0, Math.min(fault?.keepBytes ?? length, length)), at)
        if (fault === undefined) setImmediate(done, null)
        else if (fault.error !== undefined) setImmediate(done, fault.error)
      },
      close: () => Promise.resolve(),
    }
  }

  readonly #open: { name: string }[] = []

  #put(name: string, bytes: Buffer, at: number): void {
    const before = this.contents.get(name) ?? Buffer.alloc(0)
    const grown = at + bytes.length - before.length
    const content = grown > 0 ? Buffer.concat([before, Buffer.alloc(grown)]) : before
    bytes.copy(content, at)
    this.contents.set(name, content)
  }

  rename(from: string, to: string): Promise<void> {
    const error = this.onName?.('rename', to)
    if (error !== undefined) return Promise.reject(error)
    const bytes = this.contents.get(from)
    if (bytes === undefined) return Promise.reject(new Error(`no file ${from}`))
    this.contents.delete(from)
    this.contents.set(to, bytes)
    for (const entry of this.#open) if (entry.name === from) entry.name = to
    return Promise.resolve()
  }

  remove(name: string): Promise<void> {
    this.contents.delete(name)
    return Promise.resolve()
  }

  /** The same bytes, without the faults: what a disk holds after a crash. */
  copy(): FaultyFiles {
    return new FaultyFiles(this.contents)
  }
}

/** Opens a log with the fixture's key and a ticking clock. */
export async function openTestLog(
  files: SegmentFiles,
  options: Partial<AuditLogOptions> = {},
): ReturnType<typeof openAuditLog> {
  return openAuditLog({
    folder: files.folder,
    nodeId: NODE_ID,
    macKey: AUDIT_KEY,
    macKeyId: AUDIT_KEY_ID,
    clock: tickingClock(),
    log: keptLog(),
    segmentBytes: 8192,
    files,
    ...options,
  })
}

export const append = (log: AuditLog, frame: string): Promise<DependencyError | undefined> =>
  new Promise((resolve) => {
    log.append(frame, resolve)
  })

/** A frame with a number to know it by; `filler` makes it longer. */
export const aFrame = (n: number, filler = 0): string =>
  `{"kind":"call","internal":{"n":${n}},"records":["${'x'.repeat(filler)}"]}`

/** Appends frames one by one, so that each is a batch of its own. */
export async function appendInTurn(log: AuditLog, frames: readonly string[]): Promise<void> {
  for (const frame of frames) {
    const error = await append(log, frame)
    if (error !== undefined) throw error
  }
}

export async function readAll(
  source: string | SegmentFiles,
  options?: ReadOptions,
): Promise<ReadFrame[]> {
  return Array.fromAsync(readFrames(source, options))
}

export const textsOf = (frames: readonly ReadFrame[]): string[] => frames.map(({ text }) => text)
