import type { ConditionValue } from '../../../authz/access-request.ts'
import { partitionOf } from '../../../core/regions.ts'
import type { Call } from '../../../pipeline/call.ts'
import type { AssumeRoleRequest } from '../model.ts'
import {
  beyondChain,
  contextsUnsupported,
  mfaInvalid,
  notAuthorized,
  rootAssumes,
} from '../refusals.ts'
import {
  assertWithinRole,
  issueRoleSession,
  ROLE_SESSION_SECONDS_DEFAULT,
} from '../role-sessions.ts'
import { permissionOn, type RoleTarget, roleResources } from '../role-targets.ts'
import {
  checkPolicies,
  checkTags,
  inheritedTags,
  joinedTags,
  type SessionTags,
  sessionPolicies,
  tagsOf,
} from '../session-requests.ts'
import { defineOperation, type StsScope } from '../sts-operation.ts'

/** A role that is assumed out of the session of another one: for an hour at most. Source: IAM User Guide, Role chaining. */
const CHAINED_SECONDS_MAX = 3600

interface Target extends RoleTarget {
  /** What the calling session hands on. */
  readonly inherited: SessionTags
  /** Asked for now, or when the calling session was made: once set it stays. */
  readonly sourceIdentity: string | undefined
}

const isChained = ({ caller }: Call): boolean => caller.principal.type === 'AssumedRole'

/** @throws ServiceError AccessDeniedException for those who can assume no role at all */
function assertMayTry({ RoleArn: arn }: AssumeRoleRequest, scope: StsScope): void {
  const { principal } = scope.call.caller
  if (principal.type === 'Account' && !scope.rootAssumesRoles) throw rootAssumes()
  if (principal.type === 'FederatedUser') throw notAuthorized(principal.arn, 'sts:AssumeRole', arn)
}

/** Source: AWS IAM User Guide, condition keys for AWS STS. */
const conditionKey =
  (input: AssumeRoleRequest, { inherited, sourceIdentity }: Target) =>
  (name: string): ConditionValue | undefined => {
    switch (name) {
      case 'sts:externalid':
        return input.ExternalId
      case 'sts:rolesessionname':
        return input.RoleSessionName
      case 'sts:sourceidentity':
        return sourceIdentity
      case 'sts:transitivetagkeys': {
        const keys = [...inherited.transitiveTagKeys, ...(input.TransitiveTagKeys ?? [])]
        return keys.length === 0 ? undefined : keys
      }
      default:
        return undefined
    }
  }

/**
 * Temporary credentials of a role. Its trust policy decides, in other accounts together with the policies of
 * the caller.
 * Source: AWS Security Token Service API Reference, AssumeRole.
 */
export const assumeRole = defineOperation<'AssumeRole', Target>({
  name: 'AssumeRole',

  check(input) {
    checkPolicies(input)
    checkTags(input)
    if (input.ProvidedContexts !== undefined) throw contextsUnsupported()
  },

  async resolve(input, scope) {
    const { call, records, roles } = scope
    const target = await roles.find(records, input.RoleArn, partitionOf(call.region))
    assertMayTry(input, scope)
    const { principal } = call.caller
    return {
      ...target,
      inherited: inheritedTags(principal),
      sourceIdentity: input.SourceIdentity ?? principal.session?.sourceIdentity,
    }
  },

  *permissions(input, target, { call }) {
    const { inherited, sourceIdentity } = target
    const about = {
      serviceKey: conditionKey(input, target),
      ...(input.Tags && { requestTags: tagsOf(input.Tags) }),
    }
    yield permissionOn(target, 'sts:AssumeRole', about)
    if ((input.Tags?.length ?? 0) + inherited.transitiveTagKeys.length > 0) {
      yield permissionOn(target, 'sts:TagSession', about)
    }
    if (sourceIdentity === undefined) return
    yield permissionOn(target, 'sts:SetSourceIdentity', about)
    const { principal } = call.caller
    const held = principal.session?.sourceIdentity
    if (held !== undefined && held !== sourceIdentity) {
      throw notAuthorized(principal.arn, 'sts:SetSourceIdentity', target.arn)
    }
  },

  admit(input, target, call) {
    if (input.SerialNumber !== undefined || input.TokenCode !== undefined) throw mfaInvalid()
    const durationSeconds = input.DurationSeconds ?? ROLE_SESSION_SECONDS_DEFAULT
    if (isChained(call) && durationSeconds > CHAINED_SECONDS_MAX) throw beyondChain()
    assertWithinRole(target, durationSeconds)
  },

  handle: (input, target, scope) =>
    issueRoleSession(target, scope, {
      facts: {
        name: input.RoleSessionName,
        ...joinedTags(target.inherited, input),
        sourceIdentity: target.sourceIdentity,
        ...sessionPolicies(input, target.accountId),
      },
      durationSeconds: input.DurationSeconds ?? ROLE_SESSION_SECONDS_DEFAULT,
    }),

  resources: roleResources,
  incoming: ({ inherited }) =>
    inherited.transitiveTagKeys.length === 0 ? {} : { incomingTransitiveTags: inherited.tags },
})
