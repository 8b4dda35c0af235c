import { OperatorError } from '../../core/errors.ts'
import { TABLES } from '../../core/tables.ts'
import { CUSTODY_SETTING } from '../../crypto/custody.ts'
import { TRANSFER_SETTING } from '../../storage/transfer.ts'
import type { NodeStore } from '../node/node-store.ts'

/** For what fills a whole store. @throws {OperatorError} where there is anything in it */
export async function assertEmpty({ rows, location }: NodeStore): Promise<void> {
  const isEmpty =
    (await rows.setting(CUSTODY_SETTING)) === undefined &&
    (await rows.setting(TRANSFER_SETTING)) === undefined &&
    (await hasNoRows(rows))
  if (isEmpty) return
  throw new OperatorError(
    `the store ${location} is not empty`,
    'name an empty one: for a database, drop the schema and run strongroom migrate again',
  )
}

async function hasNoRows(rows: NodeStore['rows']): Promise<boolean> {
  for (const { schema } of TABLES) {
    if ((await rows.count(schema, { index: 'key', equals: [], atMost: 1 })) > 0) return false
  }
  return true
}
