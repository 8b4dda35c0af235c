import { hash } from 'node:crypto'
import { keySpecRow } from '../../../core/key-specs.ts'
import type { Grant, GrantConstraints } from '../../../core/tables.ts'
import type { Call } from '../../../pipeline/call.ts'
import { validationError } from '../keys/key-errors.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import type { CreateGrantRequest } from '../model.ts'
import { getPrincipal } from './grant-principals.ts'
import { isGrantable } from './grants.ts'

/** Source: AWS KMS API Reference, GrantConstraints. */
const CONTEXT_PAIRS_MAX = 8
/** Unit: UTF-16 code units. */
const CONTEXT_VALUE_MAX = 384

/** What a grant request asks for, apart from which grant it becomes. */
export type GrantTerms = Omit<Grant, 'grantId' | 'createdAt' | 'requestDigest'>

/** Who a grant names: exactly one grantee, at most one who retires it. @throws ServiceError ValidationException */
function checkPrincipals(input: CreateGrantRequest): void {
  const isForService = input.GranteeServicePrincipal !== undefined
  if ((input.GranteePrincipal !== undefined) === isForService) {
    throw validationError('Specify exactly one of GranteePrincipal and GranteeServicePrincipal.')
  }
  const isRetiredByService = input.RetiringServicePrincipal !== undefined
  if (input.RetiringPrincipal !== undefined && isRetiredByService) {
    throw validationError('Specify at most one of RetiringPrincipal and RetiringServicePrincipal.')
  }
  if (!isForService) return
  if (input.Constraints?.SourceArn === undefined) {
    throw validationError('A grant to a service principal requires the SourceArn grant constraint.')
  }
  if (input.RetiringPrincipal === undefined && !isRetiredByService) {
    throw validationError('A grant to a service principal requires a retiring principal.')
  }
}

/** @throws ServiceError ValidationException */
function checkContext(name: string, pairs: Readonly<Record<string, string>> | undefined): void {
  const values = Object.values(pairs ?? {})
  if (values.length > CONTEXT_PAIRS_MAX) {
    throw validationError(`${name} can have at most ${CONTEXT_PAIRS_MAX} encryption context pairs.`)
  }
  if (values.some((value) => value.length > CONTEXT_VALUE_MAX)) {
    throw validationError(
      `The encryption context values of ${name} can have at most ${CONTEXT_VALUE_MAX} characters.`,
    )
  }
}

/** The rules between the members that need no key. @throws ServiceError ValidationException */
export function checkGrantRequest(input: CreateGrantRequest): void {
  checkPrincipals(input)
  if (input.Operations.length === 0) throw validationError('Operations must not be empty.')
  checkContext('EncryptionContextSubset', input.Constraints?.EncryptionContextSubset)
  checkContext('EncryptionContextEquals', input.Constraints?.EncryptionContextEquals)
}

/** What the key must be for the request. @throws ServiceError ValidationException */
export function assertGrantFits(input: CreateGrantRequest, { key, arn }: ResolvedKey): void {
  const refused = input.Operations.find((operation) => !isGrantable(operation, key))
  if (refused !== undefined) {
    throw validationError(
      `Operation ${refused} cannot be granted on ${arn}, whose key spec is ${key.spec} and key usage ${key.usage}.`,
    )
  }
  const { EncryptionContextEquals, EncryptionContextSubset } = input.Constraints ?? {}
  const isConstrained = (EncryptionContextEquals ?? EncryptionContextSubset) !== undefined
  if (isConstrained && keySpecRow(key.spec).type !== 'symmetric') {
    throw validationError(
      `Encryption context grant constraints require a symmetric encryption key. The key spec of ${arn} is ${key.spec}.`,
    )
  }
}

/** The constraints of a request; undefined where it has none. */
export function grantConstraints({
  Constraints,
}: CreateGrantRequest): GrantConstraints | undefined {
  const { EncryptionContextSubset, EncryptionContextEquals, SourceArn } = Constraints ?? {}
  const constraints = {
    ...(EncryptionContextSubset && { encryptionContextSubset: EncryptionContextSubset }),
    ...(EncryptionContextEquals && { encryptionContextEquals: EncryptionContextEquals }),
    ...(SourceArn !== undefined && { sourceArn: SourceArn }),
  }
  return Object.keys(constraints).length === 0 ? undefined : constraints
}

/** What the request asks for on a key, in the form in which it is stored. @throws ServiceError InvalidArnException */
export function grantTerms(
  input: CreateGrantRequest,
  { key }: ResolvedKey,
  call: Call,
): GrantTerms {
  const principalOf = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : getPrincipal(text, call).name
  return {
    region: key.region,
    keyId: key.keyId,
    name: input.Name ?? '',
    granteePrincipal: principalOf(input.GranteePrincipal),
    granteeServicePrincipal: input.GranteeServicePrincipal,
    retiringPrincipal: principalOf(input.RetiringPrincipal),
    retiringServicePrincipal: input.RetiringServicePrincipal,
    operations: [...new Set(input.Operations)],
    constraints: grantConstraints(input),
    issuingAccount: call.accountId,
  }
}

const sortedPairs = (
  pairs: Readonly<Record<string, string>> | undefined,
): readonly (readonly [string, string])[] | null =>
  pairs === undefined
    ? null
    : Object.entries(pairs).sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0))

/**
 * What two requests for the same named grant have in common: a hash over everything that they say.
 * JSON keeps the fields apart. Undefined without a name: every such request makes a grant.
 */
export function requestDigest(terms: GrantTerms): string | undefined {
  if (terms.name === '') return undefined
  const { constraints } = terms
  const fields = [
    terms.name,
    terms.granteePrincipal ?? null,
    terms.granteeServicePrincipal ?? null,
    terms.retiringPrincipal ?? null,
    terms.retiringServicePrincipal ?? null,
    terms.operations.toSorted(),
    sortedPairs(constraints?.encryptionContextEquals),
    sortedPairs(constraints?.encryptionContextSubset),
    constraints?.sourceArn ?? null,
    terms.issuingAccount,
    // A principal that was deleted and made again is another one, and wants another grant.
    ...[terms.granteeId, terms.retiringId].filter((id) => id !== undefined),
  ]
  return hash('sha256', JSON.stringify(fields))
}
