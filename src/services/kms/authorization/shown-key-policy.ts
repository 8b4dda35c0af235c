import type { Records } from '../../../core/records.ts'
import { partitionOf } from '../../../core/regions.ts'
import type { KeyPolicy } from '../../../core/tables.ts'
import { shownPolicy } from '../../../identity/bound-policy.ts'

const STEP = '  '

/**
 * JSON in the form in which KMS answers policies: two spaces a level, spaces on both sides of a colon, lists
 * on one line but for the objects in them. Source: AWS KMS API Reference, GetKeyPolicy, example.
 */
function policyJson(value: unknown, indent = ''): string {
  if (Array.isArray(value)) {
    const items = value.map((item) => policyJson(item, indent))
    return items.length === 0 ? '[ ]' : `[ ${items.join(', ')} ]`
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = indent + STEP
  const members = Object.entries(value).map(
    ([name, member]) => `${inner}${JSON.stringify(name)} : ${policyJson(member, inner)}`,
  )
  return members.length === 0 ? '{ }' : `{\n${members.join(',\n')}\n${indent}}`
}

/**
 * The policy of a key as GetKeyPolicy answers it: as it was submitted, unless a principal is to be shown by
 * another name.
 */
export async function shownKeyPolicy(records: Records, policy: KeyPolicy): Promise<string> {
  const { text, principalIds = {}, region } = policy
  const shown = await shownPolicy(records, { text, principalIds }, partitionOf(region))
  return shown === undefined ? text : policyJson(shown)
}
