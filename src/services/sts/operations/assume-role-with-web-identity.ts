import type { Permission } from '../../../authz/permission.ts'
import { assert } from '../../../core/assert.ts'
import { globalRegionIn, parsePartition, partitionOf } from '../../../core/regions.ts'
import type { WebIdentity, WebIdentityVerifier } from '../../../identity/oidc/web-identity.ts'
import type { Caller } from '../../../pipeline/call.ts'
import type { AnyOperation } from '../../../pipeline/operation.ts'
import type {
  AssumeRoleWithWebIdentityRequest,
  AssumeRoleWithWebIdentityResponse,
} from '../model.ts'
import { invalidArn, providerIdUnsupported } from '../refusals.ts'
import {
  assertWithinRole,
  issueRoleSession,
  ROLE_SESSION_SECONDS_DEFAULT,
} from '../role-sessions.ts'
import {
  accountOfRole,
  partitionText,
  permissionOn,
  type RoleTarget,
  roleResources,
} from '../role-targets.ts'
import { checkPolicies, checkTags, sessionPolicies } from '../session-requests.ts'
import { defineOperation, type StsScope } from '../sts-operation.ts'
import { type RolePlace, webIdentityCaller } from '../web-identity-callers.ts'

/** @throws ServiceError ValidationException */
function placeOfRole({ RoleArn: arn }: AssumeRoleWithWebIdentityRequest): RolePlace {
  const partition = parsePartition(partitionText(arn))
  if (partition === undefined) throw invalidArn(arn)
  return { accountId: accountOfRole(arn, partition), partition }
}

/** Becoming the role, and what the token asks for besides. */
function* permissionsOf(
  input: AssumeRoleWithWebIdentityRequest,
  target: RoleTarget,
  { call }: StsScope,
): Iterable<Permission> {
  const { tags, transitiveTagKeys, sourceIdentity } = call.caller.principal.session ?? {}
  const hasTags = tags !== undefined && Object.keys(tags).length > 0
  const about = {
    serviceKey: (name: string) => {
      if (name === 'sts:rolesessionname') return input.RoleSessionName
      if (name === 'sts:sourceidentity') return sourceIdentity
      return name === 'sts:transitivetagkeys' && hasTags ? transitiveTagKeys : undefined
    },
    ...(hasTags && { requestTags: tags }),
  }
  yield permissionOn(target, 'sts:AssumeRoleWithWebIdentity', about)
  if (hasTags) yield permissionOn(target, 'sts:TagSession', about)
  if (sourceIdentity !== undefined) yield permissionOn(target, 'sts:SetSourceIdentity', about)
}

function reply(
  input: AssumeRoleWithWebIdentityRequest,
  target: RoleTarget,
  scope: StsScope,
  { subject, audience, sessionKeys }: WebIdentity,
): AssumeRoleWithWebIdentityResponse {
  const { session } = scope.call.caller.principal
  assert(session !== undefined, 'a visitor has what its provider says')
  const { tags, transitiveTagKeys, sourceIdentity, federatedProvider } = session
  const issued = issueRoleSession(target, scope, {
    facts: {
      name: input.RoleSessionName,
      tags,
      transitiveTagKeys,
      sourceIdentity,
      federatedProvider,
      federatedKeys: sessionKeys,
      ...sessionPolicies(input, target.accountId),
    },
    durationSeconds: input.DurationSeconds ?? ROLE_SESSION_SECONDS_DEFAULT,
  })
  return {
    ...issued,
    SubjectFromWebIdentityToken: subject,
    Audience: audience,
    Provider: federatedProvider,
  }
}

/**
 * Temporary credentials of a role for whom an identity provider vouches. The request is not signed: the token
 * in it says who asks, and the role's trust policy decides.
 * Source: AWS Security Token Service API Reference, AssumeRoleWithWebIdentity.
 */
export function assumeRoleWithWebIdentity(verifier: WebIdentityVerifier): AnyOperation {
  /** What the token of a caller proved, for as long as its call lasts. */
  const proven = new WeakMap<Caller, WebIdentity>()
  const provenOf = (caller: Caller): WebIdentity => {
    const identity = proven.get(caller)
    assert(identity !== undefined, 'the caller was identified by this operation')
    return identity
  }
  return defineOperation({
    name: 'AssumeRoleWithWebIdentity',

    async identify(input, { records, time }) {
      const place = placeOfRole(input)
      if (input.ProviderId !== undefined) throw providerIdUnsupported()
      const token = new TextDecoder().decode(input.WebIdentityToken.expose())
      const { accountId } = place
      const identity = await verifier.verify(token, { records, accountId, time })
      const caller = webIdentityCaller(identity, place, time)
      proven.set(caller, identity)
      return { caller, region: globalRegionIn(place.partition) }
    },

    check(input, { caller }) {
      checkPolicies(input)
      const { tags } = provenOf(caller)
      checkTags({ Tags: tags.tags, TransitiveTagKeys: tags.transitiveTagKeys })
    },

    resolve: (input, { call, records, roles }) =>
      roles.find(records, input.RoleArn, partitionOf(call.region)),

    permissions: permissionsOf,

    admit(input, target) {
      assertWithinRole(target, input.DurationSeconds ?? ROLE_SESSION_SECONDS_DEFAULT)
    },

    handle: (input, target, scope) => reply(input, target, scope, provenOf(scope.call.caller)),

    resources: roleResources,
  })
}
