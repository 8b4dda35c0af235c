import { assert } from '../core/assert.ts'
import { type AccountId, parseAccessKeyId, type Region, SERVICE_ACCOUNT } from '../core/ids.ts'
import type { Principal } from '../core/principal.ts'
import { type Partition, partitionOf } from '../core/regions.ts'
import type { Call, Caller } from './call.ts'
import type { CallOrigin } from './pipeline.ts'

/**
 * The ways in which one of our services calls another: for its caller, under a grant, as itself. They are
 * made here, in process, and nowhere else: no header and no credential claims any of them.
 * Source: AWS KMS Developer Guide, How AWS services use AWS KMS.
 */

/** `ssm.amazonaws.com` */
export const dnsName = (service: string): string => `${service}.amazonaws.com`
/** `ssm.eu-central-1.amazonaws.com`: like this in every partition. */
export const regionalServiceName = (service: string, region: Region): string =>
  `${service}.${region}.amazonaws.com`

/** What a record says of where a service calls from. */
const placeOfService = (
  service: string,
): Pick<CallOrigin, 'connection' | 'userAgent' | 'host' | 'referer'> => ({
  connection: { remoteAddress: dnsName(service), protectedBy: 'process' },
  userAgent: dnsName(service),
  host: '',
})

function serviceCaller(principal: Principal, userIdentity: object): Caller {
  // Services have no access key; their records leave it out.
  const accessKeyId = parseAccessKeyId('internalservice')
  assert(accessKeyId !== undefined, 'the stand-in is a well-formed access key id')
  const { accountId, arn, userId } = principal
  const userIdentityJson = JSON.stringify(userIdentity)
  return { accountId, principal, arn, userId, accessKeyId, userIdentityJson }
}

/** Whose call a service passes on: a call that came to it, or what that one passed on itself. */
export type PassedOn = Pick<Call, 'caller' | 'accountId' | 'region' | 'via'>

/**
 * A service passes on what its caller asked for: the caller's own rights decide, with `kms:ViaService` set.
 * @param service its short name: `ssm`
 */
export function onBehalfOf(
  { caller, accountId, region, via }: PassedOn,
  service: string,
): CallOrigin {
  return {
    accountId,
    region,
    caller,
    ...placeOfService(service),
    via: {
      viaService: regionalServiceName(service, region),
      calledVia: [...(via?.calledVia ?? []), dnsName(service)],
    },
  }
}

/** A part of a service's infrastructure, such as the machine that has a volume attached. */
export interface Infrastructure {
  readonly accountId: AccountId
  readonly region: Region
  /** Short name of the service: `ec2`. */
  readonly service: string
  /** `i-0123456789abcdef0` */
  readonly id: string
}

/** IAM lets no role have a colon in its name, so that nobody can make one of these. */
const roleOf = (service: string): string => `aws:${service}-infrastructure`

/** The ARN that grants name a part of a service's infrastructure by. */
export const infrastructureArn = ({ accountId, region, service, id }: Infrastructure): string =>
  `arn:${partitionOf(region)}:sts::${accountId}:assumed-role/${roleOf(service)}/${id}`

const INFRASTRUCTURE_ARN =
  /^arn:([a-z-]+):sts::(\d{12}):assumed-role\/aws:([a-z0-9-]{1,40})-infrastructure\/[\w+=,.@-]{2,64}$/

/** The service whose infrastructure an ARN names; undefined for every other text. */
export const serviceOfInfrastructure = (text: string): string | undefined =>
  INFRASTRUCTURE_ARN.exec(text)?.[3]

/** Whether a text names a part of the infrastructure of the service that passes a call on, in its caller's account. */
export function isOwnInfrastructure(
  text: string,
  { accountId, region, via }: Pick<Call, 'accountId' | 'region' | 'via'>,
): boolean {
  const [, partition, account, service = ''] = INFRASTRUCTURE_ARN.exec(text) ?? []
  return (
    via?.viaService === regionalServiceName(service, region) &&
    account === accountId &&
    partition === partitionOf(region)
  )
}

/** A part of a service's infrastructure: what a grant to it says is all that it may do. */
export function asInfrastructure(infrastructure: Infrastructure): CallOrigin {
  const { accountId, region, service, id } = infrastructure
  const arn = infrastructureArn(infrastructure)
  const partition = partitionOf(region)
  const roleId = `${accountId}:${roleOf(service)}`
  const principalId = `${roleId}:${id}`
  const principal: Principal = {
    type: 'AssumedRole',
    accountId,
    partition,
    arn,
    principalArn: `arn:${partition}:iam::${accountId}:role/${roleOf(service)}`,
    uniqueId: roleId,
    userId: principalId,
    tags: {},
    isInfrastructure: true,
  }
  return {
    accountId,
    region,
    caller: serviceCaller(principal, {
      type: 'AssumedRole',
      principalId,
      arn,
      accountId,
      accessKeyId: '',
      invokedBy: dnsName(service),
    }),
    ...placeOfService(service),
  }
}

/** What a service does as itself, for a resource of somebody's. */
export interface ServiceErrand {
  /** Short name: `logs`. */
  readonly service: string
  readonly region: Region
  /** The resource on whose behalf it acts, and whose it is. */
  readonly sourceArn: string
  readonly sourceAccount: AccountId
}

function servicePrincipal(service: string, region: Region, accountId: AccountId): Principal {
  const arn = regionalServiceName(service, region)
  const partition: Partition = partitionOf(region)
  return {
    type: 'Service',
    accountId,
    partition,
    arn,
    principalArn: arn,
    uniqueId: arn,
    userId: arn,
    tags: {},
    serviceNames: [dnsName(service), arn],
  }
}

/** The service itself, as key policies name it: `logs.eu-central-1.amazonaws.com` or `logs.amazonaws.com`. */
export function asServicePrincipal(errand: ServiceErrand): CallOrigin {
  const { service, region, sourceArn, sourceAccount } = errand
  const principal = servicePrincipal(service, region, sourceAccount)
  return {
    accountId: sourceAccount,
    region,
    caller: serviceCaller(principal, { type: 'AWSService', invokedBy: principal.arn }),
    ...placeOfService(service),
    source: { arn: sourceArn, accountId: sourceAccount },
  }
}

/** The service itself, on a key of its own that no customer sees. */
export function asKeyOwner({
  service,
  region,
}: Pick<ServiceErrand, 'service' | 'region'>): CallOrigin {
  const principal = servicePrincipal(service, region, SERVICE_ACCOUNT)
  return {
    accountId: SERVICE_ACCOUNT,
    region,
    caller: serviceCaller(principal, { type: 'AWSService', invokedBy: principal.arn }),
    ...placeOfService(service),
  }
}
