import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FrameWriter, type ServiceEventFacts, withOutboxId } from '../../audit/event.ts'
import { instant } from '../../core/ids.ts'
import { eventsOf } from './bridge-event.ts'

const KEY_ID = '1234abcd-12ab-34cd-56ef-1234567890ab'
const ARN = `arn:aws:kms:us-west-2:111122223333:key/${KEY_ID}`

const serviceEvent = (
  eventName: string,
  accountId = '111122223333',
  rest: Partial<ServiceEventFacts> = {},
): string =>
  new FrameWriter().serviceEvent({
    eventId: '0f4b3b2e-0000-4000-8000-000000000001',
    time: instant(Date.UTC(2022, 7, 25, 16, 37, 50, 999)),
    accountId,
    region: 'us-west-2',
    eventSource: 'kms.amazonaws.com',
    eventName,
    resources: [{ accountId, type: 'AWS::KMS::Key', arn: ARN }],
    serviceEventDetailsJson: '{"keyId":"1","2":0,"1":0}',
    ...rest,
  })

const recordOf = (frame: string): string => frame.slice(frame.indexOf('"records":[') + 11, -2)

describe('events of EventBridge', () => {
  // Source: AWS KMS Developer Guide, Monitoring KMS keys with Amazon EventBridge.
  for (const [eventName, detailType] of [
    ['RotateKey', 'KMS CMK Rotation'],
    ['DeleteExpiredKeyMaterial', 'KMS Imported Key Material Expiration'],
    ['DeleteKey', 'KMS CMK Deletion'],
  ] as const) {
    test(`${eventName} is ${detailType}, and a service event`, () => {
      const frame = serviceEvent(eventName)
      const [own, service, ...rest] = eventsOf(withOutboxId(frame, 7), 42, 'none')
      assert.deepEqual(rest, [])
      assert.equal(
        own?.text,
        `{"version":"0","id":"${own?.id}","detail-type":"${detailType}","source":"aws.kms",` +
          `"account":"111122223333","time":"2022-08-25T16:37:50Z","region":"us-west-2",` +
          `"resources":["${ARN}"],"detail":{"key-id":"${KEY_ID}"}}`,
      )
      assert.equal(
        service?.text,
        `{"version":"0","id":"${service?.id}","detail-type":"AWS Service Event via CloudTrail",` +
          `"source":"aws.kms","account":"111122223333","time":"2022-08-25T16:37:50Z",` +
          `"region":"us-west-2","resources":[],"detail":${recordOf(frame)}}`,
      )
      assert.deepEqual([own?.orderKey, service?.orderKey], [ARN, ARN])
      assert.ok((own?.position ?? '') < (service?.position ?? ''))
    })
  }

  test('an id is a UUID that is the same for the same cause and for no other', () => {
    const ids = (frame: string, sequence: number) =>
      eventsOf(frame, sequence, 'none').map(({ id }) => id)
    const first = ids(serviceEvent('DeleteKey'), 1)
    assert.deepEqual(ids(withOutboxId(serviceEvent('DeleteKey'), 3), 99), first)
    assert.equal(new Set([...first, ...ids(serviceEvent('RotateKey'), 1)]).size, 3)
    for (const id of first)
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  test('other service events have no event of their own, and keys of services have none at all', () => {
    const types = eventsOf(serviceEvent('CreateKey'), 1, 'none').map(({ detailType }) => detailType)
    assert.deepEqual(types, ['AWS Service Event via CloudTrail'])
    assert.deepEqual(eventsOf(serviceEvent('RotateKey', 'services'), 1, 'all'), [])
  })

  test('what the service did as a call of its own is told as a call', () => {
    const ownCall = { requestId: 'request-1', responseElementsJson: `{"keyId":"${ARN}"}` }
    const frame = serviceEvent('SynchronizeMultiRegionKey', undefined, { ownCall })
    assert.deepEqual(eventsOf(frame, 1, 'none'), [])
    for (const choice of ['write', 'all'] as const) {
      const [event, ...more] = eventsOf(frame, 1, choice)
      assert.equal(event?.detailType, 'AWS API Call via CloudTrail')
      assert.equal(event.orderKey, ARN)
      assert.deepEqual(more, [])
    }
  })

  test('calls become events as was chosen, with their records as they stand in the log', () => {
    const record = (readOnly: boolean): string =>
      `{"eventTime":"2022-08-25T16:37:50Z","eventSource":"iam.amazonaws.com","eventName":"X","awsRegion":"us-east-1","eventID":"${readOnly}","readOnly":${readOnly},"2":0,"1":0,"recipientAccountId":"111122223333"}`
    const frame = (...records: string[]): string =>
      `{"kind":"call","internal":{"time":1},"records":[${records.join(',')}]}`
    const both = frame(record(true), record(false))
    assert.deepEqual(eventsOf(both, 1, 'none'), [])
    const written = eventsOf(both, 1, 'write')
    assert.equal(written.length, 1)
    assert.ok(written[0]?.text.endsWith(`"resources":[],"detail":${record(false)}}`))
    assert.ok(written[0]?.text.includes('"source":"aws.iam"'))
    assert.equal(written[0]?.orderKey, '111122223333/us-east-1')
    const all = eventsOf(both, 1, 'all')
    assert.equal(all.length, 2)
    assert.equal(new Set(all.map(({ position }) => position)).size, 2)
    assert.deepEqual(eventsOf('{"kind":"refusal","internal":{},"records":[]}', 1, 'all'), [])
  })

  test('positions sort as text as the log sorts', () => {
    const at = (sequence: number) => eventsOf(serviceEvent('DeleteKey'), sequence, 'none')
    const positions = [9, 10, 11, 100_000].flatMap((sequence) =>
      at(sequence).map(({ position }) => position),
    )
    assert.deepEqual(positions.toSorted(), positions)
  })
})
