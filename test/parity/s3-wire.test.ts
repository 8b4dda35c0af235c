import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import type { JsonObject } from '../support/memory-node.ts'
import { presignedS3, type S3Side, signedS3, unsignedS3 } from '../support/s3-wire.ts'
import { BUCKET, refusedByS3, TrailAccount } from '../support/trail-account.ts'

const KEY = 'AWSLogs/a b+c/ä%.json.gz'
const PATH = `/${BUCKET}/AWSLogs/a%20b%2Bc/%C3%A4%25.json.gz`
const HASH_HEADER = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
const HOUR_MS = 3_600_000
const READ_ONLY = /not allowed against this resource: the audit bucket is read-only/

/** Somebody whose secret is known and checked. */
async function sideOf(account: TrailAccount): Promise<S3Side> {
  const key = await account.user('alice', { Effect: 'Allow', Action: 's3:*', Resource: '*' })
  return { endpoint: account.node.endpoint, key }
}

const codeIn = (text: string): string | undefined => /<Code>(\w+)<\/Code>/.exec(text)?.[1]

describe('a request to S3', () => {
  test('names the bucket in its path or in its host', async () => {
    await using account = await TrailAccount.start()
    const side = await sideOf(account)
    const body = await account.put(KEY, 'x')
    const { port } = new URL(side.endpoint)
    const byPath = await signedS3(side, PATH)
    assert.deepEqual([byPath.status, byPath.headers['content-length']], [200, String(body.length)])
    const host = `${BUCKET}.localhost:${port}`
    const byHost = await signedS3(side, PATH.slice(BUCKET.length + 1), { host })
    assert.deepEqual([byHost.status, byHost.headers.etag], [200, byPath.headers.etag])
    const listed = await signedS3(side, '/', { host, query: { 'list-type': '2' } })
    assert.match(listed.text, /<Key>AWSLogs\/a b\+c\/ä%\.json\.gz<\/Key>/)
    const slash = await signedS3(side, `/${BUCKET}/`)
    assert.match(
      slash.text,
      /<ListBucketResult xmlns="http:\/\/s3\.amazonaws\.com\/doc\/2006-03-01\/">/,
    )
  })

  test('may leave its body unsigned, but not sign another one', async () => {
    await using account = await TrailAccount.start()
    const side = await sideOf(account)
    await account.put(KEY, 'x')
    assert.equal((await signedS3(side, PATH, { headers: HASH_HEADER })).status, 200)
    const headers = { 'x-amz-content-sha256': 'a'.repeat(64) }
    const wrong = await signedS3(side, PATH, { headers })
    assert.deepEqual([wrong.status, codeIn(wrong.text)], [403, 'SignatureDoesNotMatch'])
  })

  test('may be signed in its query, until that has expired', async () => {
    await using account = await TrailAccount.start()
    const side = await sideOf(account)
    await account.put(KEY, 'x')
    assert.equal((await presignedS3(side, PATH)).status, 200)
    const signedAt = new Date(Date.now() - HOUR_MS)
    assert.equal((await presignedS3(side, PATH, { signedAt, expiresIn: 7200 })).status, 200)
    const expired = await presignedS3(side, PATH, { signedAt, expiresIn: 60 })
    assert.deepEqual([expired.status, codeIn(expired.text)], [403, 'SignatureDoesNotMatch'])
    assert.match(expired.text, /<Message>Signature expired: /)
  })

  test('may come from a clock that is ten minutes off, not from one that is twenty', async () => {
    await using account = await TrailAccount.start()
    const side = await sideOf(account)
    await account.put(KEY, 'x')
    const off = (minutes: number) => new Date(Date.now() - minutes * 60_000)
    assert.equal((await signedS3(side, PATH, { signedAt: off(10) })).status, 200)
    assert.equal((await signedS3(side, PATH, { signedAt: off(20) })).status, 403)
  })

  test('that is not signed is refused as S3 refuses it', async () => {
    await using account = await TrailAccount.start()
    const { endpoint, sink } = account.node
    const { port } = new URL(endpoint)
    const host = `${BUCKET}.localhost:${port}`
    for (const refused of [
      await unsignedS3(endpoint, PATH),
      await unsignedS3(endpoint, '/', { host }),
    ]) {
      assert.deepEqual([refused.status, codeIn(refused.text)], [403, 'AccessDenied'])
      assert.match(refused.text, /<Message>Access Denied<\/Message><RequestId>[0-9a-f-]{36}<\/Requ/)
      assert.equal(refused.headers['content-type'], 'application/xml')
    }
    assert.deepEqual(
      sink.frames.map(({ kind, internal }) => [kind, internal['service'], internal['operation']]),
      [
        ['refusal', 's3', 'GetObject'],
        ['refusal', 's3', 'ListObjects'],
      ],
    )
  })

  test('is refused for a key that is not ours, and for a wrong secret', async () => {
    await using account = await TrailAccount.start({ closed: true })
    const unknown = { accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', secretAccessKey: 'x' }
    const text = 'The AWS Access Key Id you provided does not exist in our records.'
    const list = account.s3(unknown).send(new ListBucketsCommand({}))
    await refusedByS3(list, 'InvalidAccessKeyId', 403, text)
    await using open = await TrailAccount.start()
    const user = await open.user('alice', { Effect: 'Allow', Action: '*', Resource: '*' })
    const wrong = open.s3({ ...user, secretAccessKey: 'wrong' }).send(new ListBucketsCommand({}))
    await refusedByS3(
      wrong,
      'SignatureDoesNotMatch',
      403,
      /does not match the signature you provided/,
    )
  })

  test('that would change something is refused: the audit bucket is read-only', async () => {
    await using account = await TrailAccount.start()
    await account.put(KEY, 'x')
    const s3 = account.s3()
    const where = { Bucket: BUCKET, Key: KEY }
    for (const write of [
      () => s3.send(new PutObjectCommand({ ...where, Body: 'other' })),
      () => s3.send(new DeleteObjectCommand(where)),
      () => s3.send(new DeleteBucketCommand({ Bucket: BUCKET })),
      () => s3.send(new CreateBucketCommand({ Bucket: 'mine' })),
      () =>
        s3.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects: [{ Key: KEY }] } })),
    ]) {
      await refusedByS3(write(), 'MethodNotAllowed', 405, READ_ONLY)
    }
    const headers = { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' }
    const pieces = await unsignedS3(account.node.endpoint, PATH, { method: 'PUT', headers })
    assert.deepEqual([pieces.status, codeIn(pieces.text)], [405, 'MethodNotAllowed'])
    assert.equal((await s3.send(new GetObjectCommand(where))).$metadata.httpStatusCode, 200)
  })

  test('that would change something is recorded with who it was, and asks for permission', async () => {
    await using account = await TrailAccount.start()
    await account.put(KEY, 'x')
    const key = await account.user('eve', {
      Effect: 'Allow',
      Action: 's3:DeleteObject',
      Resource: '*',
    })
    const { sink } = account.node
    const before = sink.texts.length
    const where = { Bucket: BUCKET, Key: KEY }
    const remove = account.s3(key).send(new DeleteObjectCommand(where))
    await refusedByS3(remove, 'MethodNotAllowed', 405, READ_ONLY)
    const put = account.s3(key).send(new PutObjectCommand({ ...where, Body: 'x' }))
    await refusedByS3(put, 'AccessDenied', 403, /eve is not authorized to perform: s3:PutObject/)
    const [removed, written] = sink.frames.slice(before).map(({ internal }) => internal['unlisted'])
    // What the pipeline wrote: any other form fails the assertions.
    const record = removed as Readonly<Record<string, JsonObject>>
    assert.equal(record['userIdentity']?.['userName'], 'eve')
    assert.deepEqual([record['eventName'], record['readOnly']], ['DeleteObject', false])
    assert.equal(record['errorCode'], 'MethodNotAllowed')
    // As above.
    assert.equal((written as JsonObject)['errorCode'], 'AccessDenied')
  })

  test('with a signature of version 2 is told so', async () => {
    await using account = await TrailAccount.start()
    const { endpoint } = account.node
    const query = { AWSAccessKeyId: '111122223333', Signature: 'x', Expires: '1' }
    const headers = { authorization: 'AWS 111122223333:x' }
    for (const old of [
      await unsignedS3(endpoint, PATH, { query }),
      await unsignedS3(endpoint, PATH, { headers }),
    ]) {
      assert.deepEqual([old.status, codeIn(old.text)], [400, 'InvalidRequest'])
      assert.match(old.text, /Please use AWS4-HMAC-SHA256\./)
    }
  })

  test('for what is not served is refused, and not taken for something else', async () => {
    await using account = await TrailAccount.start()
    await account.put(KEY, 'x')
    const s3 = account.s3()
    const side = await sideOf(account)
    const tagging = s3.send(new GetObjectTaggingCommand({ Bucket: BUCKET, Key: KEY }))
    await refusedByS3(tagging, 'NotImplemented', 501)
    const policy = s3.send(new GetBucketPolicyCommand({ Bucket: BUCKET }))
    await refusedByS3(policy, 'NotImplemented', 501)
    const part = await signedS3(side, PATH, { query: { partNumber: '2' } })
    assert.equal(part.status, 501)
    const keys = await signedS3(side, `/${BUCKET}`, { query: { 'max-keys': 'x' } })
    assert.deepEqual([keys.status, codeIn(keys.text)], [400, 'InvalidArgument'])
  })
})

