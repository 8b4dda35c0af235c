import type { Records } from '../../../core/records.ts'
import { partitionOf } from '../../../core/regions.ts'
import type { KeyPolicy } from '../../../core/tables.ts'
import { shownPolicy } from '../../../identity/bound-policy.ts'
import { policyJson } from './policy-json.ts'

/**
 * The policy of a key as GetKeyPolicy answers it: as it was submitted, unless a principal is to be shown by
 * another name.
 */
export async function shownKeyPolicy(records: Records, policy: KeyPolicy): Promise<string> {
  const { text, principalIds = {}, region } = policy
  const shown = await shownPolicy(records, { text, principalIds }, partitionOf(region))
  return shown === undefined ? text : policyJson(shown)
}
