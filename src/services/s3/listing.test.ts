import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { TrailObjects } from '../../audit/trail/trail-objects.ts'
import { memoryTrailObjects } from '../../audit/trail/trail-objects-memory.ts'
import { instant } from '../../core/ids.ts'
import { type ListingQuery, listPage } from './listing.ts'

const ACCOUNT = '111122223333'

async function holding(keys: readonly string[]): Promise<TrailObjects> {
  const objects = memoryTrailObjects()
  for (const key of keys) {
    await objects.put(ACCOUNT, {
      key,
      body: Buffer.from(key),
      metadata: {},
      modifiedAt: instant(0),
    })
  }
  return objects
}

/** Objects and common prefixes of all pages, in their order. */
async function entriesOf(objects: TrailObjects, query: ListingQuery): Promise<string[]> {
  const entries: string[] = []
  let after = query.after
  for (;;) {
    const page = await listPage(objects, ACCOUNT, { ...query, after })
    const found = [...page.objects.map(({ key }) => key), ...page.prefixes].sort()
    assert.ok(found.length <= query.limit)
    entries.push(...found)
    if (page.next === undefined) return entries
    assert.equal(found.length, query.limit, 'only the last page is not full')
    after = page.next
  }
}

/** The same, by looking at every key. */
function expectedOf(keys: readonly string[], { prefix, delimiter, after }: ListingQuery): string[] {
  const entries = keys
    .filter((key) => key.startsWith(prefix) && key > after)
    .map((key) => {
      const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
      return at === -1 ? key : key.slice(0, at + delimiter.length)
    })
    .filter((entry) => entry !== after)
  return [...new Set(entries)].sort()
}

const text = (maxLength: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b', '/', '~'), maxLength })

test('pages of every size hold each entry once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(
        text(6).filter((key) => key !== ''),
        { maxLength: 20 },
      ),
      text(2),
      fc.constantFrom('', '/', '~', 'ab'),
      text(3),
      fc.integer({ min: 1, max: 5 }),
      async (keys, prefix, delimiter, after, limit) => {
        const query = { prefix, delimiter, after, limit }
        assert.deepEqual(await entriesOf(await holding(keys), query), expectedOf(keys, query))
      },
    ),
    { numRuns: 500 },
  )
})

test('what lies below a common prefix is not read key by key', async () => {
  const keys = Array.from({ length: 5000 }, (_, at) => `a/${String(at).padStart(4, '0')}`)
  const objects = await holding([...keys, 'b'])
  let asked = 0
  const counted: TrailObjects = {
    ...objects,
    list: async (account, query) => {
      const found = await objects.list(account, query)
      asked += found.length
      return found
    },
  }
  const query = { prefix: '', delimiter: '/', after: '', limit: 1000 }
  const page = await listPage(counted, ACCOUNT, query)
  assert.deepEqual([page.prefixes, page.objects.map(({ key }) => key)], [['a/'], ['b']])
  assert.ok(asked <= 200, `${asked} keys were read`)
})

test('no entry is asked for, none is given', async () => {
  const query = { prefix: '', delimiter: '', after: '', limit: 0 }
  const page = await listPage(await holding(['a']), ACCOUNT, query)
  assert.deepEqual(page, { objects: [], prefixes: [], next: undefined })
})

test('a delimiter that ends every key does not have the bucket walked once for each', async () => {
  const objects = await holding(Array.from({ length: 500 }, (_, at) => `k${at}.json.gz`))
  let walks = 0
  const counted: TrailObjects = {
    ...objects,
    list: (account, query) => {
      walks += 1
      return objects.list(account, query)
    },
  }
  const query = { prefix: '', delimiter: '.json.gz', after: '', limit: 1000 }
  assert.equal((await listPage(counted, ACCOUNT, query)).prefixes.length, 500)
  assert.ok(walks <= 10, `the bucket was walked ${walks} times`)
})
