import { type Instant, SERVICE_ACCOUNT } from '../core/ids.ts'
import type { Connection } from '../core/transport.ts'

/** The version of CloudTrail's record format that we write. Source: AWS CloudTrail User Guide, record contents. */
export const EVENT_VERSION = '1.11'
/** CloudTrail cuts error messages and user agents here. Unit: bytes. Source: AWS CloudTrail User Guide, record contents. */
const SHORT_TEXT_MAX = 1024
/** No UTF-16 code unit takes more in UTF-8. Unit: bytes. */
const BYTES_PER_UNIT = 3

/** What the record of one API call is made of. The `…Json` members are JSON text already. */
export interface CallFacts {
  readonly eventId: string
  readonly requestId: string
  readonly time: Instant
  readonly accountId: string
  readonly region: string
  readonly eventSource: string
  readonly eventName: string
  readonly accessKeyId: string
  readonly userIdentityJson: string
  readonly userAgent: string
  readonly host: string
  readonly connection: Connection
  readonly readOnly: boolean
  /** Whether it is one that trails have no record of unless they ask for it. */
  readonly isDataEvent?: boolean | undefined
  readonly requestParametersJson: string
  readonly responseElementsJson: string
  /** Absent where there is nothing to add. */
  readonly additionalEventDataJson: string | undefined
  readonly resources: readonly {
    readonly accountId: string
    readonly type: string
    readonly arn: string
  }[]
  readonly error: { readonly code: string; readonly message: string | undefined } | undefined
  /** Why the caller was or was not allowed, a JSON list; absent where nothing was decided. */
  readonly decidedJson: string | undefined
  /** A second record, of what the call did in another Region. */
  readonly elsewhere?: ElsewhereFacts | undefined
  /** Further records, for the other accounts whose resources the call was about. */
  readonly shared?: SharedFacts | undefined
}

/** What the records of one call in several accounts have in common, and what each of the others has of its own. */
export interface SharedFacts {
  readonly sharedEventId: string
  /** Who called, as the owners of the resources see it. */
  readonly userIdentityJson: string
  readonly copies: readonly { readonly eventId: string; readonly accountId: string }[]
}

/** What the record in another Region has of its own; everything else is the call's. */
export interface ElsewhereFacts {
  readonly eventId: string
  readonly region: string
  readonly eventName: string
  readonly requestParametersJson: string
  readonly responseElementsJson: string
  readonly resources: CallFacts['resources']
}

/** What is known of a request that never became an API call: bad syntax, unknown operation, failed authentication. */
export interface RefusalFacts {
  readonly requestId: string
  readonly time: Instant
  readonly service: string
  readonly operation: string
  /** As claimed by the request, not verified. */
  readonly accessKeyId: string
  readonly connection: Connection
  readonly code: string
}

/** Refused requests that came too fast to be recorded one by one. */
export interface RefusalCounts {
  /** When the first of them came. Unit: milliseconds since the Unix epoch. */
  readonly since: number
  readonly time: Instant
  readonly byCode: ReadonlyMap<string, number>
}

/** What happened inside the service without a caller: a deletion at the end of its window. */
export interface ServiceEventFacts {
  readonly eventId: string
  readonly time: Instant
  readonly accountId: string
  readonly region: string
  readonly eventSource: string
  readonly eventName: string
  readonly resources: CallFacts['resources']
  readonly serviceEventDetailsJson: string | undefined
  /** Of what AWS records as a call of its own rather than as a service event. */
  readonly ownCall?:
    | { readonly requestId: string; readonly responseElementsJson: string }
    | undefined
}

/** Every frame starts with these bytes and `{"kind":…}`'s rest, so that `withOutboxId` needs no parsing. */
const INTERNAL_START = ',"internal":{'

/** CloudTrail's own spelling of an error: a denial loses its `Exception`. */
const errorCodeOf = (code: string): string =>
  code === 'AccessDeniedException' ? 'AccessDenied' : code

const text = (value: string): string => JSON.stringify(value)

/** As JSON, cut to what CloudTrail keeps, between two characters. */
function shortText(value: string): string {
  if (value.length * BYTES_PER_UNIT <= SHORT_TEXT_MAX) return text(value)
  const bytes = Buffer.from(value)
  if (bytes.length <= SHORT_TEXT_MAX) return text(value)
  // What the cut goes through decodes to a replacement character.
  return text(bytes.toString('utf8', 0, SHORT_TEXT_MAX).replace(/\uFFFD$/, ''))
}

