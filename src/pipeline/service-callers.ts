import { assert } from '../core/assert.ts'
import type { AccountId, Region } from '../core/ids.ts'
import { parseAccessKeyId } from '../core/ids.ts'
import type { Principal } from '../core/principal.ts'
import { partitionOf } from '../core/regions.ts'
import type { Call, Caller } from './call.ts'
import type { CallOrigin } from './pipeline.ts'

/**
 * The three ways in which one of our services calls another: for its caller, under a grant, as itself. They
 * are made here, in process, and nowhere else: no header and no credential claims any of them.
 * Source: AWS KMS Developer Guide, How AWS services use AWS KMS.
 */

/** `ssm.amazonaws.com` */
const dnsName = (service: string): string => `${service}.amazonaws.com`
/** `ssm.eu-central-1.amazonaws.com`: like this in every partition. */
const regionalName = (service: string, region: Region): string =>
  `${service}.${region}.amazonaws.com`

/** What a record says of where a service calls from. */
const placeOfService = (service: string) => ({
  connection: { remoteAddress: dnsName(service) },
  userAgent: dnsName(service),
  host: '',
})

/** Services have no access key; records leave it empty. */
const NO_ACCESS_KEY = parseAccessKeyId('internalservice')

function serviceCaller(principal: Principal, userIdentity: object): Caller {
  assert(NO_ACCESS_KEY !== undefined, 'the stand-in is a well-formed access key id')
  const { accountId, arn, userId } = principal
  const userIdentityJson = JSON.stringify(userIdentity)
  return { accountId, principal, arn, userId, accessKeyId: NO_ACCESS_KEY, userIdentityJson }
}

/**
 * A service passes on what its caller asked for: the caller's own rights decide, with `kms:ViaService` set.
 * @param service its short name: `ssm`
 */
export function onBehalfOf(call: Call, service: string): CallOrigin {
  const { caller, accountId, region, via } = call
  return {
    accountId,
    region,
    caller: {
      ...caller,
      userIdentityJson: `${caller.userIdentityJson.slice(0, -1)},"invokedBy":"${dnsName(service)}"}`,
    },
    ...placeOfService(service),
    via: {
      viaService: regionalName(service, region),
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

/** The ARN that grants name a part of a service's infrastructure by: no role can have such a name. */
export const infrastructureArn = ({ accountId, region, service, id }: Infrastructure): string =>
  `arn:${partitionOf(region)}:sts::${accountId}:assumed-role/aws:${service}-infrastructure/${id}`

/** What such an ARN looks like. */
export const INFRASTRUCTURE_ARN =
  /^arn:[a-z-]+:sts::\d{12}:assumed-role\/aws:[a-z0-9-]{1,40}-infrastructure\/[\w+=,.@-]{2,64}$/

/** A part of a service's infrastructure: what a grant to it says is all that it may do. */
export function asInfrastructure(infrastructure: Infrastructure): CallOrigin {
  const { accountId, region, service, id } = infrastructure
  const arn = infrastructureArn(infrastructure)
  const principalId = `${accountId}:aws:${service}-infrastructure:${id}`
  const principal: Principal = {
    type: 'FederatedUser',
    accountId,
    partition: partitionOf(region),
    arn,
    principalArn: arn,
    uniqueId: principalId,
    userId: principalId,
    tags: {},
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

/** The service itself, as key policies name it: `logs.eu-central-1.amazonaws.com` or `logs.amazonaws.com`. */
export function asServicePrincipal(errand: ServiceErrand): CallOrigin {
  const { service, region, sourceArn, sourceAccount } = errand
  const names = [regionalName(service, region), dnsName(service)]
  const [arn = ''] = names
  const principal: Principal = {
    type: 'Service',
    accountId: sourceAccount,
    partition: partitionOf(region),
    arn,
    principalArn: arn,
    uniqueId: arn,
    userId: arn,
    tags: {},
    serviceNames: names,
  }
  return {
    accountId: sourceAccount,
    region,
    caller: serviceCaller(principal, { type: 'AWSService', invokedBy: arn }),
    ...placeOfService(service),
    source: { arn: sourceArn, accountId: sourceAccount },
  }
}
