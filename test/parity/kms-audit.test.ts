import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { KMS_OPERATIONS } from '../../src/services/kms/operations.ts'
import { StoreDesk } from '../support/custom-key-stores.ts'
import { Identities } from '../support/identities.ts'
import { importParameters, materialIdOf, wrapMaterial } from '../support/key-import.ts'
import { type JsonObject, type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  blob,
  createKey,
  succeeded,
  textOf,
  type WireAnswer,
  WireClient,
} from '../support/wire-client.ts'
import { wireRequest } from '../support/wire-request.ts'
import { ASYMMETRIC_CASES, asymmetricWorld } from './kms-audit-asymmetric-cases.ts'
import { type AuditCase, CASES, type World } from './kms-audit-cases.ts'
import { GRANT_CASES } from './kms-audit-grant-cases.ts'
import { MATERIAL_CASES } from './kms-audit-material-cases.ts'
import { REGION_CASES } from './kms-audit-region-cases.ts'

const ACCOUNT = '111122223333'
const MATERIAL = Buffer.alloc(32, 5)

/** A key that waits for its material, and what brings it. */
async function importOf(
  kms: WireClient,
): Promise<Pick<World, 'importedId' | 'importedArn' | 'importInput' | 'importedMaterialId'>> {
  const { id, arn } = await createKey(kms, { Origin: 'EXTERNAL' })
  const { publicKey, token, algorithm } = await importParameters(kms, id)
  const EncryptedKeyMaterial = blob(wrapMaterial(publicKey, algorithm, MATERIAL))
  return {
    importedId: id,
    importedArn: arn,
    importInput: { ImportToken: token, EncryptedKeyMaterial },
    importedMaterialId: materialIdOf(id, MATERIAL),
  }
}

/** Two grants on a key. */
async function grantsOn(
  kms: WireClient,
  KeyId: string,
): Promise<Pick<World, 'retiredGrantId' | 'revokedGrantId' | 'grantToken'>> {
  const request = {
    KeyId,
    GranteePrincipal: `arn:aws:iam::${ACCOUNT}:root`,
    Operations: ['Decrypt'],
  }
  const retired = succeeded(await kms.kms('CreateGrant', request))
  const revoked = succeeded(await kms.kms('CreateGrant', request))
  return {
    retiredGrantId: textOf(retired, 'GrantId'),
    grantToken: textOf(retired, 'GrantToken'),
    revokedGrantId: textOf(revoked, 'GrantId'),
  }
}

/** In the order in which they are called. */
const ALL_CASES: readonly AuditCase[] = [
  ...REGION_CASES,
  ...GRANT_CASES,
  ...ASYMMETRIC_CASES,
  ...CASES,
  ...MATERIAL_CASES,
]

const REGION = 'eu-central-1'
const NO_KEY = '00000000-0000-4000-8000-000000000000'
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

