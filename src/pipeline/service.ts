import type { ErrorCode } from '../core/errors.ts'
import type { AccountId, Region } from '../core/ids.ts'
import type { HttpRequest } from '../core/transport.ts'
import type { Call, Caller } from './call.ts'
import type { Codec } from './codec.ts'
import type { AnyOperation, Scope } from './operation.ts'

/** One AWS service as the pipeline sees it: its operations, its wire protocol, its name in scopes and records. */
export interface Service {
  /** The signing name: `kms`. */
  readonly name: string
  /** `kms.amazonaws.com` */
  readonly eventSource: string
  readonly codec: Codec
  readonly operations: ReadonlyMap<string, AnyOperation>
  /** What a failure of ours is called on this service's wire. */
  readonly internalError: ErrorCode
  /**
   * Counts a call that has been authenticated against the rates of its operation, before anything of it
   * is looked at. Absent where no rates are set. @throws ServiceError ThrottlingException
   */
  readonly throttle?: ((call: Call) => void) | undefined
  /** Of a global service: where it acts, for a request that was signed for a Region. */
  readonly regionOf?: ((signed: Region) => Region) | undefined
  /** How its requests are signed, where that is not how nearly all services have it. */
  readonly signing?: SigningStyle
  /** Whether it takes no sessions of users, as IAM does not: those that GetSessionToken and GetFederationToken give. */
  readonly isClosedToUserSessions?: boolean | undefined
  /** Adds what the service's own handlers need to the scope of a call. */
  openScope(scope: Scope): Scope
}

/** How requests of a service are signed: see `SignatureRules`. */
export interface SigningStyle {
  readonly maxSkewMs?: number
  readonly pathStyle?: 'normalized' | 's3'
  readonly allowsUnsignedPayload?: boolean
}

/** What authentication found out. */
export interface Identity {
  readonly caller: Caller
  readonly region: Region
}

/** Verifies who signed a request for a service. @throws ServiceError in the order of AWS's front end */
export type Authenticate = (request: HttpRequest, service: Service) => Promise<Identity> | Identity

/** Who a request claims to come from, before anything is verified: for the record of a refusal. */
export type ClaimedAccessKeyId = (request: HttpRequest) => string

/** Where a service acts for an identity: its account, and the Region that was signed for or that the service is in. */
export const placeOf = (
  { caller, region }: Identity,
  service: Service,
): { accountId: AccountId; region: Region } => ({
  accountId: caller.accountId,
  region: service.regionOf?.(region) ?? region,
})
