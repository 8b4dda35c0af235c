import { unreachable } from '../core/assert.ts'
import { parseStrictJson } from '../core/strict-json.ts'
import { identityPolicyProblem } from './identity-policy-syntax.ts'
import { keyPolicyProblem } from './key-policy-syntax.ts'
import { trustPolicyProblem } from './trust-policy-syntax.ts'

/** What a policy is for; the grammar differs a little. */
export type PolicyKind = 'key' | 'identity' | 'session' | 'trust' | 'service-control'

/**
 * Characters of policies: white space counts in key policies alone. The inline policies of one identity
 * count together. Source: IAM User Guide, IAM and AWS STS quotas; AWS KMS Developer Guide, Resource quotas.
 */
export const POLICY_SIZE_MAX = {
  managed: 6144,
  userInline: 2048,
  groupInline: 5120,
  roleInline: 10_240,
  trust: 2048,
  /** With a raised quota. */
  trustRaised: 4096,
  session: 2048,
  serviceControl: 5120,
  /** Unit: bytes. */
  key: 32_768,
} as const

/** Tabs, line feeds, carriage returns, and what is printed of Latin-1. */
const POLICY_CHARACTERS = /^[\t\n\r\u0020-\u00ff]*$/

/** Whether a text has only characters that policies may have. Source: IAM API Reference, PolicyDocument. */
export const isPolicyText = (text: string): boolean => POLICY_CHARACTERS.test(text)

/** Characters that count towards a policy's limit of IAM: white space does not. */
export const policySize = (text: string): number => text.replaceAll(/\s/g, '').length

/**
 * What is wrong with the text of a policy, by grammar alone; undefined for a well-formed one. Its size and
 * characters are not looked at, nor whether the principals that it names exist.
 */
export function policyProblem(text: string, kind: PolicyKind = 'key'): string | undefined {
  const parsed = parseStrictJson(text)
  switch (kind) {
    case 'key':
      return parsed.ok ? keyPolicyProblem(parsed.value) : 'The policy is not valid JSON.'
    case 'trust':
      return trustPolicyProblem(parsed.ok ? parsed.value : undefined)
    case 'identity':
    case 'session':
    case 'service-control':
      return identityPolicyProblem(parsed.ok ? parsed.value : undefined, kind === 'identity')
    default:
      return unreachable(kind)
  }
}
