import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { AuditIndex, type AuditIndexOptions } from '../../src/audit/event-index/audit-index.ts'
import { openMemoryAuditLog } from '../../src/audit/segments/memory-log.ts'
import type { AuditSearch, EventPageQuery, FoundEvent } from '../../src/core/audit-search.ts'
import { append, keptLog, NODE_ID, tickingClock } from '../fault/audit-fixture.ts'

/** Some 2026-01-05, 00:00 UTC. */
export const MONDAY_MS = Date.UTC(2026, 0, 5)

/** A frame of one call, of which a test says what it asks for. */
export function callFrame(n: number, rest: Readonly<Record<string, unknown>> = {}): string {
  const record = {
    userIdentity: { type: 'IAMUser', arn: 'arn:aws:iam::111122223333:user/bob', userName: 'bob' },
    eventSource: 'kms.amazonaws.com',
    eventName: n % 2 === 0 ? 'Encrypt' : 'Decrypt',
    awsRegion: 'eu-central-1',
    sourceIPAddress: '10.0.0.1',
    requestParameters: { encryptionContext: { n: String(n) } },
    requestID: `request-${n}`,
    eventID: `event-${n}`,
    readOnly: true,
    recipientAccountId: '111122223333',
    ...rest,
  }
  const internal = { time: MONDAY_MS + n * 3_600_000 }
  return JSON.stringify({ kind: 'call', internal, records: [record] })
}

export const callFrames = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, n) => callFrame(from + n))

/** A log in memory, and its index in a file that the test may spoil. */
export async function indexOnDisk(
  t: TestContext,
  options: { readonly segmentBytes?: number; readonly segments?: number } = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-index-'))
  const log = keptLog()
  const file = join(folder, 'audit-index', 'index.db')
  const audit = await openMemoryAuditLog({
    nodeId: NODE_ID,
    clock: tickingClock(),
    log,
    segments: 100,
    ...options,
  })
  const opened: AuditIndex[] = []
  const open = (rest: Partial<AuditIndexOptions> = {}): AuditIndex => {
    const index = new AuditIndex({
      files: audit.files,
      nodeId: NODE_ID,
      file,
      head: () => audit.log.head().sequence,
      log,
      steadyMs: () => 0,
      sizes: { chunkEvents: 4, scanRows: 2, intersectedLists: 2, askedCombos: 2 },
      ...rest,
    })
    opened.push(index)
    return index
  }
  t.after(async () => {
    for (const index of opened) await index.close()
    await audit.log.close()
    rmSync(folder, { recursive: true })
  })
  const write = async (texts: readonly string[]): Promise<void> => {
    for (const text of texts) await append(audit.log, text)
  }
  return { folder, file, files: audit.files, audit: audit.log, log, open, write }
}

export const NEWEST: EventPageQuery = { order: 'newest-first', limit: 100 }

/** All pages of a question, one after the other. */
export async function allPages(
  search: AuditSearch,
  query: EventPageQuery,
): Promise<FoundEvent[][]> {
  const pages: FoundEvent[][] = []
  for (let after: string | undefined; ; ) {
    const page = await search.search({ ...query, after })
    pages.push([...page.events])
    if (page.next === undefined) return pages
    after = page.next
  }
}

export const sequences = async (search: AuditSearch, query = NEWEST): Promise<number[]> =>
  (await search.search(query)).events.map(({ sequence }) => sequence)