/** ISO 8601 in UTC with whole seconds, as CloudTrail writes it; remembers the last second. */
export function createEventTime(): (time: Instant) => string {
  let lastSecond = -1
  let lastText = ''
  return (time) => {
    const second = Math.floor(time / 1000)
    if (second !== lastSecond) {
      lastSecond = second
      lastText = `${new Date(second * 1000).toISOString().slice(0, 19)}Z`
    }
    return lastText
  }
}

const resourcesJson = (resources: CallFacts['resources']): string =>
  resources
    .map(
      ({ accountId, type, arn }) =>
        `{"accountId":"${accountId}","type":${text(type)},"ARN":${text(arn)}}`,
    )
    .join(',')

function tlsDetails({ connection, host }: CallFacts): string {
  if (connection.tls === undefined) return ''
  const { version, cipherSuite } = connection.tls
  return `,"tlsDetails":{"tlsVersion":${text(version)},"cipherSuite":${text(cipherSuite)},"clientProvidedHostHeader":${text(host)}}`
}

const sharedEventId = ({ shared }: CallFacts): string =>
  shared === undefined ? '' : `"sharedEventID":"${shared.sharedEventId}",`

/**
 * The frame of what no account sees, such as what a service did with a key of its own, or a data event: nobody
 * receives the record, and it stands among what is internal.
 * @param start of a frame, up to the end of `internal`
 */
const withoutRecipient = (start: string, record: string): string =>
  `${start},"unlisted":${record}},"records":[]}`

type ActionDetails = Readonly<Record<string, string | number>>

function actionFrame(
  kind: 'operator' | 'background' | 'inquiry',
  time: Instant,
  action: string,
  details: ActionDetails,
): string {
  const internal = { time, action, ...details }
  return `{"kind":"${kind}"${INTERNAL_START}${JSON.stringify(internal).slice(1, -1)}},"records":[]}`
}

/** The writer of frames: `{kind, internal, records[]}`. Text is assembled by hand because it is on every call's path. */
export class FrameWriter {
  readonly #eventTime = createEventTime()

  /**
   * The frame of an authenticated call: one record, in the caller's account, then one for another Region, and
   * one for each other account whose resources the call was about.
   */
  call(facts: CallFacts): string {
    const error = facts.error
    const outcome = error === undefined ? 'ok' : error.code
    const decided = facts.decidedJson === undefined ? '' : `,"decided":${facts.decidedJson}`
    const start = `{"kind":"call"${INTERNAL_START}"time":${facts.time},"outcome":"${outcome}"${decided}`
    const record = this.#callRecord(facts)
    if (facts.accountId === SERVICE_ACCOUNT || facts.isDataEvent === true) {
      return withoutRecipient(start, record)
    }
    const elsewhere = facts.elsewhere === undefined ? '' : `,${this.#elsewhereRecord(facts)}`
    const copies = facts.shared === undefined ? '' : this.#copies(facts, facts.shared)
    return `${start}},"records":[${record}${elsewhere}${copies}]}`
  }

