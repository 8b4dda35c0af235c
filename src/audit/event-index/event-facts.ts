import type { EventFilter, EventOutcome } from '../../core/audit-search.ts'
import { type Instant, instant } from '../../core/ids.ts'
import { isJsonObject } from '../../core/strict-json.ts'

export interface FactResource {
  /** `AWS::KMS::Key` */
  readonly type: string
  readonly arn: string
}

/** What can be asked of a record, taken from its JSON once. Texts are empty where the record has nothing. */
export interface EventFacts {
  readonly time: Instant
  readonly accountId: string
  readonly region: string
  readonly eventSource: string
  readonly eventName: string
  readonly readOnly: boolean
  readonly eventId: string
  readonly requestId: string
  /** Who is counted: a user, the role of a session, a service. */
  readonly principal: string
  /** `userIdentity.arn`: of a role session that of the session. */
  readonly arn: string
  readonly username: string
  readonly accessKeyId: string
  readonly outcome: EventOutcome
  readonly errorCode: string
  readonly sourceIp: string
  readonly resources: readonly FactResource[]
  /** The encryption contexts of the request: two for ReEncrypt. */
  readonly contexts: readonly Readonly<Record<string, string>>[]
}

type Members = Readonly<Record<string, unknown>>

const NOTHING: Members = {}
const CONTEXT_MEMBERS = [
  'encryptionContext',
  'sourceEncryptionContext',
  'destinationEncryptionContext',
]
/** Codes that say that policies did not allow the call. Source: AWS API references, Common Errors. */
const DENIALS: ReadonlySet<string> = new Set(['AccessDenied', 'AccessDeniedException'])

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const members = (value: unknown): Members => (isJsonObject(value) ? value : NOTHING)

/**
 * The facts of one record.
 * @param record parsed, of a frame of this program
 * @param frameTime `internal.time` of its frame, which is more exact than the record's seconds
 */
export function factsOf(record: unknown, frameTime: unknown): EventFacts {
  const event = members(record)
  const identity = members(event['userIdentity'])
  const issuer = members(members(identity['sessionContext'])['sessionIssuer'])
  const errorCode = text(event['errorCode'])
  const arn = text(identity['arn'])
  const issuerArn = text(issuer['arn'])
  return {
    time: typeof frameTime === 'number' ? instant(frameTime) : secondsOf(event),
    accountId: text(event['recipientAccountId']),
    region: text(event['awsRegion']),
    eventSource: text(event['eventSource']),
    eventName: text(event['eventName']),
    readOnly: event['readOnly'] === true,
    eventId: text(event['eventID']),
    requestId: text(event['requestID']),
    principal:
      (identity['type'] === 'AssumedRole' ? issuerArn : '') ||
      arn ||
      text(identity['invokedBy']) ||
      text(identity['accountId']),
    arn,
    username: usernameOf(identity, arn),
    accessKeyId: text(identity['accessKeyId']),
    outcome: errorCode === '' ? 'success' : DENIALS.has(errorCode) ? 'denied' : 'failure',
    errorCode,
    sourceIp: text(event['sourceIPAddress']),
    resources: resourcesOf(event['resources']),
    contexts: contextsOf(members(event['requestParameters'])),
  }
}

const secondsOf = (event: Members): Instant => {
  const time = Date.parse(text(event['eventTime']))
  return instant(Number.isNaN(time) ? 0 : time)
}

/** Source: AWS CloudTrail API Reference, Event, Username; a role's session is known by its session name. */
function usernameOf(identity: Members, arn: string): string {
  const type = identity['type']
  if (type === 'Root') return 'root'
  if (type === 'AssumedRole') return arn.slice(arn.lastIndexOf('/') + 1)
  return text(identity['userName'])
}

function resourcesOf(value: unknown): readonly FactResource[] {
  if (!Array.isArray(value)) return []
  return value.map((item: unknown) => {
    const resource = members(item)
    return { type: text(resource['type']), arn: text(resource['ARN']) }
  })
}

function contextsOf(parameters: Members): readonly Readonly<Record<string, string>>[] {
  return CONTEXT_MEMBERS.flatMap((name) => {
    const context = parameters[name]
    if (!isJsonObject(context)) return []
    const pairs = Object.entries(context).filter(
      (pair): pair is [string, string] => typeof pair[1] === 'string',
    )
    return pairs.length === 0 ? [] : [Object.fromEntries(pairs)]
  })
}

const KEY_IN_ARN = ':key/'

/** The bare id of the key that an ARN names; undefined for an ARN of anything else. */
export function keyIdInArn(arn: string): string | undefined {
  const at = arn.indexOf(KEY_IN_ARN)
  return at === -1 ? undefined : arn.slice(at + KEY_IN_ARN.length)
}

/** Whether an event meets every condition of a filter. The index answers as if this were asked of each event. */
export function matches(facts: EventFacts, filter: EventFilter): boolean {
  const { from, to } = filter
  return (
    (from === undefined || facts.time >= from) &&
    (to === undefined || facts.time < to) &&
    isEqual(filter.accountId, facts.accountId) &&
    isEqual(filter.region, facts.region) &&
    isEqual(filter.eventId, facts.eventId) &&
    isEqual(filter.requestId, facts.requestId) &&
    isEqual(filter.eventName, facts.eventName) &&
    hasName(facts, filter.eventNames) &&
    isEqual(filter.eventSource, facts.eventSource) &&
    isEqual(filter.readOnly, facts.readOnly) &&
    isEqual(filter.username, facts.username) &&
    isEqual(filter.accessKeyId, facts.accessKeyId) &&
    isEqual(filter.outcome, facts.outcome) &&
    isEqual(filter.errorCode, facts.errorCode) &&
    isEqual(filter.sourceIp, facts.sourceIp) &&
    (filter.principal === undefined ||
      filter.principal === facts.principal ||
      filter.principal === facts.arn) &&
    hasResource(facts, filter) &&
    hasContext(facts, filter.encryptionContext)
  )
}

const isEqual = <T>(wanted: T | undefined, value: T): boolean =>
  wanted === undefined || wanted === value

const hasName = ({ eventName }: EventFacts, wanted: EventFilter['eventNames']): boolean =>
  wanted === undefined || wanted.some((pattern) => isLike(eventName, pattern))

/** Whether a text is what a pattern says, in which `*` stands for any text. */
function isLike(value: string, pattern: string): boolean {
  const [start = '', ...parts] = pattern.split('*')
  const end = parts.pop()
  if (end === undefined) return value === start
  if (!value.startsWith(start)) return false
  let at = start.length
  for (const part of parts) {
    const found = value.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return value.length - at >= end.length && value.endsWith(end)
}

function hasResource({ resources }: EventFacts, filter: EventFilter): boolean {
  const { resourceName, resourceType } = filter
  if (resourceName === undefined && resourceType === undefined) return true
  return resources.some(
    ({ type, arn }) =>
      isEqual(resourceType, type) &&
      (resourceName === undefined || arn === resourceName || keyIdInArn(arn) === resourceName),
  )
}

function hasContext({ contexts }: EventFacts, wanted: EventFilter['encryptionContext']): boolean {
  const pairs = Object.entries(wanted ?? {})
  if (pairs.length === 0) return true
  return contexts.some((context) =>
    pairs.every(([key, value]) => Object.hasOwn(context, key) && context[key] === value),
  )
}
