import { ARN_PARTS } from './arn-pattern.ts'
import { hasWildcard } from './wildcard.ts'

const PARTITION = /^aws(?:-[a-z]+)*$/
/** What an ARN of IAM may name. Source: the text of IAM's own refusal. */
const IAM_PATHS = [
  'user/',
  'federated-user/',
  'role/',
  'group/',
  'instance-profile/',
  'mfa/',
  'server-certificate/',
  'policy/',
  'sms-mfa/',
  'saml-provider/',
  'oidc-provider/',
  'report/',
  'access-report/',
]

/** What IAM has against an element of Resource or NotResource. */
export function resourceProblem(resource: string): string | undefined {
  if (resource === '*') return undefined
  const parts = resource.split(':')
  if (parts.length < 2) return `Resource ${resource} must be in ARN format or "*".`
  const [, partition = '', service = '', region, , ...path] = parts
  if (!PARTITION.test(partition)) {
    const [, ...rest] = parts
    while (rest.length < ARN_PARTS - 1) rest.push('*')
    return `Partition "${partition}" is not valid for resource "arn:${rest.join(':')}".`
  }
  if (parts.length < 3 || hasWildcard(service)) {
    return 'Resource vendor must be fully qualified and cannot contain regexes.'
  }
  if (region !== undefined && region !== '') {
    if (service === 'iam') return `IAM resource ${resource} cannot contain region information.`
    if (service === 's3') return `Resource ${resource} can not contain region information.`
  }
  return service === 'iam' && path.length > 0 ? iamPathProblem(path.join(':')) : undefined
}

/** A wildcard may stand for what a path must begin with. */
function iamPathProblem(path: string): string | undefined {
  const [kind = ''] = path.split('/')
  const isKnown = hasWildcard(kind) || IAM_PATHS.some((start) => path.startsWith(start))
  return isKnown
    ? undefined
    : `IAM resource path must either be "*" or start with ${IAM_PATHS.join(', ')}.`
}
