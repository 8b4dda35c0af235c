import type { NamedPolicy } from '../../../authz/policies.ts'
import type { GrantBook } from './grant-book.ts'

/** Whom key policies and grants speak of, where they allow. */
export interface Mentions {
  /** Whether a statement means everybody, or everybody but some. */
  readonly isEveryone: boolean
  readonly accounts: ReadonlySet<string>
  /** Unique ids, and `AROA…:session`. */
  readonly ids: ReadonlySet<string>
  /** ARNs of principals that have no id. */
  readonly arns: ReadonlySet<string>
  readonly services: ReadonlySet<string>
}

const ROOT_ARN = /^arn:[a-z0-9-]+:iam::(\d{12}):root$/
const UNIQUE_ID = /^A(?:IDA|ROA)[A-Z0-9]+(?::|$)/

/** Collects the principals that could be allowed one of the operations. */
export function mentionsOf(
  policies: readonly NamedPolicy[],
  grants: GrantBook,
  operations: readonly string[],
): Mentions {
  let isEveryone = false
  const accounts = new Set<string>()
  const ids = new Set<string>()
  const arns = new Set<string>()
  const services = new Set<string>()
  const statements = policies.flatMap(({ policy }) =>
    operations.flatMap((operation) => policy.statementsFor(`kms:${operation.toLowerCase()}`)),
  )
  for (const { effect, named } of new Set(statements)) {
    if (effect !== 'Allow' || named === undefined) continue
    if (named.isNegated || named.isEveryone) isEveryone = true
    if (named.isNegated) continue
    for (const account of named.accounts) accounts.add(account)
    for (const id of named.ids) ids.add(id)
    for (const arn of named.arns) arns.add(arn)
    for (const service of named.services) services.add(service)
  }
  for (const grantee of grants.grantees) {
    if (!grants.gives(grantee, operations)) continue
    const account = ROOT_ARN.exec(grantee)?.[1]
    if (account !== undefined) accounts.add(account)
    else if (UNIQUE_ID.test(grantee)) ids.add(grantee)
    else if (grantee.startsWith('arn:')) arns.add(grantee)
    else services.add(grantee)
  }
  return { isEveryone, accounts, ids, arns, services }
}
