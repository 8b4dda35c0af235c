import { rootArn } from '../../../core/arn.ts'
import { unreachable } from '../../../core/assert.ts'
import type { Key } from '../../../core/key.ts'
import type { Principal } from '../../../core/principal.ts'
import type { RecordStore, Records } from '../../../core/records.ts'
import { GRANTS, type Grant } from '../../../core/tables.ts'

/** Keys whose grants are held; above that all are forgotten and read again as they are used. */
const HELD_KEYS_MAX = 10_000
/** Rows that one query reads. */
const PAGE = 1000

/** Of a principal whose account is not kept here nothing but its ARN is known: its names are one. */
const distinct = (names: readonly string[]): readonly string[] => [...new Set(names)]

/** The names under which a grant can mean a principal. */
export function granteeNames(principal: Principal): readonly string[] {
  if (principal.serviceNames !== undefined) return principal.serviceNames
  const { type, partition, accountId, uniqueId, userId, arn, principalArn } = principal
  const root = rootArn(partition, accountId)
  switch (type) {
    case 'User':
      return distinct([uniqueId, principalArn, root])
    case 'AssumedRole':
      return distinct([uniqueId, userId, principalArn, arn, root])
    case 'FederatedUser':
      return [arn, root]
    case 'Account':
    case 'Service':
      return [root]
    default:
      return unreachable(type)
  }
}

/**
 * The grants of keys by whom they are for, held until a grant of the key is made or ends. That there is
 * none is never held.
 */
export class GrantIndex {
  readonly #records: RecordStore
  readonly #held = new Map<string, Map<string, readonly Grant[]>>()
  /** Grows with each change of a grant, so that a read across one is not held. */
  #generation = 0

  constructor(records: RecordStore) {
    this.#records = records
    records.onCommit((news) => {
      if (news === 'everything') {
        this.#generation++
        this.#held.clear()
        return
      }
      for (const { table, key } of news) {
        if (table !== GRANTS.schema.name) continue
        this.#generation++
        this.#held.delete(placeOf(key[0] ?? '', key[1] ?? ''))
      }
    })
  }

  /** All grants on the key that name the principal in any of its ways, as `records` has them. */
  async grantsFor(principal: Principal, key: Key, records: Records): Promise<readonly Grant[]> {
    const lists = await Promise.all(
      granteeNames(principal).map((grantee) => this.#grantsOf(grantee, key, records)),
    )
    return lists.flat()
  }

  async #grantsOf(grantee: string, key: Key, records: Records): Promise<readonly Grant[]> {
    if (records !== this.#records) return readGrants(grantee, key, records)
    const place = placeOf(key.region, key.keyId)
    const known = this.#held.get(place)?.get(grantee)
    if (known !== undefined) return known
    const generation = this.#generation
    const read = await readGrants(grantee, key, records)
    if (read.length > 0 && generation === this.#generation) this.#hold(place, grantee, read)
    return read
  }

  #hold(place: string, grantee: string, grants: readonly Grant[]): void {
    if (this.#held.size >= HELD_KEYS_MAX) this.#held.clear()
    const ofKey = this.#held.get(place)
    if (ofKey === undefined) this.#held.set(place, new Map([[grantee, grants]]))
    else ofKey.set(grantee, grants)
  }
}

/** No Region has a slash in its name. */
const placeOf = (region: string, keyId: string): string => `${region}/${keyId}`

async function readGrants(
  grantee: string,
  { region, keyId }: Key,
  records: Records,
): Promise<readonly Grant[]> {
  const grants: Grant[] = []
  let after: readonly [string] | undefined
  for (;;) {
    const page = await records.page(GRANTS, {
      index: 'by_grantee',
      equals: [region, keyId, grantee],
      ...(after && { after }),
      limit: PAGE,
    })
    grants.push(...page.map(({ record }) => record))
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return grants
    after = [last.record.grantId]
  }
}
