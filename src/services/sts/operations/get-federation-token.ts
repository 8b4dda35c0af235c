import { federatedUserArn } from '../../../core/identity-arns.ts'
import { partitionOf } from '../../../core/regions.ts'
import { sessionCalls } from '../refusals.ts'
import { credentialsOf } from '../role-sessions.ts'
import {
  checkPolicies,
  checkTags,
  packedSize,
  sessionPolicies,
  tagsOf,
} from '../session-requests.ts'
import { defineOperation } from '../sts-operation.ts'
import { userSessionSeconds } from '../user-sessions.ts'

/**
 * Temporary credentials for somebody else: what the calling user may do, as far as the policies that are
 * passed allow it too.
 * Source: AWS Security Token Service API Reference, GetFederationToken.
 */
export const getFederationToken = defineOperation({
  name: 'GetFederationToken',

  check(input, { caller }) {
    if (caller.principal.session !== undefined) throw sessionCalls('GetFederationToken')
    checkPolicies(input)
    checkTags(input)
  },

  resolve({ Name: name }, { call }) {
    const { accountId, region } = call
    return { accountId, arn: federatedUserArn(partitionOf(region), accountId, name) }
  },

  *permissions(input, resource) {
    const tags = input.Tags?.length ? { requestTags: tagsOf(input.Tags) } : undefined
    yield { action: 'sts:GetFederationToken', resource, ...tags }
    if (tags !== undefined) yield { action: 'sts:TagSession', resource, ...tags }
  },

  handle(input, { arn }, { call, sessions }) {
    const { principal, accountId } = call.caller
    const facts = {
      issuedAt: call.time,
      issuerId: principal.uniqueId,
      name: input.Name,
      tags: tagsOf(input.Tags),
      transitiveTagKeys: [],
      ...sessionPolicies(input, accountId),
    }
    const packed = packedSize(facts)
    const issued = sessions.issue({
      accountId,
      subject: { kind: 'federated' },
      facts,
      durationSeconds: userSessionSeconds(principal, input.DurationSeconds),
    })
    return {
      Credentials: credentialsOf(issued),
      FederatedUser: { FederatedUserId: `${accountId}:${input.Name}`, Arn: arn },
      PackedPolicySize: packed,
    }
  },
})
