import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type JsonObject, type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  createKey,
  membersOf,
  refused,
  succeeded,
  textOf,
  WireClient,
} from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const HOME = 'eu-central-1'
const AWAY = 'eu-west-1'
const POLICY = '{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}'

let node: MemoryNode
let home: WireClient

before(async () => {
  node = await startMemoryNode()
  home = new WireClient(node.endpoint, ACCOUNT)
})

after(async () => {
  home.close()
  await node.close()
})

/** The records that were written since there were this many frames, in order. */
const recordsSince = (frames: number): readonly JsonObject[] =>
  node.sink.frames.slice(frames).flatMap(({ records }) => records)

const resource = (ARN: string): JsonObject => ({
  accountId: ACCOUNT,
  type: 'AWS::KMS::Key',
  ARN,
})

/** What a record in another Region has in common with the call's own. */
const commonOf = (record: JsonObject): readonly unknown[] =>
  ['eventTime', 'eventSource', 'sourceIPAddress', 'requestID', 'recipientAccountId'].map(
    (name) => record[name],
  )

function assertElsewhere(own: JsonObject, elsewhere: JsonObject): void {
  assert.deepEqual(commonOf(elsewhere), commonOf(own))
  assert.notEqual(elsewhere['eventID'], own['eventID'])
  assert.equal(elsewhere['awsRegion'], AWAY)
  assert.equal(elsewhere['userAgent'], 'AWS Internal')
  assert.equal(elsewhere['eventType'], 'AwsApiCall')
  assert.deepEqual(elsewhere['userIdentity'], {
    ...membersOf(own, 'userIdentity'),
    invokedBy: 'kms.amazonaws.com',
  })
}

// Source of these tests: AWS KMS Developer Guide, ReplicateKey, UpdatePrimaryRegion,
// SynchronizeMultiRegionKey, example log entries.

test('ReplicateKey has a record of its own, one of the creation elsewhere, and one of the copy', async () => {
  const { id: KeyId, arn } = await createKey(home, { MultiRegion: true })
  const { length } = node.sink.texts
  const input = { KeyId, ReplicaRegion: AWAY, Policy: POLICY }
  const answer = await home.kms('ReplicateKey', input)
  const { responseElements: told } = node.sink.record(answer.requestId)
  const [copy, own, creation, ...more] = recordsSince(length)
  assert.ok(copy && own && creation && more.length === 0)
  assert.deepEqual(
    [copy, own, creation].map(({ eventName, awsRegion }) => [eventName, awsRegion]),
    [
      ['SynchronizeMultiRegionKey', HOME],
      ['ReplicateKey', HOME],
      ['CreateKey', AWAY],
    ],
  )
  assert.deepEqual(copy['userIdentity'], { accountId: ACCOUNT, invokedBy: 'AWS Internal' })
  assert.deepEqual(copy['resources'], [resource(arn)])
  assert.equal(copy['eventType'], 'AwsApiCall')
  assert.deepEqual(copy['responseElements'], { keyId: arn })
  const { requestID } = copy
  assert.ok(typeof requestID === 'string')
  assert.match(requestID, /^[0-9a-f-]{36}$/)
  assert.notEqual(requestID, own['requestID'])
  assertElsewhere(own, creation)
  assert.deepEqual(creation['requestParameters'], {
    policy: POLICY,
    description: '',
    bypassPolicyLockoutSafetyCheck: false,
    origin: 'AWS_KMS',
    keySpec: 'SYMMETRIC_DEFAULT',
    customerMasterKeySpec: 'SYMMETRIC_DEFAULT',
    keyUsage: 'ENCRYPT_DECRYPT',
    multiRegion: true,
  })
  // The metadata that was told is the metadata of what was made there.
  const { replicaKeyMetadata: keyMetadata } = told as JsonObject
  assert.deepEqual(creation['responseElements'], { keyMetadata })
  assert.deepEqual(creation['resources'], [resource(arn.replace(HOME, AWAY))])
})

test('UpdatePrimaryRegion has a record in each of the two Regions', async () => {
  const { id: KeyId, arn } = await createKey(home, { MultiRegion: true })
  succeeded(await home.kms('ReplicateKey', { KeyId, ReplicaRegion: AWAY }))
  const { length } = node.sink.texts
  succeeded(await home.kms('UpdatePrimaryRegion', { KeyId, PrimaryRegion: AWAY }))
  const [own, elsewhere, ...more] = recordsSince(length)
  assert.ok(own && elsewhere && more.length === 0)
  assert.deepEqual([own['awsRegion'], own['resources']], [HOME, [resource(arn)]])
  assertElsewhere(own, elsewhere)
  const arnThere = arn.replace(HOME, AWAY)
  assert.equal(elsewhere['eventName'], 'UpdatePrimaryRegion')
  assert.deepEqual(elsewhere['requestParameters'], { keyId: arnThere, primaryRegion: AWAY })
  assert.deepEqual(elsewhere['responseElements'], { keyId: arnThere })
  assert.ok(!('resources' in elsewhere))
})

test('a refused call has no record elsewhere', async () => {
  const { id: KeyId } = await createKey(home, { MultiRegion: true })
  succeeded(await home.kms('ReplicateKey', { KeyId, ReplicaRegion: AWAY }))
  const { length } = node.sink.texts
  const again = await home.kms('ReplicateKey', { KeyId, ReplicaRegion: AWAY })
  refused(again, 'AlreadyExistsException', /already has/)
  const home2 = await home.kms('UpdatePrimaryRegion', { KeyId, PrimaryRegion: HOME })
  refused(home2, 'UnsupportedOperationException', /already the primary/)
  assert.deepEqual(
    recordsSince(length).map((record) => [record['awsRegion'], textOf(record, 'errorCode')]),
    [
      [HOME, 'AlreadyExistsException'],
      [HOME, 'UnsupportedOperationException'],
    ],
  )
})
