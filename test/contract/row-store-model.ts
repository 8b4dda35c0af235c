import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { ConflictError } from '../../src/core/errors.ts'
import type { PageQuery, Row, RowStore, RowTransaction } from '../../src/core/store.ts'
import { ACCOUNT, aKeyRow, KEY_TABLE, REGION } from './row-samples.ts'
import type { OpenedRowStore } from './row-store.ts'

// Few keys, so that operations meet each other; some that sort apart by code unit and by code point.
const KEY_IDS = ['a', 'b', 'c', 'ca', '\uFFFD', '\u{1F511}']
const WORKS_MAX = 25

interface Step {
  readonly do: 'insert' | 'update' | 'delete'
  readonly keyId: string
  readonly date: number | null
  readonly body: string
  /** How far from the version that is there; 0 hits it. */
  readonly versionOff: number
}

interface Work {
  readonly steps: readonly Step[]
  readonly end: 'commit' | 'throw'
}

const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('insert', 'update', 'delete'),
  keyId: fc.constantFrom(...KEY_IDS),
  date: fc.option(fc.integer({ min: -3, max: 3 }), { nil: null }),
  body: fc.string(),
  versionOff: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 2 })),
})
const work: fc.Arbitrary<Work> = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 5 }),
  end: fc.oneof(
    { weight: 4, arbitrary: fc.constant<'commit'>('commit') },
    fc.constant<'throw'>('throw'),
  ),
})
const query: fc.Arbitrary<PageQuery> = fc
  .record({
    after: fc.option(fc.tuple(fc.integer({ min: -3, max: 3 }), fc.constantFrom(...KEY_IDS)), {
      nil: undefined,
    }),
    upTo: fc.option(fc.integer({ min: -3, max: 3 }), { nil: undefined }),
    limit: fc.integer({ min: 1, max: 8 }),
  })
  .map(({ after, upTo, limit }) => ({
    index: 'by_deletion_date',
    equals: [],
    limit,
    ...(after && { after: [after[0], REGION, after[1]] }),
    ...(upTo !== undefined && { upTo }),
  }))

type Model = Map<string, Row>

const rowOf = (from: Step, version: number): Row =>
  aKeyRow(from.keyId, {
    version,
    columns: { account_id: ACCOUNT, deletion_date: from.date },
    body: from.body,
  })

/** What a step does to the model; false for a conflict. */
function applyToModel(model: Model, next: Step): boolean {
  const version = model.get(next.keyId)?.version ?? 0
  if (next.do === 'insert') {
    if (version > 0) return false
    model.set(next.keyId, rowOf(next, 1))
    return true
  }
  if (version === 0 || next.versionOff !== 0) return false
  if (next.do === 'update') model.set(next.keyId, rowOf(next, version + 1))
  else model.delete(next.keyId)
  return true
}

async function applyToStore(tx: RowTransaction, next: Step): Promise<boolean> {
  const there = (await tx.get(KEY_TABLE, [REGION, next.keyId]))?.version ?? 0
  try {
    if (next.do === 'insert') await tx.insert(KEY_TABLE, rowOf(next, 1))
    else if (next.do === 'update')
      await tx.update(KEY_TABLE, rowOf(next, there + 1 + next.versionOff))
    else await tx.delete(KEY_TABLE, [REGION, next.keyId], there + next.versionOff)
    return true
  } catch (error) {
    if (error instanceof ConflictError) return false
    throw error
  }
}

function modelPage(model: Model, wanted: PageQuery): Row[] {
  const bytes = (text: string): Buffer => Buffer.from(text, 'utf8')
  const dateOf = (row: Row): number => Number(row.columns['deletion_date'] ?? -Infinity)
  const keyIdOf = (row: Row): string => row.key[1] ?? ''
  const order = (date: number, keyId: string, row: Row): number =>
    dateOf(row) - date || Buffer.compare(bytes(keyIdOf(row)), bytes(keyId))
  const { after, upTo } = wanted
  return [...model.values()]
    .filter((row) => {
      const isNull = row.columns['deletion_date'] === null
      if (upTo !== undefined && (isNull || dateOf(row) > Number(upTo))) return false
      return after === undefined || (!isNull && order(Number(after[0]), String(after[2]), row) > 0)
    })
    .sort((a, b) =>
      dateOf(a) === dateOf(b)
        ? Buffer.compare(bytes(keyIdOf(a)), bytes(keyIdOf(b)))
        : dateOf(a) - dateOf(b),
    )
    .slice(0, wanted.limit)
}

/** Runs a work against both; the model is only replaced when the work commits. */
async function runWork(store: RowStore, model: Model, next: Work, look: PageQuery): Promise<Model> {
  const changed = new Map(model)
  const run = store.transaction(async (tx) => {
    for (const one of next.steps) {
      assert.equal(await applyToStore(tx, one), applyToModel(changed, one))
    }
    assert.deepEqual(await tx.page(KEY_TABLE, look), modelPage(changed, look))
    if (next.end === 'throw') throw new Error('undo')
  })
  if (next.end === 'commit') {
    await run
    return changed
  }
  await assert.rejects(run, { message: 'undo' })
  return model
}

/** The part of the contract that compares an adapter with a plain `Map`, over random operations. */
export function rowModelContract(name: string, open: () => Promise<OpenedRowStore>): void {
  describe(`RowStore against a model: ${name}`, () => {
    test('random works leave the rows, pages, counts and feed that the model has', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(work, query), { maxLength: WORKS_MAX }),
          async (works) => {
            const { store } = await open()
            try {
              let model: Model = new Map()
              for (const [next, look] of works) {
                model = await runWork(store, model, next, look)
                assert.deepEqual(await store.page(KEY_TABLE, look), modelPage(model, look))
              }
              await assertSame(store, model)
            } finally {
              await store.close()
            }
          },
        ),
        { numRuns: 40 },
      )
    })

    test('random works started together end as if run one after the other', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(work, { maxLength: WORKS_MAX }), async (works) => {
          const { store } = await open()
          try {
            let model: Model = new Map()
            // The model is read when the work runs, after the works before it have ended.
            const runs = works.map((next) => {
              const changed: Model = new Map()
              return store.transaction(async (tx) => {
                for (const [keyId, row] of model) changed.set(keyId, row)
                for (const one of next.steps) {
                  assert.equal(await applyToStore(tx, one), applyToModel(changed, one))
                }
                if (next.end === 'throw') throw new Error('undo')
                model = changed
              })
            })
            const results = await Promise.allSettled(runs)
            assert.deepEqual(
              results.map((result) => result.status === 'fulfilled'),
              works.map((next) => next.end === 'commit'),
            )
            await assertSame(store, model)
          } finally {
            await store.close()
          }
        }),
        { numRuns: 40 },
      )
    })
  })
}

async function assertSame(store: RowStore, model: Model): Promise<void> {
  for (const keyId of KEY_IDS) {
    assert.deepEqual(await store.get(KEY_TABLE, [REGION, keyId]), model.get(keyId))
  }
  const all = { index: 'by_account', equals: [ACCOUNT], atMost: 100 }
  assert.equal(await store.count(KEY_TABLE, all), model.size)
  const epochs = (await store.changesSince(0, 10_000)).map((change) => change.epoch)
  assert.deepEqual(
    epochs,
    epochs.toSorted((a, b) => a - b),
  )
  assert.equal(await store.epoch(), epochs.at(-1) ?? 0)
}
