import type { Change, CommitNews, Row, RowStore } from '../../src/core/store.ts'
import { ALIASES, KEYS } from '../../src/core/tables.ts'

export const KEY_TABLE = KEYS.schema
export const ALIAS_TABLE = ALIASES.schema
export const REGION = 'eu-central-1'
export const ACCOUNT = '111122223333'

/** Every further column of the key table, empty. */
const NO_COLUMNS = Object.fromEntries(Object.keys(KEY_TABLE.columns).map((name) => [name, null]))

/** A row of the key table; what is in it means nothing to a row store. Columns not named are empty. */
export function aKeyRow(keyId: string, more: Partial<Row> = {}): Row {
  return {
    key: [REGION, keyId],
    version: 1,
    body: `{"keyId":"${keyId}"}`,
    secret: null,
    mac: new Uint8Array([1, 2, 3]),
    ...more,
    columns: { ...NO_COLUMNS, account_id: ACCOUNT, ...more.columns },
  }
}

/** A key row that is scheduled for deletion. */
export const aDoomedRow = (keyId: string, deletionDate: number): Row =>
  aKeyRow(keyId, { columns: { account_id: ACCOUNT, deletion_date: deletionDate } })

/** Inserts rows into the key table, in one transaction. */
export async function insertKeys(store: RowStore, ...rows: readonly Row[]): Promise<void> {
  await store.transaction(async (tx) => {
    for (const row of rows) await tx.insert(KEY_TABLE, row)
  })
}

/** The key ids of rows of the key table. */
export const keyIdsOf = (rows: readonly Row[]): string[] => rows.map((row) => row.key[1] ?? '')

/** The changes of a commit; none where everything may have changed. */
export const changesOf = (news: CommitNews): readonly Change[] =>
  news === 'everything' ? [] : news
