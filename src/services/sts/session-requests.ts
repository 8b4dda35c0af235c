import { policyProblem } from '../../authz/policy-syntax.ts'
import type { AccountId } from '../../core/ids.ts'
import type { Principal, SessionFacts } from '../../core/principal.ts'
import type { PolicyDescriptorType, Tag } from './model.ts'
import {
  duplicateTags,
  invalidArn,
  malformedPolicy,
  packedTooLarge,
  reservedTag,
  tooManyPolicies,
  transitiveNotPassed,
  transitiveTaken,
} from './refusals.ts'

/** Source: AWS STS API Reference, AssumeRole, PolicyArns. */
const POLICY_ARNS_MAX = 10
/** What policies and tags of one session may take in its token. AWS's limit is not published; ours is in bytes of JSON. */
export const SESSION_PACK_BYTES_MAX = 4096
const POLICY_ARN = /^arn:[a-z-]+:iam::(\d{12}|aws):policy\/[\x21-\x7e]{1,640}$/

/** The policies that a request passes. */
interface PassedPolicies {
  readonly Policy?: string | undefined
  readonly PolicyArns?: readonly PolicyDescriptorType[] | undefined
}

/** The tags that a request passes. */
interface PassedTags {
  readonly Tags?: readonly Tag[] | undefined
  readonly TransitiveTagKeys?: readonly string[] | undefined
}

type SessionPolicies = Pick<SessionFacts, 'policy' | 'policyArns'>
export type SessionTags = Pick<SessionFacts, 'tags' | 'transitiveTagKeys'>

/** @throws ServiceError MalformedPolicyDocumentException, ValidationException */
export function checkPolicies({ Policy: policy, PolicyArns: arns }: PassedPolicies): void {
  const problem = policy === undefined ? undefined : policyProblem(policy, 'session')
  if (problem !== undefined) throw malformedPolicy(problem)
  if (arns !== undefined && arns.length > POLICY_ARNS_MAX) throw tooManyPolicies(POLICY_ARNS_MAX)
}

/** White space between the tokens of a JSON text takes room and says nothing. */
const compact = (json: string): string =>
  json.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, (_, text: string | undefined) => text ?? '')

/**
 * The policies of a session; managed ones must be of the account, or of AWS.
 * @throws ServiceError ValidationException
 */
export function sessionPolicies(
  { Policy: policy, PolicyArns: descriptors = [] }: PassedPolicies,
  accountId: AccountId,
): SessionPolicies {
  const policyArns = descriptors.map(({ arn = '' }) => {
    const [, owner] = POLICY_ARN.exec(arn) ?? []
    if (owner !== accountId && owner !== 'aws') throw invalidArn(arn)
    return arn
  })
  return { policy: policy === undefined ? undefined : compact(policy), policyArns }
}

/** @throws ServiceError ValidationException */
export function checkTags({ Tags: tags = [], TransitiveTagKeys: keys = [] }: PassedTags): void {
  const names = new Set(tags.map(({ Key: key }) => key.toLowerCase()))
  if (names.size < tags.length) throw duplicateTags()
  if (tags.some(({ Key: key }) => key.toLowerCase().startsWith('aws:'))) throw reservedTag()
  if (!keys.every((key) => names.has(key.toLowerCase()))) throw transitiveNotPassed()
}

export const tagsOf = (tags: readonly Tag[] = []): Readonly<Record<string, string>> =>
  Object.fromEntries(tags.map(({ Key: key, Value: value }) => [key, value]))

/** The tags that a session hands on to those that are made of it. */
export function inheritedTags({ session }: Principal): SessionTags {
  const { tags = {}, transitiveTagKeys = [] } = session ?? {}
  const names = new Set(transitiveTagKeys.map((key) => key.toLowerCase()))
  const inherited = Object.entries(tags).filter(([key]) => names.has(key.toLowerCase()))
  return { tags: Object.fromEntries(inherited), transitiveTagKeys }
}

/**
 * The tags of a session that is made of another one. @throws ServiceError ValidationException where the request
 * would change what is handed on
 */
export function joinedTags(inherited: SessionTags, passed: PassedTags): SessionTags {
  const { Tags: tags = [], TransitiveTagKeys: keys = [] } = passed
  const taken = new Set(inherited.transitiveTagKeys.map((key) => key.toLowerCase()))
  if (tags.some(({ Key: key }) => taken.has(key.toLowerCase()))) throw transitiveTaken()
  return {
    tags: { ...inherited.tags, ...tagsOf(tags) },
    transitiveTagKeys: [...inherited.transitiveTagKeys, ...keys],
  }
}

/**
 * How much of the room for policies and tags a session takes, in percent; undefined where it has none.
 * @throws ServiceError PackedPolicyTooLargeException
 */
export function packedSize(facts: SessionPolicies & SessionTags): number | undefined {
  const { policy, policyArns, tags, transitiveTagKeys } = facts
  const hasPolicy = policy !== undefined || policyArns.length > 0
  if (!hasPolicy && Object.keys(tags).length === 0) return undefined
  const packed = JSON.stringify([policy ?? '', policyArns, tags, transitiveTagKeys])
  const percent = Math.ceil((Buffer.byteLength(packed) * 100) / SESSION_PACK_BYTES_MAX)
  if (percent > 100) throw packedTooLarge(percent, hasPolicy)
  return percent
}
