import { hash } from 'node:crypto'
import { recordsOf } from '../../audit/trail/frame-records.ts'
import { SERVICE_ACCOUNT } from '../../core/ids.ts'

/** Which calls become events: none, those that change something, or all. */
export type ApiCallChoice = 'none' | 'write' | 'all'

/** An event as EventBridge delivers it. Source: AWS KMS Developer Guide, Monitoring with EventBridge. */
export interface BridgeEvent {
  /** The same for the same cause, however often it is made or sent. */
  readonly id: string
  readonly detailType: string
  /** The key's ARN, or the account and Region of what concerns no key. */
  readonly orderKey: string
  /** See `HeldEvent.position`. */
  readonly position: string
  /** The envelope as JSON. */
  readonly text: string
}

/** What KMS tells of by itself. Source: AWS KMS Developer Guide, Monitoring with EventBridge. */
const KMS_EVENTS: ReadonlyMap<unknown, string> = new Map([
  ['RotateKey', 'KMS CMK Rotation'],
  ['DeleteExpiredKeyMaterial', 'KMS Imported Key Material Expiration'],
  ['DeleteKey', 'KMS CMK Deletion'],
])

const SERVICE_EVENT = '{"kind":"service-event"'
const CALL = '{"kind":"call"'
const POSITION_DIGITS = 16

/** Sorts as text as events sort by where they come from. */
const positionOf = (sequence: number, number: number): string =>
  `${String(sequence).padStart(POSITION_DIGITS, '0')}-${number}`

/** A UUID that is always the same for the same words: version 8 of RFC 9562, over SHA-256. */
function stableId(...words: readonly string[]): string {
  const digest = hash('sha256', JSON.stringify(words), 'buffer')
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80
  const hex = digest.toString('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join('-')
}

/** The members of a CloudTrail record that an envelope takes over. */
interface RecordFacts {
  readonly eventID: string
  readonly eventName: string
  readonly eventSource: string
  readonly eventTime: string
  readonly eventType: string
  readonly awsRegion: string
  readonly readOnly: boolean
  readonly recipientAccountId: string
  readonly resources?: readonly { readonly ARN: string }[]
}

/** The frame came out of the log with its chain checked: what is in it is what `FrameWriter` wrote. */
const factsOf = (text: string): RecordFacts => JSON.parse(text) as RecordFacts

const keyArnOf = ({ resources }: RecordFacts): string | undefined =>
  resources?.find(({ ARN }) => ARN.includes(':key/'))?.ARN

interface Envelope {
  readonly facts: RecordFacts
  readonly detailType: string
  readonly resources: readonly string[]
  readonly detailJson: string
  readonly position: string
}

function eventOf({ facts, detailType, resources, detailJson, position }: Envelope): BridgeEvent {
  const { eventID, eventSource, eventTime, awsRegion, recipientAccountId } = facts
  const id = stableId(detailType, eventID, recipientAccountId)
  const envelope = {
    version: '0',
    id,
    'detail-type': detailType,
    source: `aws.${eventSource.split('.', 1)[0]}`,
    account: recipientAccountId,
    time: eventTime,
    region: awsRegion,
    resources,
  }
  return {
    id,
    detailType,
    orderKey: keyArnOf(facts) ?? `${recipientAccountId}/${awsRegion}`,
    position,
    // The record goes out as it stands in the log.
    text: `${JSON.stringify(envelope).slice(0, -1)},"detail":${detailJson}}`,
  }
}

function* serviceEvents(
  text: string,
  sequence: number,
  number: number,
): Generator<BridgeEvent, void, undefined> {
  const facts = factsOf(text)
  // Keys that no account sees are nobody's to hear of.
  if (facts.recipientAccountId === SERVICE_ACCOUNT) return
  const arn = keyArnOf(facts)
  const detailType = facts.eventSource === 'kms.amazonaws.com' && KMS_EVENTS.get(facts.eventName)
  if (detailType && arn !== undefined) {
    const detailJson = JSON.stringify({ 'key-id': arn.slice(arn.indexOf(':key/') + 5) })
    const position = positionOf(sequence, 2 * number)
    yield eventOf({ facts, detailType, resources: [arn], detailJson, position })
  }
  yield eventOf({
    facts,
    detailType: 'AWS Service Event via CloudTrail',
    resources: [],
    detailJson: text,
    position: positionOf(sequence, 2 * number + 1),
  })
}

/**
 * The events that one frame of the audit log gives rise to, in their order.
 * @param frame the text of a frame
 */
export function eventsOf(
  frame: string,
  sequence: number,
  apiCalls: ApiCallChoice,
): readonly BridgeEvent[] {
  // Looked at first: most frames are of calls, and mostly nobody wants those.
  if (frame.startsWith(SERVICE_EVENT)) {
    return recordsOf(frame).flatMap(({ text }, number) => {
      // Some of what the service does by itself is recorded as a call of its own.
      const isCall = factsOf(text).eventType === 'AwsApiCall'
      if (isCall) return apiCallEvents(text, positionOf(sequence, number), apiCalls)
      return [...serviceEvents(text, sequence, number)]
    })
  }
  if (apiCalls === 'none' || !frame.startsWith(CALL)) return []
  return recordsOf(frame).flatMap(({ text }, number) =>
    apiCallEvents(text, positionOf(sequence, number), apiCalls),
  )
}

function apiCallEvents(
  text: string,
  position: string,
  apiCalls: ApiCallChoice,
): readonly BridgeEvent[] {
  const facts = factsOf(text)
  if (apiCalls === 'none' || (apiCalls === 'write' && facts.readOnly)) return []
  const detailType = 'AWS API Call via CloudTrail'
  return [eventOf({ facts, detailType, resources: [], detailJson: text, position })]
}