describe('the record of a request to S3', () => {
  test('is CloudTrail’s where S3 has management events', async () => {
    await using account = await TrailAccount.start()
    const reply = await account.s3().send(new ListBucketsCommand({}))
    const record = account.node.sink.record(reply.$metadata.requestId ?? '')
    assert.equal(record['eventSource'], 's3.amazonaws.com')
    assert.equal(record['eventName'], 'ListBuckets')
    assert.equal(record['readOnly'], true)
    assert.equal(record['eventCategory'], 'Management')
  })

  test('is inside the frame alone where S3 has data events', async () => {
    await using account = await TrailAccount.start()
    await account.put(KEY, 'x')
    await account.s3().send(new GetObjectCommand({ Bucket: BUCKET, Key: KEY }))
    const [frame, ...others] = account.node.sink.frames
    assert.deepEqual(others, [])
    assert.deepEqual([frame?.kind, frame?.records], ['call', []])
    // What the pipeline wrote: any other form fails the assertions.
    const unlisted = frame?.internal['unlisted'] as Readonly<Record<string, unknown>>
    assert.equal(unlisted['eventName'], 'GetObject')
    assert.equal(unlisted['managementEvent'], false)
    assert.equal(unlisted['eventCategory'], 'Data')
    assert.deepEqual(unlisted['requestParameters'], { bucketName: BUCKET, key: KEY })
    const arn = `arn:aws:s3:::${BUCKET}`
    assert.deepEqual(unlisted['resources'], [
      { accountId: '111122223333', type: 'AWS::S3::Object', ARN: `${arn}/${KEY}` },
      { accountId: '111122223333', type: 'AWS::S3::Bucket', ARN: arn },
    ])
  })
})
