import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { append, keptLog, tickingClock } from '../../../test/fault/audit-fixture.ts'
import { allPages } from '../../../test/support/index-fixture.ts'
import { naiveSearch } from '../../../test/support/naive-search.ts'
import { countsQuery, frames, pageQuery } from '../../../test/support/search-arbitraries.ts'
import { openMemoryAuditLog } from '../segments/memory-log.ts'
import { memoryIndex } from './audit-index.ts'
import type { IndexSizes } from './index-schema.ts'

const sizes: fc.Arbitrary<IndexSizes> = fc.record({
  chunkEvents: fc.integer({ min: 1, max: 9 }),
  scanRows: fc.integer({ min: 1, max: 30 }),
  intersectedLists: fc.integer({ min: 0, max: 4 }),
  askedCombos: fc.constantFrom(0, 100),
})

const NODE_ID = 'node-1'

/** An index over a log in memory, with chunks of a few events. */
async function indexOver(texts: readonly string[], chosen: IndexSizes) {
  const log = keptLog()
  const audit = await openMemoryAuditLog({ nodeId: NODE_ID, clock: tickingClock(), log })
  const index = memoryIndex({
    files: audit.files,
    nodeId: NODE_ID,
    head: () => audit.log.head().sequence,
    log,
    steadyMs: () => 0,
    sizes: chosen,
  })
  await Promise.all(texts.map((text) => append(audit.log, text)))
  return { index, audit, log }
}

test('pages are those of looking at every event', async () => {
  await fc.assert(
    fc.asyncProperty(
      frames,
      sizes,
      fc.array(pageQuery, { minLength: 8, maxLength: 8 }),
      async (texts, chosen, queries) => {
        const { index, audit } = await indexOver(texts, chosen)
        const naive = naiveSearch(() => texts)
        for (const query of queries) {
          assert.deepEqual(await allPages(index, query), await allPages(naive, query))
        }
        await index.close()
        await audit.log.close()
      },
    ),
    { numRuns: 60 },
  )
})

test('counts are those of looking at every event', async () => {
  await fc.assert(
    fc.asyncProperty(
      frames,
      sizes,
      fc.array(countsQuery, { minLength: 8, maxLength: 8 }),
      async (texts, chosen, queries) => {
        const { index, audit } = await indexOver(texts, chosen)
        const naive = naiveSearch(() => texts)
        for (const query of queries) {
          assert.deepEqual(await index.counts(query), await naive.counts(query))
        }
        await index.close()
        await audit.log.close()
      },
    ),
    { numRuns: 60 },
  )
})

test('an event behind many requests without a record is found where nothing is asked', async () => {
  const refusal = (n: number): string =>
    JSON.stringify({
      kind: 'refusal',
      internal: { time: 1000 + n, requestId: `r${n}` },
      records: [],
    })
  const call = (time: number): string =>
    JSON.stringify({
      kind: 'call',
      internal: { time },
      records: [{ eventID: `at-${time}`, recipientAccountId: '111122223333' }],
    })
  const texts = [call(999), ...Array.from({ length: 9 }, (_, n) => refusal(n)), call(2000)]
  const chosen = { chunkEvents: 4, scanRows: 3, intersectedLists: 0, askedCombos: 0 }
  const { index, audit } = await indexOver(texts, chosen)
  for (const order of ['oldest-first', 'newest-first'] as const) {
    const { events } = await index.search({ order, limit: 10 })
    assert.deepEqual(
      events.map(({ time }) => time).sort((a, b) => a - b),
      [999, 2000],
    )
  }
  await index.close()
  await audit.log.close()
})
