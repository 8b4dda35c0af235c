import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, test } from 'node:test'
import { AssertionFailure } from '../../core/assert.ts'
import type { PageQuery, TableSchema } from '../../core/store.ts'
import { TABLES } from '../../core/tables.ts'
import { indexColumns } from '../row-shape.ts'
import { MIGRATIONS } from './migrations.ts'
import { countSql, getSql, pageSql, storedColumns } from './table-sql.ts'

const db = new DatabaseSync(':memory:')
after(() => db.close())
for (const migration of MIGRATIONS) db.exec(migration.sql)

const textsOf = (sql: string, column: string): string[] =>
  db
    .prepare(sql)
    .all()
    .map((row) => String(row[column]))

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

/** How SQLite would run a statement; every parameter is left null. */
const planOf = (sql: string): string => textsOf(`EXPLAIN QUERY PLAN ${sql}`, 'detail').join('; ')

describe('the SQL of the migrations', () => {
  for (const { schema } of TABLES) {
    test(`table ${schema.name} has the columns of its schema, with their types`, () => {
      const columns = db.prepare(`PRAGMA table_info("${schema.name}")`).all()
      const key = schema.key.map((name, at) => [name, 'TEXT', 1, at + 1])
      const further = Object.entries(schema.columns).map(([name, type]) => [
        name,
        type.toUpperCase(),
        0,
        0,
      ])
      const expected = [
        ...key,
        ['version', 'INTEGER', 1, 0],
        ...further,
        ['body', 'TEXT', 1, 0],
        ['secret', 'BLOB', 0, 0],
        ['mac', 'BLOB', 1, 0],
      ]
      // A column that a later migration added stands last, and every statement names its columns.
      assert.deepEqual(
        columns
          .map(({ name, type, notnull, pk }) => [name, type, notnull, pk].join(' '))
          .toSorted(byText),
        expected.map((column) => column.join(' ')).toSorted(byText),
      )
      assert.deepEqual(
        columns.map(({ name }) => String(name)).toSorted(byText),
        storedColumns(schema).toSorted(byText),
      )
    })

    test(`table ${schema.name} has the indexes of its schema and no others`, () => {
      const own = textsOf(
        `SELECT name FROM pragma_index_list('${schema.name}') WHERE origin = 'c' ORDER BY name`,
        'name',
      )
      assert.deepEqual(
        own,
        Object.keys(schema.indexes)
          .map((index) => `${schema.name}_${index}`)
          .sort(),
      )
      for (const [index, columns] of Object.entries(schema.indexes)) {
        assert.deepEqual(textsOf(`PRAGMA index_info("${schema.name}_${index}")`, 'name'), [
          ...columns,
        ])
      }
    })

    test(`table ${schema.name} is strict`, () => {
      const found = db
        .prepare('SELECT strict FROM pragma_table_list WHERE name = ?')
        .get(schema.name)
      assert.equal(found?.['strict'], 1)
    })
  }
})

describe('the plans of reads', () => {
  /** Every form of page that an index allows, with values of the right types. */
  function* pagesOf(schema: TableSchema): Generator<PageQuery> {
    for (const index of ['key', ...Object.keys(schema.indexes)]) {
      const values = indexColumns(schema, index).map(({ type }) => (type === 'text' ? 'a' : 1))
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

  for (const { schema } of TABLES) {
    test(`a page of ${schema.name} is a range of one index, sorted by nothing else`, () => {
      for (const query of pagesOf(schema)) {
        const plan = planOf(pageSql(schema, query))
        assert.doesNotMatch(plan, /TEMP B-TREE/, plan)
        const bounded = query.equals.length > 0 || query.after || query.upTo !== undefined
        assert.match(plan, bounded ? /^SEARCH .* USING INDEX / : /^SCAN .* USING INDEX /, plan)
      }
    })

    test(`a row of ${schema.name} is found by its key, and a count stays in its index`, () => {
      assert.match(planOf(getSql(schema)), /^SEARCH .* USING INDEX sqlite_autoindex/)
      for (const index of Object.keys(schema.indexes)) {
        assert.match(planOf(countSql(schema, index, 1)), /SEARCH .* USING COVERING INDEX/)
      }
    })
  }

  test('a name that is no identifier never becomes SQL', () => {
    const schema = { name: 'a"; DROP TABLE b', key: ['k'], columns: {}, indexes: {} }
    assert.throws(() => getSql(schema), AssertionFailure)
  })
})
