import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  GetBucketLocationCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3'
import { ACCOUNT } from '../support/iam-account.ts'
import { answersS3, BUCKET, PUT_AT, refusedByS3, TrailAccount } from '../support/trail-account.ts'

const KEYS = ['a/1', 'a/2', 'b', 'c/d/1', 'c/d/2', 'c/e', 'd ä+1']

async function filled(): Promise<TrailAccount> {
  const account = await TrailAccount.start()
  for (const key of KEYS) await account.put(key, key)
  return account
}

type Listing = Pick<ListObjectsV2CommandOutput, 'Contents' | 'CommonPrefixes'>

const keysOf = ({ Contents = [] }: Listing) => Contents.map(({ Key }) => Key)
const prefixesOf = ({ CommonPrefixes = [] }: Listing) => CommonPrefixes.map(({ Prefix }) => Prefix)

describe('listing a bucket', () => {
  test('gives every object with what is said of it', async () => {
    await using account = await filled()
    const reply = await account.s3().send(new ListObjectsV2Command({ Bucket: BUCKET }))
    assert.deepEqual(keysOf(reply), KEYS)
    assert.deepEqual([reply.KeyCount, reply.IsTruncated, reply.MaxKeys], [7, false, 1000])
    const [first] = reply.Contents ?? []
    assert.equal(first?.LastModified?.getTime(), PUT_AT)
    assert.equal(first?.StorageClass, 'STANDARD')
    assert.match(first?.ETag ?? '', /^"[0-9a-f]{32}"$/)
    assert.ok((first?.Size ?? 0) > 0)
    assert.equal(first?.Owner, undefined)
  })

  test('goes from page to page, by token and by key', async () => {
    await using account = await filled()
    const s3 = account.s3()
    const byToken: (string | undefined)[] = []
    for await (const page of paginateListObjectsV2(
      { client: s3, pageSize: 2 },
      { Bucket: BUCKET },
    )) {
      assert.ok(keysOf(page).length <= 2)
      byToken.push(...keysOf(page))
    }
    assert.deepEqual(byToken, KEYS)

    const byKey: (string | undefined)[] = []
    for (let Marker = ''; ; ) {
      const page = await s3.send(new ListObjectsCommand({ Bucket: BUCKET, MaxKeys: 3, Marker }))
      byKey.push(...keysOf(page))
      assert.equal(page.NextMarker, undefined)
      assert.match(page.Contents?.[0]?.Owner?.ID ?? '', /^[0-9a-f]{64}$/)
      if (page.IsTruncated !== true) break
      Marker = String(byKey.at(-1))
    }
    assert.deepEqual(byKey, KEYS)
  })

  test('rolls keys up at a delimiter, on every page', async () => {
    await using account = await filled()
    const s3 = account.s3()
    const query = { Bucket: BUCKET, Delimiter: '/' }
    const whole = await s3.send(new ListObjectsV2Command(query))
    assert.deepEqual(
      [keysOf(whole), prefixesOf(whole)],
      [
        ['b', 'd ä+1'],
        ['a/', 'c/'],
      ],
    )
    assert.equal(whole.KeyCount, 4)
    const below = await s3.send(new ListObjectsV2Command({ ...query, Prefix: 'c/' }))
    assert.deepEqual([keysOf(below), prefixesOf(below)], [['c/e'], ['c/d/']])

    const seen: unknown[] = []
    for await (const page of paginateListObjectsV2({ client: s3, pageSize: 1 }, query)) {
      seen.push(...prefixesOf(page), ...keysOf(page))
    }
    assert.deepEqual(seen, ['a/', 'b', 'c/', 'd ä+1'])
    const byMarker: unknown[] = []
    for (let Marker: string | undefined; ; ) {
      const page = await s3.send(new ListObjectsCommand({ ...query, MaxKeys: 1, Marker }))
      byMarker.push(...prefixesOf(page), ...keysOf(page))
      if (page.IsTruncated !== true) break
      Marker = page.NextMarker
    }
    assert.deepEqual(byMarker, seen)
  })

  test('takes prefixes, starts and encodings', async () => {
    await using account = await filled()
    const list = (more: object) =>
      account.s3().send(new ListObjectsV2Command({ Bucket: BUCKET, ...more }))
    assert.deepEqual(keysOf(await list({ Prefix: 'c/d' })), ['c/d/1', 'c/d/2'])
    assert.deepEqual(keysOf(await list({ StartAfter: 'c/d/1' })), ['c/d/2', 'c/e', 'd ä+1'])
    assert.deepEqual(keysOf(await list({ Prefix: 'd', EncodingType: 'url' })), ['d%20%C3%A4%2B1'])
    assert.deepEqual(keysOf(await list({ MaxKeys: 0 })), [])
    assert.equal((await list({ FetchOwner: true })).Contents?.[0]?.Owner?.DisplayName, ACCOUNT)
    assert.equal((await list({ MaxKeys: 5000 })).MaxKeys, 1000)
  })

  test('refuses what it cannot do', async () => {
    await using account = await filled()
    const list = (more: object) =>
      account.s3().send(new ListObjectsV2Command({ Bucket: BUCKET, ...more }))
    await refusedByS3(list({ MaxKeys: -1 }), 'InvalidArgument', 400)
    await refusedByS3(list({ ContinuationToken: 'abc' }), 'InvalidArgument', 400)
    const { NextContinuationToken } = await list({ MaxKeys: 1 })
    const elsewhere = list({ ContinuationToken: NextContinuationToken, Prefix: 'a' })
    const text = 'The continuation token provided is incorrect'
    await refusedByS3(elsewhere, 'InvalidArgument', 400, text)
    const other = new ListObjectsV2Command({ Bucket: 'other' })
    await refusedByS3(account.s3().send(other), 'NoSuchBucket', 404)
  })

  test('needs s3:ListBucket, under the conditions of the policy', async () => {
    await using account = await filled()
    const user = await account.user('lister', {
      Effect: 'Allow',
      Action: 's3:ListBucket',
      Resource: `arn:aws:s3:::${BUCKET}`,
      Condition: {
        StringLike: { 's3:prefix': 'a/*' },
        NumericLessThanEquals: { 's3:max-keys': '10' },
      },
    })
    const list = (more: object) =>
      account.s3(user).send(new ListObjectsV2Command({ Bucket: BUCKET, ...more }))
    assert.deepEqual(keysOf(await list({ Prefix: 'a/', MaxKeys: 10 })), ['a/1', 'a/2'])
    const text =
      /lister is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::strongroom-audit-111122223333" because no identity-based policy allows the s3:ListBucket action$/
    await refusedByS3(list({ Prefix: 'b', MaxKeys: 10 }), 'AccessDenied', 403, text)
    await refusedByS3(list({ Prefix: 'a/', MaxKeys: 11 }), 'AccessDenied', 403, text)
  })
})

