import type { IdentityName, NameKind } from '../../core/identity.ts'
import { IDENTITY_NAMES, nameKey } from '../../core/identity-tables.ts'
import type { AccountId } from '../../core/ids.ts'
import type { RecordsTransaction } from '../../core/records.ts'
import { nameTaken } from './refusals.ts'

const LABELS: Readonly<Record<NameKind, 'User' | 'Group' | 'Role'>> = {
  user: 'User',
  group: 'Group',
  role: 'Role',
}

/** Gives a name to an id. @throws ServiceError EntityAlreadyExistsException for one that differs in case alone, too */
export async function claimName(tx: RecordsTransaction, name: IdentityName): Promise<void> {
  const key = IDENTITY_NAMES.keyOf(name)
  if ((await tx.find(IDENTITY_NAMES, key)) !== undefined) {
    throw nameTaken(LABELS[name.kind], name.name)
  }
  await tx.insert(IDENTITY_NAMES, name)
}

/** Takes a name back: from now on it names nothing, until it is given to another id. */
export async function releaseName(
  tx: RecordsTransaction,
  { accountId, kind, name }: { accountId: AccountId; kind: NameKind; name: string },
): Promise<void> {
  const stored = await tx.find(IDENTITY_NAMES, [accountId, kind, nameKey(name)])
  if (stored !== undefined) await tx.remove(IDENTITY_NAMES, stored)
}

/** Gives an id another name, which may be the same in other letters. */
export async function changeName(
  tx: RecordsTransaction,
  before: IdentityName,
  name: string,
): Promise<void> {
  if (name === before.name) return
  if (nameKey(name) === nameKey(before.name)) await releaseName(tx, before)
  await claimName(tx, { ...before, name })
  if (nameKey(name) !== nameKey(before.name)) await releaseName(tx, before)
}
