import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { PageQuery, TableSchema } from '../../src/core/store.ts'
import { TABLES } from '../../src/core/tables.ts'
import { countSql, getSql, pageSql, storedColumns } from '../../src/storage/postgres/table-sql.ts'
import { indexColumns } from '../../src/storage/row-shape.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { openSchema } from '../support/postgres-stores.ts'

const SCHEMA = 'tables'
const server = await startPostgres()
const { client, close } = await openSchema(server, SCHEMA)
after(async () => {
  await close()
  await server.stop()
})
await client.query(`SET search_path TO ${SCHEMA}`)
await client.query('SET plan_cache_mode = force_custom_plan')

/** Rows in each table when plans are asked for: with fewer, reading all of them is the best plan. */
const ROWS = 5000
/** The row that the queries ask for, and its place in the order. */
const ROW = 2500

/** The value of a column in a row: some are many rows', some one row's. */
function valueOf(schema: TableSchema, name: string, row: number): string | number {
  const part = schema.key.indexOf(name)
  if (part >= 0) return part < schema.key.length - 1 ? `p${row % 7}` : `k${row}`
  return schema.columns[name] === 'integer' ? row : `c${row % 90}`
}

async function fill(schema: TableSchema): Promise<void> {
  const names = [...schema.key, ...Object.keys(schema.columns)]
  const values = names.map((name) => {
    const rows = Array.from({ length: ROWS }, (_, row) => valueOf(schema, name, row))
    return typeof rows[0] === 'number' ? { type: 'bigint', rows } : { type: 'text', rows }
  })
  const arrays = values.map(({ type }, at) => `$${at + 1}::${type}[]`).join(', ')
  await client.query(
    `INSERT INTO "${schema.name}" (${names.join(', ')}, version, body, mac)
     SELECT *, 1, '{}', '\\x00' FROM unnest(${arrays})`,
    values.map(({ rows }) => rows),
  )
  await client.query(`ANALYZE "${schema.name}"`)
}

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

describe('the tables in PostgreSQL', () => {
  for (const { schema } of TABLES) {
    test(`${schema.name} has the columns of its schema, its text in the order of bytes`, async () => {
      const { rows } = await client.query<Record<string, string>>(
        `SELECT column_name, data_type, is_nullable, collation_name FROM information_schema.columns
         WHERE table_schema = $1 AND table_name = $2`,
        [SCHEMA, schema.name],
      )
      const expected = [
        ...schema.key.map((name) => `${name} text NO C`),
        'version bigint NO null',
        ...Object.entries(schema.columns).map(([name, type]) =>
          type === 'text' ? `${name} text YES C` : `${name} bigint YES null`,
        ),
        'body text NO C',
        'secret bytea YES null',
        'mac bytea NO null',
      ]
      assert.deepEqual(
        rows
          .map((row) =>
            [row['column_name'], row['data_type'], row['is_nullable'], row['collation_name']]
              .map(String)
              .join(' '),
          )
          .toSorted(byText),
        expected.toSorted(byText),
      )
      assert.equal(rows.length, storedColumns(schema).length)
    })

    test(`${schema.name} has the indexes of its schema and no others`, async () => {
      const { rows } = await client.query<{ indexname: string }>(
        'SELECT indexname FROM pg_indexes WHERE schemaname = $1 AND tablename = $2',
        [SCHEMA, schema.name],
      )
      const own = Object.keys(schema.indexes).map((index) => `${schema.name}_${index}`)
      assert.deepEqual(
        rows.map(({ indexname }) => indexname).toSorted(byText),
        [...own, `${schema.name}_pkey`].toSorted(byText),
      )
    })
  }
})

/** Every form of page that an index allows, with values of the right types. */
function* pagesOf(schema: TableSchema): Generator<PageQuery> {
  for (const index of ['key', ...Object.keys(schema.indexes)]) {
    const values = indexColumns(schema, index).map(({ name }) => valueOf(schema, name, ROW))
    for (let equals = 0; equals < values.length; equals++) {
      for (const withAfter of [false, true]) {
        for (const upTo of [undefined, values[equals]]) {
          yield {
            index,
            equals: values.slice(0, equals),
            limit: 10,
            ...(withAfter && { after: values.slice(equals) }),
            ...(upTo !== undefined && { upTo }),
          }
        }
      }
    }
  }
}

let plans = 0
/** How the server would run a statement, whatever its parameters are. */
async function planOf(sql: string, parameters: readonly unknown[]): Promise<string> {
  const name = `plan${++plans}`
  await client.query(`PREPARE ${name} AS ${sql}`)
  const values = parameters.map((value) =>
    typeof value === 'number' ? value : `'${String(value)}'`,
  )
  const { rows } = await client.query<Record<string, string>>(
    `EXPLAIN EXECUTE ${name} (${values.join(', ')})`,
  )
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}

describe('the plans of reads in PostgreSQL', () => {
  before(async () => {
    for (const { schema } of TABLES) await fill(schema)
    // A handful of rows may well be read and sorted; what is asked here is whether many need not be.
    await client.query(
      'SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off',
    )
  })

  for (const { schema } of TABLES) {
    test(`a page of ${schema.name} is a range of its index, sorted by nothing else`, async () => {
      for (const query of pagesOf(schema)) {
        const { equals, after: behind = [], upTo, limit } = query
        const values = [...equals, ...behind, ...(upTo === undefined ? [] : [upTo]), limit]
        const plan = await planOf(pageSql(schema, query), values)
        const index = query.index === 'key' ? 'pkey' : query.index
        assert.match(plan, new RegExp(`Index Scan using "?${schema.name}_${index}"? `), plan)
        assert.doesNotMatch(plan, /Sort/, plan)
        if (values.length > 1) assert.match(plan, /Index Cond/, plan)
      }
    })

    test(`a row of ${schema.name} is found by its key, and a count by its index`, async () => {
      const key = schema.key.map((name) => valueOf(schema, name, ROW))
      assert.match(await planOf(getSql(schema), key), new RegExp(`${schema.name}_pkey`))
      for (const [index, names] of Object.entries(schema.indexes)) {
        const first = valueOf(schema, names[0] ?? '', ROW)
        const plan = await planOf(countSql(schema, index, 1), [first, 10])
        assert.match(plan, /Index.* Scan using/, plan)
      }
    })
  }
})