describe('the buckets of an account', () => {
  test('are the one that its trail is in', async () => {
    await using account = await filled()
    const { clock, trailFiles } = account.node
    await account.s3().send(new ListBucketsCommand({}))
    clock.advance({ ms: 3_600_000 })
    await trailFiles.delivery.closeDueHours(clock.now())
    const { Buckets, Owner } = await account.s3().send(new ListBucketsCommand({}))
    assert.deepEqual(
      Buckets?.map(({ Name, BucketRegion, CreationDate }) => [Name, BucketRegion, CreationDate]),
      [[BUCKET, 'eu-central-1', new Date(Date.UTC(2026, 0, 15, 10))]],
    )
    assert.equal(Owner?.DisplayName, ACCOUNT)
    const none = await account.s3().send(new ListBucketsCommand({ Prefix: 'other' }))
    assert.deepEqual(none.Buckets ?? [], [])
  })

  test('are told only to who may', async () => {
    await using account = await filled()
    const nobody = await account.user('nobody', { Effect: 'Deny', Action: 's3:*', Resource: '*' })
    const text = /s3:ListAllMyBuckets on resource: "arn:aws:s3:::\*" with an explicit deny/
    const list = account.s3(nobody).send(new ListBucketsCommand({}))
    await refusedByS3(list, 'AccessDenied', 403, text)
    await answersS3(account.s3(nobody).send(new HeadBucketCommand({ Bucket: BUCKET })), 403)
    const locate = new GetBucketLocationCommand({ Bucket: BUCKET })
    await refusedByS3(account.s3(nobody).send(locate), 'AccessDenied', 403, /s3:GetBucketLocation/)
  })

  test('are where the node is', async () => {
    await using account = await filled()
    const command = new GetBucketLocationCommand({ Bucket: BUCKET })
    const { LocationConstraint } = await account.s3(undefined, 'us-east-1').send(command)
    assert.equal(LocationConstraint, 'eu-central-1')
  })
})
