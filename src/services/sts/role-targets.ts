import { type CompiledPolicy, compilePolicy } from '../../authz/compiled-policy.ts'
import type { Permission } from '../../authz/permission.ts'
import type { NamedPolicy } from '../../authz/policies.ts'
import { parseArn } from '../../core/arn.ts'
import { type BoundPolicy, isOfPartition, type Role } from '../../core/identity.ts'
import { parseIdentityArn, roleArn } from '../../core/identity-arns.ts'
import type { AccountId } from '../../core/ids.ts'
import type { Records } from '../../core/records.ts'
import type { Partition } from '../../core/regions.ts'
import { findRole } from '../../identity/principal-ids.ts'
import type { AuditResource } from '../../pipeline/operation.ts'
import { invalidArn } from './refusals.ts'

/** The role that a request names. One that is not there trusts nobody, which is all that a caller learns of it. */
export interface RoleTarget {
  readonly arn: string
  readonly accountId: AccountId
  readonly role: Role | undefined
  readonly trust: NamedPolicy
}

const NOBODY: BoundPolicy = { text: '{"Version":"2012-10-17","Statement":[]}', principalIds: {} }

/** The account of a role's ARN. @throws ServiceError ValidationException for what is no ARN of a role */
export function accountOfRole(arn: string, partition: Partition): AccountId {
  const ref = parseIdentityArn(arn, partition)
  if (ref?.kind !== 'role') throw invalidArn(arn)
  return ref.accountId
}

/** Finds roles, each trust policy compiled once for as long as the role's record lives. */
export class RoleTargets {
  readonly #compiled = new WeakMap<BoundPolicy, CompiledPolicy>()

  /** @throws ServiceError ValidationException for what is no ARN of a role */
  async find(records: Records, arn: string, partition: Partition): Promise<RoleTarget> {
    const ref = parseIdentityArn(arn, partition)
    if (ref?.kind !== 'role') throw invalidArn(arn)
    const { accountId, name } = ref
    const found = (await findRole(records, accountId, name))?.record
    // ARNs tell case, path and partition, names do not.
    const isMeant =
      found !== undefined && isOfPartition(found, partition) && roleArn(partition, found) === arn
    const role = isMeant ? found : undefined
    const policy = this.#trustOf(role?.trustPolicy ?? NOBODY)
    return { arn, accountId, role, trust: { layer: 'trust-policy', name: 'trust policy', policy } }
  }

  #trustOf(policy: BoundPolicy): CompiledPolicy {
    let known = this.#compiled.get(policy)
    if (known === undefined) {
      known = compilePolicy(policy.text, policy.principalIds)
      this.#compiled.set(policy, known)
    }
    return known
  }
}

/** What becoming a role, or part of it, needs: the trust policy decides. */
export const permissionOn = (
  { arn, accountId, role, trust }: RoleTarget,
  action: string,
  more: Pick<Permission, 'requestTags' | 'serviceKey'>,
): Permission => ({
  action,
  resource: { accountId, arn, tags: role?.tags, guard: { kind: 'trust', policy: trust } },
  ...more,
})

export const roleResources = ({ role, arn, accountId }: RoleTarget): readonly AuditResource[] =>
  role === undefined ? [] : [{ accountId, type: 'AWS::IAM::Role', arn }]

/** The partition that an ARN says it is of. */
export const partitionText = (arn: string): string => parseArn(arn)?.partition ?? ''
