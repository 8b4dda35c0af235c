import { ConflictError, DependencyError, IntegrityError } from '../../core/errors.ts'

/** What an error of the database means for what was being done. */
export type PostgresFailure =
  /** Nothing happened, and the same again may succeed. */
  | 'again'
  /** The connection is of no use any more; what became of a commit is unknown. */
  | 'lost'
  /** It took too long. */
  | 'slow'
  | 'other'

const SQLSTATE = /^[0-9A-Z]{5}$/
/** Source: PostgreSQL documentation, appendix A. */
const AGAIN = new Set(['40001', '40P01', '55P03'])
const LOST = new Set([
  '25006', // the server became a standby
  '25P03', // idle in a transaction for too long: the server ended the session
  '40003', // CockroachDB: whether the statement was completed is unknown
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '53300',
])
const QUERY_CANCELED = '57014'
const INDEX_CORRUPTED = 'XX002'
const DATA_CORRUPTED = 'XX001'
const INSUFFICIENT_PRIVILEGE = '42501'

/** The SQLSTATE of an error that the server sent; undefined for any other. */
export function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const { code } = error
  return 'severity' in error && typeof code === 'string' && SQLSTATE.test(code) ? code : undefined
}

export function failureOf(error: unknown): PostgresFailure {
  const state = sqlStateOf(error)
  if (state === undefined) return isOfConnection(error) ? 'lost' : 'other'
  if (AGAIN.has(state)) return 'again'
  if (LOST.has(state) || state.startsWith('08')) return 'lost'
  return state === QUERY_CANCELED ? 'slow' : 'other'
}

/**
 * Whether the error came from the connection. The driver and Node.js tell of it by plain errors, some
 * without a code; anything of another class is ours or a bug.
 */
const isOfConnection = (error: unknown): error is Error =>
  error instanceof Error && (error.name === 'Error' || error.name === 'AggregateError')

/**
 * An error of the database or the connection as one of ours, with the original as `cause`. The
 * server's message is kept, its detail is not: it may quote what a row holds.
 * @param doing what failed, to follow "could not"
 */
export function fromPostgres(error: unknown, doing: string): unknown {
  const state = sqlStateOf(error)
  if (!(error instanceof Error) || (state === undefined && !isOfConnection(error))) return error
  if (state === undefined) {
    return new DependencyError(
      `the database could not be reached to ${doing}: ${reasonOf(error)}`,
      { cause: error },
    )
  }
  if (state === DATA_CORRUPTED || state === INDEX_CORRUPTED) {
    return new IntegrityError(`the database is damaged: could not ${doing}`, { cause: error })
  }
  if (state === '23505') return new ConflictError('the key is taken', { cause: error })
  const hint =
    state === INSUFFICIENT_PRIVILEGE
      ? ' (grant the role its rights: deploy/postgres/roles.sql)'
      : ''
  return new DependencyError(
    `the database could not ${doing}: ${error.message}${hint} (SQLSTATE ${state})`,
    { cause: error },
  )
}

/** Node.js gives an `AggregateError` without a message where a name has several addresses. */
function reasonOf(error: Error): string {
  if (error.message !== '') return error.message
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
