import type { StoreMigration } from '../../cli/store-program.ts'
import { OperatorError } from '../../core/errors.ts'
import {
  migrateStore as migratePostgresStore,
  planStoreMigration,
} from '../../storage/postgres/postgres-store.ts'
import { isPostgresUrl, parsePostgresUrl } from '../../storage/postgres/postgres-url.ts'

/** Brings the tables of a store in PostgreSQL up to date. @throws OperatorError */
export async function migrateStore({
  store,
  dryRun,
}: {
  readonly store: string
  readonly dryRun: boolean
}): Promise<StoreMigration> {
  if (!isPostgresUrl(store)) {
    throw new OperatorError(
      '--store names no database',
      'a store in a file is brought up to date by the start; a database is named as postgres://…',
    )
  }
  const address = parsePostgresUrl(store)
  return dryRun ? planStoreMigration(address) : migratePostgresStore(address)
}
