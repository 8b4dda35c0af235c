import type { IdentityLink, LinkKind } from '../../core/identity.ts'
import { IDENTITY_LINKS } from '../../core/identity-tables.ts'
import type { AccountId } from '../../core/ids.ts'
import type { Records, RecordsTransaction } from '../../core/records.ts'

/** More than one thing is ever linked to: users, groups and roles of an account together, and room to spare. */
const LINKS_MAX = 10_000

const keyOf = ({ accountId, kind, target, source }: IdentityLink): readonly string[] => [
  accountId,
  kind,
  target,
  source,
]

/** Notes what one thing has to do with another. Noting it twice changes nothing. */
export async function link(tx: RecordsTransaction, made: IdentityLink): Promise<void> {
  if ((await tx.find(IDENTITY_LINKS, keyOf(made))) === undefined) {
    await tx.insert(IDENTITY_LINKS, made)
  }
}

/** Forgets it. */
export async function unlink(tx: RecordsTransaction, ended: IdentityLink): Promise<void> {
  const stored = await tx.find(IDENTITY_LINKS, keyOf(ended))
  if (stored !== undefined) await tx.remove(IDENTITY_LINKS, stored)
}

/** What a query for the links of one thing begins with. */
export interface LinkTarget {
  readonly accountId: AccountId
  readonly kind: LinkKind
  readonly target: string
}

const toward = ({ accountId, kind, target }: LinkTarget) => ({
  index: 'key',
  equals: [accountId, kind, target],
})

export const countLinks = (records: Records, target: LinkTarget): Promise<number> =>
  records.count(IDENTITY_LINKS, { ...toward(target), atMost: LINKS_MAX })

/** The other ends, in order. */
export async function sourcesOf(records: Records, target: LinkTarget): Promise<readonly string[]> {
  const links = await records.page(IDENTITY_LINKS, { ...toward(target), limit: LINKS_MAX })
  return links.map(({ record }) => record.source)
}
