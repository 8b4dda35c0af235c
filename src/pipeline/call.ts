import type { Place } from '../core/arn.ts'
import type { AccessKeyId, AccountId, Instant } from '../core/ids.ts'
import type { Principal } from '../core/principal.ts'
import type { Connection } from '../core/transport.ts'

/** Who is calling: the outcome of authentication. One object for as long as the credential is cached. */
export interface Caller {
  readonly accountId: AccountId
  readonly principal: Principal
  /** As denials and GetCallerIdentity name it. */
  readonly arn: string
  readonly userId: string
  readonly accessKeyId: AccessKeyId
  /** The `userIdentity` member of audit records, as JSON text. */
  readonly userIdentityJson: string
}

/**
 * The service that passes a call on for its caller. Only our own services make such calls, in process:
 * nothing that comes over the network can.
 */
export interface Forwarding {
  /** `kms:ViaService`: `ssm.eu-central-1.amazonaws.com` */
  readonly viaService: string
  /** `aws:CalledVia`: the services in the order in which they passed the call on. */
  readonly calledVia: readonly string[]
}

/** On whose behalf a service principal acts. As `Forwarding`, only in process. */
export interface SourceOfCall {
  /** `aws:SourceArn` */
  readonly arn: string
  /** `aws:SourceAccount` */
  readonly accountId: AccountId
}

/** One API call on its way through the pipeline: who, where, when. */
export interface Call extends Place {
  readonly caller: Caller
  /** The account and Region that the call acts in: the caller's account, the credential scope's Region. */
  readonly service: string
  readonly operation: string
  /** `x-amzn-RequestId` of the reply. */
  readonly requestId: string
  /** The service's time, fixed when the call arrived. */
  readonly time: Instant
  readonly connection: Connection
  readonly userAgent: string
  readonly host: string
  readonly referer?: string | undefined
  readonly via?: Forwarding | undefined
  readonly source?: SourceOfCall | undefined
}
