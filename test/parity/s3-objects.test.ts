import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { GetObjectCommand, HeadBucketCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import { ACCOUNT, OTHER_ACCOUNT } from '../support/iam-account.ts'
import {
  answersS3,
  BUCKET,
  PUT_AT,
  refusedByS3,
  rootOf,
  TrailAccount,
} from '../support/trail-account.ts'

const KEY = `AWSLogs/${ACCOUNT}/CloudTrail-Digest/eu-central-1/2026/01/15/a.json.gz`
const MISSING = `${KEY}.not`
const METADATA = { signature: 'ab12', 'signature-algorithm': 'SHA256withRSA' }

const bytesOf = async (reply: {
  readonly Body?: { transformToByteArray(): Promise<Uint8Array> } | undefined
}): Promise<Buffer> => Buffer.from((await reply.Body?.transformToByteArray()) ?? assert.fail())

describe('an object of the trail', () => {
  test('comes with its bytes, its metadata and what CloudTrail says of it', async () => {
    await using account = await TrailAccount.start()
    const body = await account.put(KEY, '{"a":1}', METADATA)
    const got = await account.s3().send(new GetObjectCommand({ Bucket: BUCKET, Key: KEY }))
    assert.deepEqual(await bytesOf(got), body)
    assert.deepEqual(got.Metadata, METADATA)
    assert.equal(got.ContentType, 'application/json')
    assert.equal(got.ContentEncoding, 'gzip')
    assert.equal(got.ContentLength, body.length)
    assert.equal(got.LastModified?.getTime(), PUT_AT)
    assert.match(got.ETag ?? '', /^"[0-9a-f]{32}"$/)
    assert.match(got.$metadata.requestId ?? '', /^[0-9a-f-]{36}$/)

    const head = await account.s3().send(new HeadObjectCommand({ Bucket: BUCKET, Key: KEY }))
    assert.equal(head.ContentLength, body.length)
    assert.deepEqual(head.Metadata, METADATA)
    assert.equal(head.ETag, got.ETag)
  })

  test('comes in ranges, and everything where a range is none', async () => {
    await using account = await TrailAccount.start()
    const body = await account.put(KEY, 'many different bytes')
    const s3 = account.s3()
    const size = body.length
    const cases: [range: string, first: number, last: number][] = [
      ['bytes=0-3', 0, 3],
      ['bytes=5-', 5, size - 1],
      ['bytes=-4', size - 4, size - 1],
      ['bytes=2-99999', 2, size - 1],
      ['bytes=-99999', 0, size - 1],
    ]
    for (const [Range, first, last] of cases) {
      const got = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: KEY, Range }))
      assert.deepEqual(await bytesOf(got), body.subarray(first, last + 1), Range)
      assert.equal(got.ContentRange, `bytes ${first}-${last}/${size}`, Range)
      assert.equal(got.$metadata.httpStatusCode, 206, Range)
    }
    for (const Range of ['bytes=7-3', 'lines=1-2', 'bytes=0-1,3-4', 'bytes=-']) {
      const got = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: KEY, Range }))
      assert.deepEqual(await bytesOf(got), body, Range)
      assert.equal(got.$metadata.httpStatusCode, 200, Range)
    }
    for (const Range of [`bytes=${size}-`, 'bytes=-0']) {
      const call = s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: KEY, Range }))
      await refusedByS3(call, 'InvalidRange', 416, 'The requested range is not satisfiable')
    }
  })

  test('is held back by conditions that do not hold', async () => {
    await using account = await TrailAccount.start()
    await account.put(KEY, 'x')
    const s3 = account.s3()
    const get = (conditions: object) =>
      s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: KEY, ...conditions }))
    const { ETag = assert.fail() } = await get({})
    const [before, after] = [new Date(PUT_AT - 1000), new Date(PUT_AT + 1000)]
    for (const holds of [
      { IfMatch: ETag },
      { IfMatch: '*' },
      { IfNoneMatch: '"other"' },
      { IfModifiedSince: before },
      { IfUnmodifiedSince: new Date(PUT_AT) },
      { IfMatch: ETag, IfUnmodifiedSince: before },
      { IfNoneMatch: '"other"', IfModifiedSince: after },
    ]) {
      assert.equal((await get(holds)).$metadata.httpStatusCode, 200, JSON.stringify(holds))
    }
    await refusedByS3(get({ IfMatch: '"other"' }), 'PreconditionFailed', 412)
    await refusedByS3(get({ IfUnmodifiedSince: before }), 'PreconditionFailed', 412)
    for (const fails of [{ IfNoneMatch: ETag }, { IfModifiedSince: new Date(PUT_AT) }]) {
      await answersS3(get(fails), 304)
    }
  })

  test('has the headers that a request asks for, and none that would split the reply', async () => {
    await using account = await TrailAccount.start()
    await account.put(KEY, 'x')
    const get = (more: object) =>
      account.s3().send(new GetObjectCommand({ Bucket: BUCKET, Key: KEY, ...more }))
    const got = await get({
      ResponseContentDisposition: 'attachment; filename="a.json.gz"',
      ResponseContentType: 'application/gzip',
    })
    assert.equal(got.ContentDisposition, 'attachment; filename="a.json.gz"')
    assert.equal(got.ContentType, 'application/gzip')
    await refusedByS3(get({ ResponseCacheControl: 'no\r\nX-Evil: 1' }), 'InvalidArgument', 400)
  })

  test('that is not there is told only to those who may list', async () => {
    await using account = await TrailAccount.start()
    await account.put(KEY, 'x')
    const get = (credentials = rootOf(ACCOUNT)) =>
      account.s3(credentials).send(new GetObjectCommand({ Bucket: BUCKET, Key: MISSING }))
    await refusedByS3(get(), 'NoSuchKey', 404, 'The specified key does not exist.')
    const reader = await account.user('reader', {
      Effect: 'Allow',
      Action: 's3:GetObject',
      Resource: `arn:aws:s3:::${BUCKET}/*`,
    })
    const denied =
      /is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::strongroom-audit-111122223333"/
    await refusedByS3(get(reader), 'AccessDenied', 403, denied)
    const there = new GetObjectCommand({ Bucket: BUCKET, Key: KEY })
    assert.equal((await account.s3(reader).send(there)).$metadata.httpStatusCode, 200)
    const head = new HeadObjectCommand({ Bucket: BUCKET, Key: MISSING })
    await answersS3(account.s3().send(head), 404)
  })

  test('has one version', async () => {
    await using account = await TrailAccount.start()
    await account.put(KEY, 'x')
    const get = (VersionId: string) =>
      account.s3().send(new GetObjectCommand({ Bucket: BUCKET, Key: KEY, VersionId }))
    await refusedByS3(get('abc'), 'InvalidArgument', 400, 'Invalid version id specified')
    assert.equal((await get('null')).$metadata.httpStatusCode, 200)
  })
})

