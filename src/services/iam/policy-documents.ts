import { POLICY_SIZE_MAX, policyProblem, policySize } from '../../authz/policy-syntax.ts'
import { malformedPolicy, quotaExceeded } from './refusals.ts'

const RESERVED = /[!'()*]/g

/** Percent-encoded as RFC 3986 says, which is how policies stand in replies. */
export const encodedPolicy = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replaceAll(
    RESERVED,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** @throws ServiceError MalformedPolicyDocumentException */
export function assertIdentityPolicy(text: string): void {
  const problem = policyProblem(text, 'identity')
  if (problem !== undefined) throw malformedPolicy(problem)
}

/** @throws ServiceError LimitExceededException, MalformedPolicyDocumentException */
export function assertManagedPolicy(text: string): void {
  const limit = POLICY_SIZE_MAX.managed
  if (policySize(text) > limit) throw quotaExceeded('PolicySize', limit)
  assertIdentityPolicy(text)
}

/** @throws ServiceError LimitExceededException, MalformedPolicyDocumentException */
export function assertTrustPolicy(text: string): void {
  const limit = POLICY_SIZE_MAX.trust
  if (policySize(text) > limit) throw quotaExceeded('ACLSizePerRole', limit)
  const problem = policyProblem(text, 'trust')
  if (problem !== undefined) throw malformedPolicy(problem)
}
