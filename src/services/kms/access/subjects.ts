import { OperatorError } from '../../../core/errors.ts'
import type { Role, User } from '../../../core/identity.ts'
import { nameKey, ROLES, USERS } from '../../../core/identity-tables.ts'
import { type AccountId, parseAccountId } from '../../../core/ids.ts'
import type { Stored } from '../../../core/records.ts'
import { ACCOUNTS, type Table } from '../../../core/tables.ts'
import { individuals, serviceSubject } from './individuals.ts'
import {
  accountSubject,
  anyoneSubject,
  isOpen,
  roleSubject,
  rootSubject,
  type Subject,
  type SubjectScope,
  userSubject,
} from './subject.ts'

/** Identities that one query reads. */
const PAGE = 200

/** Where a listing goes on. */
interface Position {
  readonly accountId: AccountId
  readonly kind: 'root' | 'user' | 'role'
  readonly after: readonly string[]
}

const POSITION = /^(\d{12})\/(?:root|(user|role)\/([^/]{1,128})\/([A-Z0-9]{4,128}))$/

/** @throws OperatorError for what no listing has given */
function parsePosition(text: string): Position | 'mentioned' {
  if (text.startsWith('mentioned/')) return 'mentioned'
  const [, account = '', kind, name = '', id = ''] = POSITION.exec(text) ?? []
  const accountId = parseAccountId(account)
  if (accountId === undefined) throw new OperatorError('that is no place in a list of principals')
  if (kind !== 'user' && kind !== 'role') return { accountId, kind: 'root', after: [] }
  return { accountId, kind, after: [name, id] }
}

async function* pagesOf<R extends User | Role>(
  { records }: SubjectScope,
  table: Table<R>,
  accountId: AccountId,
  start: readonly string[] | undefined,
): AsyncGenerator<R> {
  let after = start
  for (;;) {
    const page: readonly Stored<R>[] = await records.page(table, {
      index: 'by_name',
      equals: [accountId],
      ...(after && { after }),
      limit: PAGE,
    })
    for (const { record } of page) yield record
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    after = [nameKey(last.record.name), ...table.keyOf(last.record)]
  }
}

/** The root, the users and the roles of an account, from behind a position. */
async function* identitiesOf(
  scope: SubjectScope,
  accountId: AccountId,
  from: Position | undefined,
): AsyncGenerator<Subject> {
  const { partition } = scope
  if (from === undefined) yield rootSubject(partition, accountId)
  if (from?.kind !== 'role') {
    const after = from?.kind === 'user' ? from.after : undefined
    for await (const user of pagesOf(scope, USERS, accountId, after)) {
      yield userSubject(partition, user)
    }
  }
  const after = from?.kind === 'role' ? from.after : undefined
  for await (const role of pagesOf(scope, ROLES, accountId, after)) {
    yield roleSubject(partition, role)
  }
}

/** The accounts that are named, ascending. */
const namedAccounts = ({ mentions, home }: SubjectScope): readonly AccountId[] =>
  [...mentions.accounts]
    .sort()
    .map(parseAccountId)
    .filter((accountId) => accountId !== undefined)
    .filter((accountId) => accountId !== home)

/** Other accounts whose identities are listed, ascending. */
async function* otherAccounts(scope: SubjectScope, from: string): AsyncGenerator<AccountId> {
  const { records, home, mentions, seesAll } = scope
  if (!mentions.isEveryone || !seesAll) {
    for (const accountId of namedAccounts(scope)) {
      if (accountId >= from && (await isOpen(scope, accountId))) yield accountId
    }
    return
  }
  let after: readonly string[] | undefined
  for (;;) {
    const page = await records.page(ACCOUNTS, {
      index: 'key',
      equals: [],
      ...(after && { after }),
      limit: PAGE,
    })
    for (const { record } of page) {
      if (record.accountId !== home && record.accountId >= from) yield record.accountId
    }
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    after = [last.record.accountId]
  }
}

/** Everybody who is in no list of an account, in an order that stays. */
async function unlisted(scope: SubjectScope): Promise<readonly Subject[]> {
  const { home, partition, mentions } = scope
  const found: Subject[] = []
  for (const accountId of namedAccounts(scope)) {
    if (!(await isOpen(scope, accountId))) found.push(accountSubject(partition, accountId))
  }
  for await (const subject of individuals(scope)) found.push(subject)
  const place = { accountId: home, region: scope.region }
  for (const name of mentions.services) found.push(serviceSubject(name, place))
  if (mentions.isEveryone) found.push(anyoneSubject(scope))
  return found
}

/**
 * Everybody who could be allowed: the root, users and roles of the key's account and of those that its
 * policy or a grant opens it to, and whoever else is named. Read page by page.
 * @param after the position of the last one that was seen
 * @throws OperatorError for a position that is none
 */
export async function* subjectsOf(scope: SubjectScope, after?: string): AsyncGenerator<Subject> {
  const { home } = scope
  const position = after === undefined ? undefined : parsePosition(after)
  if (position !== 'mentioned') {
    const isAtHome = position === undefined || position.accountId === home
    if (isAtHome) yield* identitiesOf(scope, home, position)
    const from = isAtHome ? '' : position.accountId
    for await (const accountId of otherAccounts(scope, from)) {
      yield* identitiesOf(scope, accountId, accountId === from ? position : undefined)
    }
  }
  const rest = await unlisted(scope)
  const seen = position === 'mentioned' ? rest.findIndex((each) => each.position === after) : -1
  yield* rest.slice(seen + 1)
}
