import { assert } from '../core/assert.ts'
import type { ManagedPolicy } from '../core/identity.ts'
import { policyArn } from '../core/identity-arns.ts'
import { MANAGED_POLICIES, nameKey } from '../core/identity-tables.ts'
import { parseAccountId } from '../core/ids.ts'
import type { Records, Stored } from '../core/records.ts'
import type { Partition } from '../core/regions.ts'
import { findAwsManagedPolicy } from './aws-managed-policies.ts'

/** The text of a managed policy's default version, and the object that it lives with. */
export interface ManagedPolicyText {
  readonly owner: object
  readonly text: string
}

/** The pieces of `arn:aws:iam::111122223333:policy/path/name`. */
const POLICY_ARN =
  /^arn:([a-z-]+):iam::(\d{12}|aws):policy(\/(?:[\x21-\x2e\x30-\x7e]+\/)*)([\w+=,.@-]{1,128})$/

/** The text of the version that holds. */
export function defaultVersionText({
  versions,
  defaultVersionId,
}: Pick<ManagedPolicy, 'versions' | 'defaultVersionId'>): string {
  const held = versions.find(({ versionId }) => versionId === defaultVersionId)
  assert(held !== undefined, 'the default version of a managed policy is one of its versions')
  return held.text
}

/** An account's own managed policy by its ARN, every character of it. */
export async function findOwnPolicy(
  records: Records,
  arn: string,
): Promise<Stored<ManagedPolicy> | undefined> {
  const [, partition, account = '', , name = ''] = POLICY_ARN.exec(arn) ?? []
  const accountId = parseAccountId(account)
  if (partition === undefined || accountId === undefined) return undefined
  const stored = await records.find(MANAGED_POLICIES, [accountId, nameKey(name)])
  // One of the texts that `parseRegion` knows partitions by, or no ARN of ours equals it.
  return stored && policyArn(partition as Partition, stored.record) === arn ? stored : undefined
}

/** The text of a managed policy by its ARN; undefined for one that is not there. */
export async function findManagedPolicy(
  records: Records,
  arn: string,
): Promise<ManagedPolicyText | undefined> {
  const aws = findAwsManagedPolicy(arn)
  if (aws !== undefined) return { owner: aws, text: defaultVersionText(aws) }
  const own = (await findOwnPolicy(records, arn))?.record
  return own && { owner: own, text: defaultVersionText(own) }
}
