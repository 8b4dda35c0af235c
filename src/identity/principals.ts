import type { Role, User } from '../core/identity.ts'
import { federatedUserArn, roleArn, roleSessionArn, userArn } from '../core/identity-arns.ts'
import type { AccountId } from '../core/ids.ts'
import { type Principal, rootPrincipal, type SessionFacts } from '../core/principal.ts'
import type { Partition } from '../core/regions.ts'

type Tags = Readonly<Record<string, string>>

/** The tags of an identity overlaid by those of its session: of two keys that differ in case the session's stays. */
function overlaid(tags: Tags, over: Tags): Tags {
  const taken = new Set(Object.keys(over).map((key) => key.toLowerCase()))
  const rest = Object.entries(tags).filter(([key]) => !taken.has(key.toLowerCase()))
  return Object.fromEntries([...rest, ...Object.entries(over)])
}

/** A user, calling with an access key of its own or in a session that GetSessionToken gave it. */
export function userPrincipal(
  partition: Partition,
  user: User,
  session: SessionFacts | undefined,
): Principal {
  const arn = userArn(partition, user)
  return {
    type: 'User',
    accountId: user.accountId,
    partition,
    arn,
    principalArn: arn,
    uniqueId: user.userId,
    userId: user.userId,
    userName: user.name,
    tags: user.tags,
    session,
  }
}

/** A session of a role. Its ARN leaves out the role's path, which `principalArn` keeps. */
export function rolePrincipal(partition: Partition, role: Role, session: SessionFacts): Principal {
  const name = session.name ?? ''
  return {
    type: 'AssumedRole',
    accountId: role.accountId,
    partition,
    arn: roleSessionArn(partition, role, name),
    principalArn: roleArn(partition, role),
    uniqueId: role.roleId,
    userId: `${role.roleId}:${name}`,
    tags: overlaid(role.tags, session.tags),
    session,
  }
}

/** Whom GetFederationToken made a session for. */
export function federatedPrincipal(
  partition: Partition,
  accountId: AccountId,
  session: SessionFacts,
): Principal {
  const name = session.name ?? ''
  const arn = federatedUserArn(partition, accountId, name)
  return {
    type: 'FederatedUser',
    accountId,
    partition,
    arn,
    principalArn: arn,
    uniqueId: accountId,
    userId: `${accountId}:${name}`,
    tags: session.tags,
    session,
  }
}

/** An account's root in a session that GetSessionToken gave it. */
export const rootSessionPrincipal = (
  partition: Partition,
  accountId: AccountId,
  session: SessionFacts,
): Principal => ({ ...rootPrincipal(partition, accountId), session })
