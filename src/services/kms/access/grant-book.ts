import type { Key } from '../../../core/key.ts'
import type { Principal } from '../../../core/principal.ts'
import type { Records } from '../../../core/records.ts'
import { GRANTS, type Grant } from '../../../core/tables.ts'
import { granteeNames } from '../authorization/grant-index.ts'

/** Rows that one query reads. */
const PAGE = 1000

/** All grants of one key, by whom they are for: read once, because many principals are asked about. */
export class GrantBook {
  readonly #byGrantee = new Map<string, Grant[]>()

  private constructor() {}

  /** At most as many as a key can have. */
  static async read({ region, keyId }: Key, records: Records): Promise<GrantBook> {
    const book = new GrantBook()
    let after: readonly [string] | undefined
    for (;;) {
      const page = await records.page(GRANTS, {
        index: 'key',
        equals: [region, keyId],
        ...(after && { after }),
        limit: PAGE,
      })
      for (const { record } of page) book.#add(record)
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) return book
      after = [last.record.grantId]
    }
  }

  #add(grant: Grant): void {
    const { granteeId, granteePrincipal, granteeServicePrincipal } = grant
    const grantee = granteeId ?? granteePrincipal ?? granteeServicePrincipal
    if (grantee === undefined) return
    const known = this.#byGrantee.get(grantee)
    if (known === undefined) this.#byGrantee.set(grantee, [grant])
    else known.push(grant)
  }

  /** Unique ids, ARNs and names of services. */
  get grantees(): Iterable<string> {
    return this.#byGrantee.keys()
  }

  /** Whether any grant for this name lists one of the operations. */
  gives(grantee: string, operations: readonly string[]): boolean {
    const grants = this.#byGrantee.get(grantee) ?? []
    return grants.some((grant) => grant.operations.some((given) => operations.includes(given)))
  }

  grantsFor(principal: Principal): readonly Grant[] {
    return granteeNames(principal).flatMap((name) => this.#byGrantee.get(name) ?? [])
  }
}
