import type { Instant } from './ids.ts'

/**
 * The port of everything that looks events up: LookupEvents on the wire, `strongroom audit search`, the
 * use of a key before it is deleted. Implemented by `audit/event-index/`.
 */

/** How a call ended: allowed and done, refused by policy, or failed otherwise. */
export type EventOutcome = 'success' | 'denied' | 'failure'

/** Conditions on events; all that are given must hold. */
export interface EventFilter {
  /** The account whose log it is (`recipientAccountId`). Absent: all, which is for operators. */
  readonly accountId?: string | undefined
  readonly region?: string | undefined
  /** Inclusive. */
  readonly from?: Instant | undefined
  /** Exclusive. */
  readonly to?: Instant | undefined
  readonly eventId?: string | undefined
  readonly requestId?: string | undefined
  readonly eventName?: string | undefined
  /** Any of these names; `*` in one stands for any text. */
  readonly eventNames?: readonly string[] | undefined
  /** `kms.amazonaws.com` */
  readonly eventSource?: string | undefined
  readonly readOnly?: boolean | undefined
  /** As LookupEvents tells it: the user's name, a role's session name, `root`. */
  readonly username?: string | undefined
  readonly accessKeyId?: string | undefined
  /** `AWS::KMS::Key` */
  readonly resourceType?: string | undefined
  /** A member of `resources`: the ARN of a key or alias; a key also by its bare id. */
  readonly resourceName?: string | undefined
  /** `userIdentity.arn`; a role session also by the ARN of its role. */
  readonly principal?: string | undefined
  readonly outcome?: EventOutcome | undefined
  /** `errorCode`, as the record has it. */
  readonly errorCode?: string | undefined
  readonly sourceIp?: string | undefined
  /** Every pair must stand in an encryption context of the request. */
  readonly encryptionContext?: Readonly<Record<string, string>> | undefined
}

/** Whose logs are asked. */
export interface EventScope {
  /** `node`: only that of the node that is asked. Absent: those of all that serve as one. */
  readonly scope?: 'node' | undefined
}

export interface EventPageQuery extends EventFilter, EventScope {
  readonly order: 'newest-first' | 'oldest-first'
  /** Of the page before; opaque. */
  readonly after?: string | undefined
  /** 1 to 10,000. */
  readonly limit: number
}

/** One event with what a list of events shows of it. */
export interface FoundEvent {
  /** Of its frame in the node's log; with `record` it says where the event stands. */
  readonly sequence: number
  /** Which of the records of its frame, from 0. */
  readonly record: number
  readonly time: Instant
  /** The CloudTrail record, JSON text as it stands in the log. */
  readonly text: string
}

export interface EventPage {
  readonly events: readonly FoundEvent[]
  /** Absent on the last page. */
  readonly next?: string | undefined
}

/** What counts are kept apart by. */
export type EventDimension =
  | 'principal'
  | 'operation'
  | 'outcome'
  | 'source'
  | 'key'
  | 'account'
  | 'day'

export interface EventCountsQuery
  extends EventScope,
    Pick<
      EventFilter,
      | 'accountId'
      | 'region'
      | 'from'
      | 'to'
      | 'eventName'
      | 'eventNames'
      | 'eventSource'
      | 'resourceName'
      | 'principal'
      | 'outcome'
      | 'sourceIp'
    > {
  readonly by: readonly EventDimension[]
  /** Rows at most, those with the highest counts. */
  readonly limit: number
}

export interface EventCount {
  /** A value for each member of `by`, in its order; empty where the event has none. */
  readonly values: readonly string[]
  readonly count: number
  readonly first: Instant
  readonly last: Instant
}

/** Answers from every event that was durable when it was asked, however far the index had got. */
export interface AuditSearch {
  search(query: EventPageQuery): Promise<EventPage>
  counts(query: EventCountsQuery): Promise<readonly EventCount[]>
}

/** How far the index is. */
export interface EventIndexStatus {
  /** The newest frame of the log that is in it. */
  readonly sequence: number
  /** The newest frame of the log; absent where nobody knows without reading the log. */
  readonly head?: number
}

/** What an operator may ask about events. */
export interface EventLookup {
  searchEvents(query: EventPageQuery): Promise<EventPage>
  countEvents(query: EventCountsQuery): Promise<readonly EventCount[]>
  /** The ARN of the key that an id, ARN or alias stands for now. */
  findKeyArn(name: {
    readonly key: string
    readonly accountId?: string | undefined
    readonly region?: string | undefined
  }): Promise<{ readonly arn: string }>
  eventIndexStatus(): Promise<EventIndexStatus>
  /** Throws the index away. It is made again in the background, or for the next question. */
  reindexEvents(): Promise<EventIndexStatus>
}
