import { assert } from '../../core/assert.ts'
import { roleSessionArn } from '../../core/identity-arns.ts'
import type { SessionFacts } from '../../core/principal.ts'
import { partitionOf } from '../../core/regions.ts'
import type { IssuedSession } from '../../identity/sessions.ts'
import type { AssumeRoleResponse, Credentials } from './model.ts'
import { beyondRole } from './refusals.ts'
import type { RoleTarget } from './role-targets.ts'
import { packedSize } from './session-requests.ts'
import type { StsScope } from './sts-operation.ts'

/** Source: AWS STS API Reference, AssumeRole, DurationSeconds. */
export const ROLE_SESSION_SECONDS_DEFAULT = 3600

/** Credentials as replies have them, with the secret that the reply owns. */
export const credentialsOf = (issued: IssuedSession): Credentials => ({
  AccessKeyId: issued.accessKeyId,
  SecretAccessKey: issued.secretAccessKey,
  SessionToken: issued.sessionToken,
  Expiration: issued.facts.expiresAt,
})

/** @throws ServiceError ValidationException for a session that is longer than its role lets it be */
export function assertWithinRole({ role }: RoleTarget, durationSeconds: number): void {
  if (role !== undefined && durationSeconds > role.maxSessionSeconds) throw beyondRole()
}

/**
 * Makes a session of a role, for callers who may.
 * @throws ServiceError PackedPolicyTooLargeException
 */
export function issueRoleSession(
  { role }: RoleTarget,
  { sessions, call }: StsScope,
  {
    facts,
    durationSeconds,
  }: {
    readonly facts: Omit<SessionFacts, 'issuedAt' | 'expiresAt' | 'name'> & {
      readonly name: string
    }
    readonly durationSeconds: number
  },
): AssumeRoleResponse {
  assert(role !== undefined, 'nobody may assume a role that is not there')
  const { accountId, roleId } = role
  const packed = packedSize(facts)
  const issued = sessions.issue({
    accountId,
    subject: { kind: 'role', id: roleId },
    facts: { ...facts, issuedAt: call.time },
    durationSeconds,
  })
  return {
    Credentials: credentialsOf(issued),
    AssumedRoleUser: {
      AssumedRoleId: `${roleId}:${facts.name}`,
      Arn: roleSessionArn(partitionOf(call.region), role, facts.name),
    },
    PackedPolicySize: packed,
    SourceIdentity: facts.sourceIdentity,
  }
}