  /**
   * The records in the accounts of the resources: each lists what that account owns, and of the caller no
   * more than its account and its unique id.
   * Source: AWS CloudTrail User Guide, sharedEventID; userIdentity element, AWSAccount.
   */
  #copies(facts: CallFacts, { userIdentityJson, copies }: SharedFacts): string {
    const records = copies.map(({ eventId, accountId }) =>
      this.#callRecord({
        ...facts,
        eventId,
        accountId,
        userIdentityJson,
        resources: facts.resources.filter((resource) => resource.accountId === accountId),
      }),
    )
    return `,${records.join(',')}`
  }

  /**
   * The record in another Region: the same caller and request, invoked by the service.
   * Source: AWS KMS Developer Guide, UpdatePrimaryRegion, example log entries.
   */
  #elsewhereRecord(facts: CallFacts): string {
    return this.#callRecord({
      ...facts,
      ...facts.elsewhere,
      userIdentityJson: `${facts.userIdentityJson.slice(0, -1)},"invokedBy":"${facts.eventSource}"}`,
      userAgent: 'AWS Internal',
      connection: { remoteAddress: facts.connection.remoteAddress },
      additionalEventDataJson: undefined,
    })
  }

  #callRecord(facts: CallFacts): string {
    const { error } = facts
    const failure =
      error === undefined
        ? ''
        : `"errorCode":${text(errorCodeOf(error.code))},${error.message === undefined ? '' : `"errorMessage":${shortText(error.message)},`}`
    const additional =
      facts.additionalEventDataJson === undefined
        ? ''
        : `"additionalEventData":${facts.additionalEventDataJson},`
    const resources =
      facts.resources.length === 0 ? '' : `"resources":[${resourcesJson(facts.resources)}],`
    return (
      `{"eventVersion":"${EVENT_VERSION}","userIdentity":${facts.userIdentityJson},` +
      `"eventTime":"${this.#eventTime(facts.time)}","eventSource":"${facts.eventSource}",` +
      `"eventName":${text(facts.eventName)},"awsRegion":"${facts.region}",` +
      `"sourceIPAddress":${text(facts.connection.remoteAddress)},"userAgent":${shortText(facts.userAgent)},` +
      `${failure}"requestParameters":${facts.requestParametersJson},` +
      `"responseElements":${facts.responseElementsJson},${additional}` +
      `"requestID":"${facts.requestId}","eventID":"${facts.eventId}","readOnly":${facts.readOnly},` +
      `${resources}"eventType":"AwsApiCall","managementEvent":${facts.isDataEvent !== true},` +
      `"recipientAccountId":"${facts.accountId}",${sharedEventId(facts)}"eventCategory":"${facts.isDataEvent === true ? 'Data' : 'Management'}"${tlsDetails(facts)}}`
    )
  }

  /** The frame of a refused request that is no API call yet: it has no CloudTrail record. */
  refusal(facts: RefusalFacts): string {
    const internal = {
      time: facts.time,
      outcome: facts.code,
      requestId: facts.requestId,
      service: facts.service,
      operation: facts.operation,
      claimedAccessKeyId: facts.accessKeyId,
      sourceIPAddress: facts.connection.remoteAddress,
    }
    return `{"kind":"refusal"${INTERNAL_START}${JSON.stringify(internal).slice(1, -1)}},"records":[]}`
  }

  /** The frame of refused requests that were only counted. */
  refusals(facts: RefusalCounts): string {
    const { time, since, byCode } = facts
    const count = byCode.values().reduce((sum, some) => sum + some, 0)
    const internal = { time, since, count, byCode: Object.fromEntries(byCode) }
    return `{"kind":"refusals"${INTERNAL_START}${JSON.stringify(internal).slice(1, -1)}},"records":[]}`
  }

  /** The frame of something that the service did by itself. */
  serviceEvent(facts: ServiceEventFacts): string {
    const details =
      facts.serviceEventDetailsJson === undefined
        ? ''
        : `"serviceEventDetails":${facts.serviceEventDetailsJson},`
    const { ownCall } = facts
    const requestId = ownCall === undefined ? '' : `"requestID":"${ownCall.requestId}",`
    const record =
      `{"eventVersion":"${EVENT_VERSION}",` +
      `"userIdentity":{"accountId":"${facts.accountId}","invokedBy":"AWS Internal"},` +
      `"eventTime":"${this.#eventTime(facts.time)}","eventSource":"${facts.eventSource}",` +
      `"eventName":"${facts.eventName}","awsRegion":"${facts.region}",` +
      `"sourceIPAddress":"AWS Internal","userAgent":"AWS Internal",` +
      `"requestParameters":null,"responseElements":${ownCall?.responseElementsJson ?? 'null'},` +
      `${requestId}"eventID":"${facts.eventId}",` +
      `"readOnly":false,"resources":[${resourcesJson(facts.resources)}],` +
      `"eventType":"${ownCall === undefined ? 'AwsServiceEvent' : 'AwsApiCall'}","managementEvent":true,` +
      `"recipientAccountId":"${facts.accountId}",${details}"eventCategory":"Management"}`
    const start = `{"kind":"service-event"${INTERNAL_START}"time":${facts.time},"outcome":"ok"`
    if (facts.accountId === SERVICE_ACCOUNT) return withoutRecipient(start, record)
    return `${start}},"records":[${record}]}`
  }

  /** The frame of something an operator did on the machine itself: no API call, so no CloudTrail record. */
  operator(time: Instant, action: string, details: ActionDetails): string {
    return actionFrame('operator', time, action, details)
  }

  /** The frame of a question about decisions that came over HTTP: no API call of AWS's, so no CloudTrail record. */
  inquiry(time: Instant, action: string, details: ActionDetails): string {
    return actionFrame('inquiry', time, action, details)
  }

  /** The frame of something that the service did by itself and CloudTrail has no record of. */
  background(time: Instant, action: string, details: ActionDetails): string {
    return actionFrame('background', time, action, details)
  }
}

/**
 * The frame as it goes into the log when it came through the store's outbox: with the entry's id, so
 * that a restart can tell which entries have reached the log already.
 */
export function withOutboxId(frame: string, id: number): string {
  const at = frame.indexOf(INTERNAL_START) + INTERNAL_START.length
  return `${frame.slice(0, at)}"outbox":${id},${frame.slice(at)}`
}
