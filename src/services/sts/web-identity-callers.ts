import { assert } from '../../core/assert.ts'
import { oidcProviderArn } from '../../core/identity-arns.ts'
import { type AccountId, type Instant, parseAccessKeyId } from '../../core/ids.ts'
import type { Principal } from '../../core/principal.ts'
import type { Partition } from '../../core/regions.ts'
import type { WebIdentity } from '../../identity/oidc/web-identity.ts'
import type { Caller } from '../../pipeline/call.ts'
import { tagsOf } from './session-requests.ts'

/** What a caller without an access key has in place of one; it stands in no record. */
const NO_ACCESS_KEY = parseAccessKeyId('webidentityuser')

/** Where the role is that somebody asks for. */
export interface RolePlace {
  readonly accountId: AccountId
  readonly partition: Partition
}

/** What a verified token says, as the trust policy sees it: somebody from outside who asks to be let in. */
function visitor(
  { provider, conditionKeys, tags, subject }: WebIdentity,
  { accountId, partition }: RolePlace,
  time: Instant,
): Principal {
  const federatedProvider = oidcProviderArn(partition, provider)
  return {
    type: 'FederatedUser',
    isVisitor: true,
    accountId,
    partition,
    arn: federatedProvider,
    principalArn: federatedProvider,
    uniqueId: `${federatedProvider}:${subject}`,
    userId: `${federatedProvider}:${subject}`,
    tags: {},
    session: {
      issuedAt: time,
      expiresAt: time,
      tags: tagsOf(tags.tags),
      transitiveTagKeys: tags.transitiveTagKeys,
      sourceIdentity: tags.sourceIdentity,
      federatedProvider,
      federatedKeys: conditionKeys,
      policyArns: [],
    },
  }
}

/** Who asks with a token. Source: AWS IAM User Guide, Logging IAM and AWS STS API calls, AssumeRoleWithWebIdentity. */
export function webIdentityCaller(identity: WebIdentity, place: RolePlace, time: Instant): Caller {
  const principal = visitor(identity, place, time)
  const { audience, subject } = identity
  assert(NO_ACCESS_KEY !== undefined, 'the stand-in is a well-formed access key id')
  const { accountId, arn, userId, session } = principal
  const userIdentity = {
    type: 'WebIdentityUser',
    principalId: `${arn}:${audience}:${subject}`,
    userName: subject,
    identityProvider: session?.federatedProvider,
  }
  return {
    accountId,
    principal,
    arn,
    userId,
    accessKeyId: NO_ACCESS_KEY,
    userIdentityJson: JSON.stringify(userIdentity),
  }
}