describe('a bucket', () => {
  test('is closed to other accounts, whether it is there or not', async () => {
    await using account = await TrailAccount.start()
    await account.put(KEY, 'x')
    const foreign = account.s3(rootOf(OTHER_ACCOUNT))
    const get = new GetObjectCommand({ Bucket: BUCKET, Key: KEY })
    await refusedByS3(foreign.send(get), 'AccessDenied', 403, 'Access Denied')
    const nowhere = new GetObjectCommand({ Bucket: 'strongroom-audit-999999999999', Key: KEY })
    await refusedByS3(account.s3().send(nowhere), 'AccessDenied', 403, 'Access Denied')
    const unknown = new GetObjectCommand({ Bucket: 'some-bucket', Key: KEY })
    const text = 'The specified bucket does not exist'
    await refusedByS3(account.s3().send(unknown), 'NoSuchBucket', 404, text)
  })

  test('is not given to who expects another owner', async () => {
    await using account = await TrailAccount.start()
    const head = (ExpectedBucketOwner: string) =>
      account.s3().send(new HeadBucketCommand({ Bucket: BUCKET, ExpectedBucketOwner }))
    assert.equal((await head(ACCOUNT)).BucketRegion, 'eu-central-1')
    await answersS3(head(OTHER_ACCOUNT), 403)
  })
})