describe('the record of a call', () => {
  let node: MemoryNode
  let kms: WireClient
  let world: World

  before(async () => {
    node = await startMemoryNode()
    await new Identities(node.records).addRole(ACCOUNT, '/worker')
    kms = new WireClient(node.endpoint, ACCOUNT)
    const materialOf = async (KeyId: string): Promise<string> => {
      const { KeyMetadata } = (await kms.kms('DescribeKey', { KeyId })).json as {
        KeyMetadata: JsonObject
      }
      return textOf(KeyMetadata, 'CurrentKeyMaterialId')
    }
    const { id, arn } = await createKey(kms)
    const other = await createKey(kms)
    const encrypted = await kms.kms('Encrypt', { KeyId: id, Plaintext: blob('x') })
    const desk = new StoreDesk(node, kms)
    const related = await createKey(kms, { MultiRegion: true })
    world = {
      ...(await importOf(kms)),
      ...(await asymmetricWorld(kms)),
      ...(await grantsOn(kms, id)),
      relatedId: related.id,
      relatedArn: related.arn,
      storeId: await desk.create('storeId'),
      idleStoreId: await desk.create('idleStoreId'),
      id,
      arn,
      materialId: await materialOf(id),
      otherId: other.id,
      otherArn: other.arn,
      otherMaterialId: await materialOf(other.id),
      ciphertext: textOf(succeeded(encrypted), 'CiphertextBlob'),
    }
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  /** The members that every record of this client has. */
  const common = (operation: string, answer: WireAnswer, record: JsonObject): object => {
    assert.match(textOf(record, 'eventID'), UUID)
    return {
      eventVersion: '1.11',
      userIdentity: {
        type: 'Root',
        principalId: ACCOUNT,
        arn: `arn:aws:iam::${ACCOUNT}:root`,
        accountId: ACCOUNT,
        accessKeyId: ACCOUNT,
      },
      eventTime: '2026-01-15T10:00:00Z',
      eventSource: 'kms.amazonaws.com',
      eventName: operation,
      awsRegion: REGION,
      sourceIPAddress: '127.0.0.1',
      userAgent: 'test/1.0 "quoted"',
      requestID: answer.requestId,
      eventID: record['eventID'],
      eventType: 'AwsApiCall',
      managementEvent: true,
      recipientAccountId: ACCOUNT,
      eventCategory: 'Management',
    }
  }

  const headers = { 'user-agent': 'test/1.0 "quoted"' }

  for (const { operation, input, expected } of ALL_CASES) {
    test(`${operation} succeeds`, async () => {
      const answer = await kms.kms(operation, input(world), { unsignedHeaders: headers })
      assert.equal(answer.status, 200, answer.text)
      const record = node.sink.record(answer.requestId)
      const wanted = expected(world, answer)
      assert.deepEqual(record, {
        ...common(operation, answer, record),
        requestParameters: wanted.requestParameters,
        responseElements: wanted.responseElements ?? null,
        ...(wanted.additionalEventData !== undefined && {
          additionalEventData: wanted.additionalEventData,
        }),
        ...(wanted.resources && {
          resources: wanted.resources.map((ARN) => ({
            accountId: ACCOUNT,
            type: 'AWS::KMS::Key',
            ARN,
          })),
        }),
        readOnly: wanted.readOnly,
      })
    })
  }

  test('the table has every operation', () => {
    const covered = new Set(ALL_CASES.map(({ operation }) => operation))
    assert.deepEqual(
      Object.keys(KMS_OPERATIONS).filter((operation) => !covered.has(operation)),
      [],
    )
  })

  const KEY_OPERATIONS = ALL_CASES.filter(
    ({ operation, input }) =>
      'KeyId' in input({} as World) && !['Decrypt', 'ListAliases'].includes(operation),
  )

  for (const { operation, input } of KEY_OPERATIONS) {
    test(`${operation} fails: the record has the error and what was asked, no more`, async () => {
      const answer = await kms.kms(operation, { ...input(world), KeyId: NO_KEY })
      assert.equal(answer.status, 400)
      const record = node.sink.record(answer.requestId)
      const message = `Key 'arn:aws:kms:${REGION}:${ACCOUNT}:key/${NO_KEY}' does not exist`
      assert.deepEqual(
        [record['errorCode'], record['errorMessage']],
        ['NotFoundException', message],
      )
      assert.equal((record['requestParameters'] as JsonObject)['keyId'], NO_KEY)
      assert.equal(record['responseElements'], null)
      assert.ok(!('additionalEventData' in record) && !('resources' in record))
    })
  }

  test('a key that refuses is named by the record of the refusal', async () => {
    succeeded(await kms.kms('DisableKey', { KeyId: world.otherId }))
    const answer = await kms.kms('Encrypt', { KeyId: world.otherId, Plaintext: blob('x') })
    const record = node.sink.record(answer.requestId)
    assert.equal(record['errorCode'], 'DisabledException')
    assert.equal(record['errorMessage'], `${world.otherArn} is disabled.`)
    assert.deepEqual(record['resources'], [
      { accountId: ACCOUNT, type: 'AWS::KMS::Key', ARN: world.otherArn },
    ])
    assert.equal(record['responseElements'], null)
    succeeded(await kms.kms('EnableKey', { KeyId: world.otherId }))
  })

  test('an error without a message has a record without one; a denial loses its Exception', async () => {
    const broken = await kms.kms('Decrypt', { CiphertextBlob: blob('junk') })
    const record = node.sink.record(broken.requestId)
    assert.equal(record['errorCode'], 'InvalidCiphertextException')
    assert.ok(!('errorMessage' in record))
    const foreign = world.arn.replace(ACCOUNT, '999999999999')
    const denied = await kms.kms('DescribeKey', { KeyId: foreign })
    assert.equal(node.sink.record(denied.requestId)['errorCode'], 'AccessDenied')
  })

  test('a request of the wrong shape is recorded without its parameters', async () => {
    for (const [input, code] of [
      [{ KeyId: 5 }, 'SerializationException'],
      [{ KeyId: '' }, 'ValidationException'],
    ] as const) {
      const answer = await kms.kms('DescribeKey', input)
      const record = node.sink.record(answer.requestId)
      assert.deepEqual(
        [record['errorCode'], record['requestParameters'], record['eventName']],
        [code, null, 'DescribeKey'],
      )
    }
  })

  test('a long error message is cut, parameters above CloudTrail’s limit are left out', async () => {
    const long = await kms.kms('DescribeKey', { KeyId: 'x'.repeat(2000) })
    assert.equal(textOf(node.sink.record(long.requestId), 'errorMessage').length, 1024)
    // In bytes, of which these letters take one and two.
    for (const large of ['x'.repeat(110_000), 'Ω'.repeat(52_000)]) {
      const input = { KeyId: world.id, Plaintext: blob('x'), EncryptionContext: { large } }
      const answer = await kms.kms('Encrypt', input)
      succeeded(answer)
      const record = node.sink.record(answer.requestId)
      assert.equal(record['requestParameters'], null)
      assert.ok(JSON.stringify(record).length < 10_000)
    }
    const EncryptionContext = { large: 'Ω'.repeat(40_000) }
    const whole = await kms.kms('Encrypt', {
      KeyId: world.id,
      Plaintext: blob('x'),
      EncryptionContext,
    })
    const { requestParameters } = node.sink.record(whole.requestId)
    assert.deepEqual((requestParameters as JsonObject)['encryptionContext'], EncryptionContext)
  })

  test('a long text of the caller’s is cut between two characters', async () => {
    const cut = async (userAgent: string): Promise<string> => {
      const change = { unsignedHeaders: { 'user-agent': userAgent } }
      const { requestId } = await kms.kms('ListKeys', {}, change)
      return textOf(node.sink.record(requestId), 'userAgent')
    }
    assert.equal(await cut('a'.repeat(1024)), 'a'.repeat(1024))
    assert.equal(await cut('a'.repeat(1025)), 'a'.repeat(1024))
    const KeyId = `${'a'.repeat(500)}${'€'.repeat(400)}`
    const { requestId } = await kms.kms('DescribeKey', { KeyId })
    const message = textOf(node.sink.record(requestId), 'errorMessage')
    assert.ok(message.endsWith('€'), message)
    assert.ok(Buffer.byteLength(message) <= 1024 && Buffer.byteLength(message) > 1020)
  })

  test('a dry run is recorded with its outcome', async () => {
    const input = { KeyId: world.id, Plaintext: blob('x'), DryRun: true }
    const record = node.sink.record((await kms.kms('Encrypt', input)).requestId)
    assert.equal(record['errorCode'], 'DryRunOperationException')
  })

  test('GetCallerIdentity is recorded as an event of STS', async () => {
    const answer = await kms.send('Action=GetCallerIdentity&Version=2011-06-15', {
      service: 'sts',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    assert.equal(answer.status, 200, answer.text)
    const record = node.sink.record(answer.requestId)
    assert.deepEqual(
      [record['eventSource'], record['eventName'], record['readOnly'], record['requestParameters']],
      ['sts.amazonaws.com', 'GetCallerIdentity', true, null],
    )
  })

  test('the frames of changes say which entry of the outbox they were, each once', () => {
    const entries = node.sink.frames.map(({ internal }) => internal['outbox']).filter(Boolean)
    assert.ok(entries.length > 5)
    assert.equal(new Set(entries).size, entries.length)
  })

  test('every event id is another one', () => {
    const ids = node.sink.frames.flatMap(({ records }) => records).map(({ eventID }) => eventID)
    assert.equal(new Set(ids).size, ids.length)
  })

  test('details of TLS are there with TLS only', async () => {
    const plain = node.sink.record((await kms.kms('ListKeys')).requestId)
    assert.ok(!('tlsDetails' in plain))
    const stamp = new Date(Date.now()).toISOString().replace(/[:-]|\.\d{3}/g, '')
    const scope = `${ACCOUNT}/${stamp.slice(0, 8)}/${REGION}/kms/aws4_request`
    const request = wireRequest({
      headers: [
        'Host',
        'kms.test:7600',
        'X-Amz-Date',
        stamp,
        'X-Amz-Target',
        'TrentService.ListKeys',
        'Authorization',
        `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date;x-amz-target, Signature=${'0'.repeat(64)}`,
      ],
      body: '{}',
    })
    const tls = { version: 'TLSv1.3', cipherSuite: 'TLS_AES_128_GCM_SHA256' }
    const reply = await node.handler({ ...request, connection: { remoteAddress: '::1', tls } })
    assert.equal(reply.status, 200)
    const record = node.sink.frames.at(-1)?.records[0]
    assert.deepEqual(record?.['tlsDetails'], {
      tlsVersion: 'TLSv1.3',
      cipherSuite: 'TLS_AES_128_GCM_SHA256',
      clientProvidedHostHeader: 'kms.test:7600',
    })
    assert.equal(record['sourceIPAddress'], '::1')
  })
})
