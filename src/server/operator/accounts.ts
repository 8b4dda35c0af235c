import { assert } from '../../core/assert.ts'
import { OperatorError } from '../../core/errors.ts'
import { type AccountId, parseAccessKeyId, parseAccountId } from '../../core/ids.ts'
import type { AccountSummary, IssuedCredential } from '../../core/operator.ts'
import type { Clock, Random } from '../../core/ports.ts'
import type { RecordStore, Records, RecordsTransaction } from '../../core/records.ts'
import { Secret } from '../../core/secret.ts'
import { ACCOUNTS, CREDENTIALS } from '../../core/tables.ts'
import { drawAccessKeyId, drawSecretAccessKey } from '../../identity/access-keys.ts'
import { rootCredentials } from '../../identity/root-credentials.ts'

export interface AccountParts {
  readonly records: RecordStore
  readonly clock: Clock
  readonly random: Random
}

const ACCOUNTS_PER_PAGE = 1000

const LIST_HINT = 'strongroom account list shows those there are'

/** The id of an account that an operator names. @throws OperatorError where there is no such account */
export async function findAccount(records: Records, given: unknown): Promise<AccountId> {
  const accountId = typeof given === 'string' ? parseAccountId(given) : undefined
  if (accountId === undefined) {
    throw new OperatorError('that is not an account id: it takes twelve digits', LIST_HINT)
  }
  if ((await records.find(ACCOUNTS, [accountId])) === undefined) {
    throw new OperatorError(`there is no account ${accountId}`, LIST_HINT)
  }
  return accountId
}

/** An account id that does not begin with a zero, as AWS's rarely do. */
export function drawAccountId(random: Random): AccountId {
  const digits = Array.from(random.bytes(12), (byte) => byte % 10)
  if (digits[0] === 0) digits[0] = 1
  const accountId = parseAccountId(digits.join(''))
  assert(accountId !== undefined, 'twelve digits are an account id')
  return accountId
}

/** A fresh root credential, not stored yet. The secret is text because it is made to be shown once. */
export function drawCredential(random: Random, accountId: AccountId): IssuedCredential {
  const accessKeyId = drawAccessKeyId(random, 'AKIA')
  using secret = drawSecretAccessKey(random)
  return { accountId, accessKeyId, secretAccessKey: new TextDecoder().decode(secret.expose()) }
}

/** Stores a drawn credential, its secret wrapped. */
async function insertCredential(
  tx: RecordsTransaction,
  issued: IssuedCredential,
  createdAt: ReturnType<Clock['now']>,
): Promise<void> {
  const accessKeyId = parseAccessKeyId(issued.accessKeyId)
  const accountId = parseAccountId(issued.accountId)
  assert(accessKeyId !== undefined && accountId !== undefined, 'a drawn credential is well formed')
  using secret = new Secret(new TextEncoder().encode(issued.secretAccessKey))
  await tx.insert(
    CREDENTIALS,
    { accessKeyId, accountId, principal: { type: 'Root' }, status: 'Active', createdAt },
    secret,
  )
}

/** Makes an account with the given root credential. @throws OperatorError when there is one of that number */
export async function storeAccount(
  { records, clock }: AccountParts,
  issued: IssuedCredential,
  name: string,
): Promise<void> {
  const accountId = parseAccountId(issued.accountId)
  if (accountId === undefined)
    throw new OperatorError(`'${issued.accountId}' is not an account id: it takes twelve digits`)
  await records.transaction(async (tx) => {
    if ((await tx.find(ACCOUNTS, [accountId])) !== undefined) {
      throw new OperatorError(`the account ${accountId} exists already`)
    }
    const createdAt = clock.now()
    await tx.insert(ACCOUNTS, { accountId, name, createdAt })
    await insertCredential(tx, issued, createdAt)
  })
}

/** Every account, by number. */
export async function listAccounts({ records }: AccountParts): Promise<AccountSummary[]> {
  const summaries: AccountSummary[] = []
  let after: readonly string[] | undefined
  for (;;) {
    const page = await records.page(ACCOUNTS, {
      index: 'key',
      equals: [],
      ...(after && { after }),
      limit: ACCOUNTS_PER_PAGE,
    })
    for (const { record } of page) {
      const credentials = await rootCredentials(records, record.accountId)
      const active = credentials.filter((stored) => stored.record.status === 'Active')
      summaries.push({
        accountId: record.accountId,
        name: record.name,
        createdAt: new Date(record.createdAt).toISOString(),
        accessKeyIds: active.map((stored) => stored.record.accessKeyId),
      })
    }
    const last = page.at(-1)
    if (last === undefined || page.length < ACCOUNTS_PER_PAGE) return summaries
    after = [last.record.accountId]
  }
}

/** Gives the account a new root credential; the old ones end in the same commit. @throws OperatorError */
export async function rotateCredentials(
  { records, clock, random }: AccountParts,
  given: string,
): Promise<IssuedCredential & { readonly replaced: readonly string[] }> {
  const accountId = parseAccountId(given)
  if (accountId === undefined)
    throw new OperatorError(`'${given}' is not an account id: it takes twelve digits`)
  const issued = drawCredential(random, accountId)
  const replaced = await records.transaction(async (tx) => {
    if ((await tx.find(ACCOUNTS, [accountId])) === undefined) {
      throw new OperatorError(
        `there is no account ${accountId}`,
        'strongroom account list shows those there are',
      )
    }
    const old = await rootCredentials(tx, accountId)
    for (const stored of old)
      await tx.update(CREDENTIALS, stored, { ...stored.record, status: 'Deleted' })
    await insertCredential(tx, issued, clock.now())
    return old.map(({ record }) => record.accessKeyId)
  })
  return { ...issued, replaced }
}
