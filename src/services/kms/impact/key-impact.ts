import type { AuditSearch } from '../../../core/audit-search.ts'
import { DAY_MS, type Instant, plusMs } from '../../../core/ids.ts'
import { type BackingKey, isHere, isPrimary, type Key } from '../../../core/key.ts'
import type {
  GrantOnKey,
  ImportedGeneration,
  KeyImpact,
  KeyImpactRequest,
  LastUse,
  RelatedKey,
} from '../../../core/key-impact.ts'
import type { Clock } from '../../../core/ports.ts'
import type { Records } from '../../../core/records.ts'
import {
  ALIASES,
  CUSTOM_KEY_STORES,
  DELETION_GUARDS,
  GRANTS,
  type Grant,
} from '../../../core/tables.ts'
import { findNamedKey } from '../access/find-key.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import { familyOf } from '../keys/multi-region.ts'
import { generationsOf } from '../material/generations.ts'
import { impactWarnings } from './impact-warnings.ts'
import { COUNTED_DAYS, countUses, type FoundUse, findLastUse } from './key-uses.ts'

/** Rows that are read together. */
const PAGE = 1000
/** Grants that are told one by one. */
const GRANTS_SHOWN_MAX = 50

export interface KeyImpactParts {
  readonly records: Records
  readonly search: AuditSearch
  readonly clock: Clock
}

const isoTime = (time: Instant): string => new Date(time).toISOString()

/** A use as it is told. */
const shownUse = ({ at: _at, ...use }: FoundUse): LastUse => use

async function aliasesOf(records: Records, { accountId, region, keyId }: Key): Promise<string[]> {
  const page = await records.page(ALIASES, {
    index: 'by_target',
    equals: [accountId, region, keyId],
    limit: PAGE,
  })
  return page.map(({ record }) => record.name)
}

const shownGrant = (grant: Grant): GrantOnKey => ({
  grantId: grant.grantId,
  name: grant.name,
  grantee: grant.granteePrincipal ?? grant.granteeServicePrincipal ?? '',
  operations: grant.operations,
})

async function grantsOn(records: Records, { region, keyId }: Key): Promise<KeyImpact['grants']> {
  const some: GrantOnKey[] = []
  let total = 0
  let after: readonly string[] | undefined
  for (;;) {
    const page = await records.page(GRANTS, {
      index: 'key',
      equals: [region, keyId],
      ...(after && { after }),
      limit: PAGE,
    })
    total += page.length
    const shown = page.slice(0, GRANTS_SHOWN_MAX - some.length)
    some.push(...shown.map(({ record }) => shownGrant(record)))
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return { total, some }
    after = [last.record.grantId]
  }
}

async function importedOf(
  records: Records,
  key: Key,
  now: Instant,
): Promise<readonly ImportedGeneration[]> {
  const generations: BackingKey[] = []
  for await (const { record } of generationsOf(records, key)) {
    if (record.imported !== undefined) generations.push(record)
  }
  return generations
    .sort((one, other) => one.generation - other.generation)
    .flatMap(({ materialId, state, imported }) =>
      imported === undefined
        ? []
        : [
            {
              materialId,
              state,
              isPresent: isHere(imported, now),
              validTo: imported.validTo && isoTime(imported.validTo),
            },
          ],
    )
}

async function relatedTo(
  { records, search }: KeyImpactParts,
  target: ResolvedKey,
  time: Instant,
): Promise<readonly RelatedKey[]> {
  if (target.key.multiRegion === undefined) return []
  const related: RelatedKey[] = []
  for (const member of await familyOf(records, target, { call: { time } })) {
    const use = await findLastUse({ records, search }, member)
    related.push({
      arn: member.arn,
      role: isPrimary(member.key) === true ? 'primary' : 'replica',
      state: member.key.state.name,
      lastUse: use && shownUse(use),
    })
  }
  return related
}

async function storeOf(records: Records, key: Key): Promise<KeyImpact['customKeyStore']> {
  const { accountId, region, customKeyStoreId: id } = key
  if (id === undefined) return undefined
  const stored = await records.find(CUSTOM_KEY_STORES, [accountId, region, id])
  return stored && { id, name: stored.record.name, connectionState: stored.record.connectionState }
}

async function guardOf(
  records: Records,
  { accountId }: Key,
  last: Instant | undefined,
  now: Instant,
): Promise<KeyImpact['guard']> {
  const guard = (await records.find(DELETION_GUARDS, [accountId]))?.record
  if (guard === undefined) return undefined
  const until = last === undefined ? 0 : plusMs(last, guard.days * DAY_MS)
  return { days: guard.days, ...(until > now && { refusesUntil: new Date(until).toISOString() }) }
}

/**
 * What the deletion of a key would touch: who uses it, what points at it, what is bound to it.
 * @throws OperatorError where there is no such key, or more than one
 */
export async function keyImpact(
  parts: KeyImpactParts,
  request: KeyImpactRequest,
): Promise<KeyImpact> {
  const { records } = parts
  const now = parts.clock.now()
  const target = await findNamedKey(records, request, now)
  const { key, arn } = target
  const last = await findLastUse(parts, target)
  const by = await countUses(parts, target, now)
  const impact = {
    arn,
    keyId: key.keyId,
    accountId: key.accountId,
    region: key.region,
    description: key.description,
    createdAt: isoTime(key.createdAt),
    spec: key.spec,
    usage: key.usage,
    origin: key.origin,
    state: key.state.name,
    ...(key.state.name === 'PendingDeletion' && { deletionDate: isoTime(key.state.deletionDate) }),
    lastUse: last && shownUse(last),
    uses: { days: COUNTED_DAYS, total: by.reduce((sum, { count }) => sum + count, 0), by },
    aliases: await aliasesOf(records, key),
    grants: await grantsOn(records, key),
    related: await relatedTo(parts, target, now),
    imported: await importedOf(records, key, now),
    customKeyStore: await storeOf(records, key),
    guard: await guardOf(records, key, last?.at, now),
  }
  return { ...impact, warnings: impactWarnings(impact, { now, lastUse: last?.at, spec: key.spec }) }
}
