import { parseArn, rootArn } from '../../../core/arn.ts'
import { ServiceError } from '../../../core/errors.ts'
import { type AccountId, parseAccountId } from '../../../core/ids.ts'
import { type Partition, partitionOf } from '../../../core/regions.ts'
import type { Call } from '../../../pipeline/call.ts'
import { isOwnInfrastructure } from '../../../pipeline/service-callers.ts'
import { validationError } from '../keys/key-errors.ts'

/** A principal that a grant names. */
export interface GrantPrincipal {
  /** As it is stored and shown: an account number becomes its root's ARN. */
  readonly name: string
  /** Absent for a unique id, which does not tell its account. */
  readonly accountId: AccountId | undefined
}

/** Unique ids of users and roles; those of groups begin otherwise. */
const UNIQUE_ID = /^A(IDA|ROA)[A-Z0-9]{12,124}$/
/** What stands behind the account in ARNs of IAM: the root, or a user or role with its path. */
const IAM_RESOURCE = /^(root|(user|role)\/([\w+=,.@:-]+\/)*[\w+=,.@-]{1,64})$/
/** Sessions: of a role, or federated. */
const STS_RESOURCE =
  /^(assumed-role\/[\w+=,.@-]{1,64}\/[\w+=,.@-]{2,64}|federated-user\/[\w+=,.@-]{2,32})$/

/** The principal of a text, by its form alone; undefined for groups, services and everything else. */
export function parsePrincipal(text: string, partition: Partition): GrantPrincipal | undefined {
  const account = parseAccountId(text)
  if (account !== undefined) return { name: rootArn(partition, account), accountId: account }
  if (UNIQUE_ID.test(text)) return { name: text, accountId: undefined }
  const arn = parseArn(text)
  if (arn === undefined || arn.partition !== partition || arn.region !== '') return undefined
  const resource = RESOURCES.get(arn.service)
  return resource?.test(arn.resource) === true
    ? { name: text, accountId: arn.accountId }
    : undefined
}

const RESOURCES: ReadonlyMap<string, RegExp> = new Map([
  ['iam', IAM_RESOURCE],
  ['sts', STS_RESOURCE],
])

/**
 * Only a service may ask for the grants of a service: for its own.
 * @throws ServiceError ValidationException
 */
export function assertOwnService(member: string, service: string, { caller }: Call): void {
  if (caller.principal.serviceNames?.includes(service) === true) return
  throw validationError(`Only AWS service principals can specify ${member}.`)
}

/** What a text that names no principal is refused with. */
export const invalidPrincipal = (text: string): ServiceError =>
  new ServiceError('InvalidArnException', `ARN does not refer to a valid principal: ${text}`)

/**
 * As `parsePrincipal`, and a part of its own infrastructure for a service that passes a call on. Whether the
 * principal exists is not asked: it may be another account's.
 * @throws ServiceError InvalidArnException
 */
export function getPrincipal(text: string, call: Call): GrantPrincipal {
  if (isOwnInfrastructure(text, call)) return { name: text, accountId: call.accountId }
  const principal = parsePrincipal(text, partitionOf(call.region))
  if (principal === undefined) throw invalidPrincipal(text)
  return principal
}
