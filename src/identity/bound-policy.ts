import { rootArn } from '../core/arn.ts'
import type { BoundPolicy } from '../core/identity.ts'
import { parseAccountId } from '../core/ids.ts'
import type { Records } from '../core/records.ts'
import type { Partition } from '../core/regions.ts'
import { isJsonObject, parseStrictJson } from '../core/strict-json.ts'
import { arnOfId, namedPrincipal, type PrincipalPlace } from './principal-ids.ts'

type JsonMembers = Readonly<Record<string, unknown>>

const listOf = (value: unknown): readonly unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value]

/** `s3.amazonaws.com`, with a Region or a partition's ending. */
const SERVICE_PRINCIPAL = /^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,4}\.amazonaws\.com(\.cn)?$/

/** A value in the Principal element that stands for one of AWS's principals, or a service. */
interface Mention {
  readonly kind: string
  readonly text: string
}

/** Every principal that the statements name, `Principal` and `NotPrincipal` alike. */
function mentionsIn(policy: unknown): readonly Mention[] {
  if (!isJsonObject(policy)) return []
  const found: Mention[] = []
  for (const statement of listOf(policy['Statement'])) {
    if (!isJsonObject(statement)) continue
    for (const element of [statement['Principal'], statement['NotPrincipal']]) {
      if (!isJsonObject(element)) continue
      for (const [kind, values] of Object.entries(element)) {
        for (const text of listOf(values)) {
          if (typeof text === 'string') found.push({ kind, text })
        }
      }
    }
  }
  return found
}

/** A policy with the ids of its principals, or the first principal that is none. */
export type Binding =
  | { readonly bound: BoundPolicy }
  | { readonly bound?: undefined; readonly invalid: Mention }

/**
 * Finds the principals that a policy names, which has passed `policyProblem`: from now on it means those
 * that exist now, and not others that are given their names later.
 */
export async function bindPrincipals(
  records: Records,
  text: string,
  place: PrincipalPlace,
): Promise<Binding> {
  const parsed = parseStrictJson(text)
  const principalIds: Record<string, string> = {}
  for (const mention of mentionsIn(parsed.ok ? parsed.value : undefined)) {
    if (mention.kind === 'Service' && !SERVICE_PRINCIPAL.test(mention.text)) {
      return { invalid: mention }
    }
    if (mention.kind !== 'AWS') continue
    const named = await namedPrincipal(records, mention.text, place)
    if (named === undefined) return { invalid: mention }
    if (named.kind === 'bound' && named.id !== mention.text) principalIds[mention.text] = named.id
  }
  return { bound: { text, principalIds } }
}

/** Elements in the order in which AWS shows them. */
const POLICY_ORDER = ['Version', 'Id', 'Statement']
const STATEMENT_ORDER = [
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]

const inOrder = (members: JsonMembers, order: readonly string[]): JsonMembers =>
  Object.fromEntries(
    order.filter((name) => members[name] !== undefined).map((name) => [name, members[name]]),
  )

type Rename = (kind: string, text: string) => string

function renamePrincipals(element: unknown, rename: Rename): unknown {
  if (!isJsonObject(element)) return element
  const entries = Object.entries(element).map(([kind, values]): [string, unknown] => {
    const renamed = listOf(values).map((text) =>
      typeof text === 'string' ? rename(kind, text) : text,
    )
    return [kind, Array.isArray(values) ? renamed : renamed[0]]
  })
  return Object.fromEntries(entries)
}

function showStatement(statement: unknown, rename: Rename): unknown {
  if (!isJsonObject(statement)) return statement
  const shown = { ...statement }
  for (const name of ['Principal', 'NotPrincipal']) {
    if (shown[name] !== undefined) shown[name] = renamePrincipals(shown[name], rename)
  }
  return inOrder(shown, STATEMENT_ORDER)
}

/**
 * The policy as AWS shows it: elements in AWS's order, accounts as the ARN of their root, users and roles
 * under their present ARN, and under their unique id once they are deleted. Undefined where it names all
 * its principals so already.
 */
export async function shownPolicy(
  records: Records,
  { text, principalIds }: BoundPolicy,
  partition: Partition,
): Promise<JsonMembers | undefined> {
  const names = new Map<string, string>()
  for (const [given, id] of Object.entries(principalIds)) {
    names.set(given, (await arnOfId(records, id, partition)) ?? id)
  }
  let isRenamed = false
  const rename: Rename = (kind, given) => {
    if (kind !== 'AWS') return given
    const account = parseAccountId(given)
    const name = account === undefined ? names.get(given) : rootArn(partition, account)
    if (name === undefined || name === given) return given
    isRenamed = true
    return name
  }
  const parsed = parseStrictJson(text)
  const policy = parsed.ok && isJsonObject(parsed.value) ? parsed.value : {}
  const statements = policy['Statement']
  const shown = Array.isArray(statements)
    ? statements.map((statement) => showStatement(statement, rename))
    : showStatement(statements, rename)
  return isRenamed ? inOrder({ ...policy, Statement: shown }, POLICY_ORDER) : undefined
}
