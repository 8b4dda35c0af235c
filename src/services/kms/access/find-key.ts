import { parseArn } from '../../../core/arn.ts'
import { OperatorError } from '../../../core/errors.ts'
import {
  type AccountId,
  type Instant,
  type KeyId,
  parseAccountId,
  parseAliasName,
  parseKeyId,
  type Region,
} from '../../../core/ids.ts'
import { isGone } from '../../../core/key.ts'
import type { Records } from '../../../core/records.ts'
import { parseRegion, REGIONS } from '../../../core/regions.ts'
import { ACCOUNTS, ALIASES, KEYS } from '../../../core/tables.ts'
import { type ResolvedKey, resolvedKey } from '../keys/key-resolver.ts'

/** How an operator names a key. */
export interface KeyName {
  /** Id, ARN or alias. */
  readonly key: string
  /** Where the name does not say: of an alias, the only account by default. */
  readonly accountId?: string | undefined
  /** Where the name does not say: every Region by default. */
  readonly region?: string | undefined
}

const NAMES_HINT = 'name it by its id, its ARN, or an alias: alias/NAME'

const noKey = (hint: string): OperatorError => new OperatorError('there is no such key', hint)

/** @throws OperatorError for text that is no account id */
export function getAccount(text: string): AccountId {
  const accountId = parseAccountId(text)
  if (accountId === undefined) throw new OperatorError('an account id has 12 digits')
  return accountId
}

/** What the name says, and what is said beside it. @throws OperatorError */
function readName({ key, accountId, region }: KeyName) {
  const arn = parseArn(key)
  const account = arn?.accountId ?? (accountId === undefined ? undefined : getAccount(accountId))
  const regionText = arn?.region ?? region
  const place = regionText === undefined ? undefined : parseRegion(regionText)
  if (regionText !== undefined && place === undefined) {
    throw new OperatorError('there is no such Region', 'name one of AWS, such as eu-central-1')
  }
  const resource = arn === undefined ? key.replace(/^key\//, '') : arn.resource
  const keyId = parseKeyId(resource.replace(/^key\//, ''))
  const alias = parseAliasName(resource)
  if (keyId === undefined && alias === undefined) {
    throw new OperatorError('that names no key', NAMES_HINT)
  }
  return { account, place, keyId, alias }
}

/** The only account of the node. @throws OperatorError where there are more */
async function onlyAccount(records: Records): Promise<AccountId> {
  const [first, second] = await records.page(ACCOUNTS, { index: 'key', equals: [], limit: 2 })
  if (first !== undefined && second === undefined) return first.record.accountId
  throw new OperatorError('an alias of which account?', 'name it with --account ID')
}

async function targetOf(
  records: Records,
  place: { readonly accountId: AccountId; readonly region: Region },
  alias: ReturnType<typeof parseAliasName> & string,
): Promise<KeyId | undefined> {
  const found = await records.find(ALIASES, [place.accountId, place.region, alias])
  return found?.record.targetKeyId
}

/** Finds the key that an operator names. @throws OperatorError where there is none, or more than one */
export async function findNamedKey(
  records: Records,
  name: KeyName,
  time: Instant,
): Promise<ResolvedKey> {
  const { account, place, keyId, alias } = readName(name)
  const owner = alias === undefined ? account : (account ?? (await onlyAccount(records)))
  const found: ResolvedKey[] = []
  for (const region of place === undefined ? REGIONS : [place]) {
    const id =
      keyId ??
      (alias && owner ? await targetOf(records, { accountId: owner, region }, alias) : undefined)
    const stored = id === undefined ? undefined : await records.find(KEYS, [region, id])
    if (stored === undefined || isGone(stored.record, time)) continue
    if (owner !== undefined && stored.record.accountId !== owner) continue
    found.push(resolvedKey(stored, time))
  }
  const [only] = found
  if (only === undefined) throw noKey(NAMES_HINT)
  if (found.length > 1) {
    throw new OperatorError('there is such a key in several Regions', 'name one with --region')
  }
  return only
}
