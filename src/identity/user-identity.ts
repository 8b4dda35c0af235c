import { unreachable } from '../core/assert.ts'
import type { Role, User } from '../core/identity.ts'
import { roleArn, userArn } from '../core/identity-arns.ts'
import type { Instant } from '../core/ids.ts'
import { type Principal, rootPrincipal, type SessionFacts } from '../core/principal.ts'

/**
 * The `userIdentity` member of audit records.
 * Source: AWS CloudTrail User Guide, CloudTrail userIdentity element.
 */

/** ISO 8601 in UTC with whole seconds. */
const isoTime = (time: Instant): string => `${new Date(time).toISOString().slice(0, 19)}Z`

/** Who a session was made of. */
export type SessionIssuer =
  | { readonly kind: 'role'; readonly role: Role }
  | { readonly kind: 'user'; readonly user: User }
  | { readonly kind: 'root' }

function issuerMembers(issuer: SessionIssuer, { partition, accountId }: Principal): object {
  switch (issuer.kind) {
    case 'role': {
      const { roleId, name } = issuer.role
      const arn = roleArn(partition, issuer.role)
      return { type: 'Role', principalId: roleId, arn, accountId, userName: name }
    }
    case 'user': {
      const { userId, name } = issuer.user
      const arn = userArn(partition, issuer.user)
      return { type: 'IAMUser', principalId: userId, arn, accountId, userName: name }
    }
    case 'root': {
      const { arn } = rootPrincipal(partition, accountId)
      return { type: 'Root', principalId: accountId, arn, accountId }
    }
    default:
      return unreachable(issuer)
  }
}

/** Booleans in here are texts. */
function sessionContext(
  facts: SessionFacts,
  issuer: SessionIssuer | undefined,
  principal: Principal,
): object {
  const { federatedProvider, federatedKeys, issuedAt, mfaAt, sourceIdentity } = facts
  return {
    ...(issuer && { sessionIssuer: issuerMembers(issuer, principal) }),
    ...(federatedProvider !== undefined && {
      webIdFederationData: { federatedProvider, attributes: federatedKeys ?? {} },
    }),
    attributes: {
      creationDate: isoTime(issuedAt),
      mfaAuthenticated: mfaAt === undefined ? 'false' : 'true',
    },
    ...(sourceIdentity !== undefined && { sourceIdentity }),
  }
}

const TYPES = {
  Account: 'Root',
  User: 'IAMUser',
  AssumedRole: 'AssumedRole',
  FederatedUser: 'FederatedUser',
  Service: 'AWSService',
} as const satisfies Record<Principal['type'], string>

/**
 * Who called with an access key, as JSON text.
 * @param issuer of a session of a role or of a federated user
 */
export function userIdentityJson(
  principal: Principal,
  accessKeyId: string,
  issuer: SessionIssuer | undefined,
): string {
  const { type, userId, arn, accountId, userName, session } = principal
  return JSON.stringify({
    type: TYPES[type],
    principalId: userId,
    arn,
    accountId,
    accessKeyId,
    ...(userName !== undefined && { userName }),
    ...(session && { sessionContext: sessionContext(session, issuer, principal) }),
  })
}
