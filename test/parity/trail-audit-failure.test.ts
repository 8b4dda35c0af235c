import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as trail from '@aws-sdk/client-cloudtrail'
import * as watch from '@aws-sdk/client-cloudwatch'
import * as s3 from '@aws-sdk/client-s3'
import { ACCOUNT } from '../support/iam-account.ts'
import { BUCKET, REGION, rootOf, TrailAccount } from '../support/trail-account.ts'

const KEY = `AWSLogs/${ACCOUNT}/a.json.gz`
const SPAN = { StartTime: new Date(0), EndTime: new Date(60_000) }
const METRIC = { Namespace: 'AWS/KMS', MetricName: 'SuccessfulRequest' }

interface Failed {
  readonly $metadata: { readonly httpStatusCode?: number }
}

/** Each operation that gives something, and refusals that tell something. */
async function callsOn(account: TrailAccount) {
  await account.put(KEY, '{"Records":[]}')
  const reader = account.s3()
  const nobody = account.s3(
    await account.user('nobody', { Effect: 'Deny', Action: '*', Resource: '*' }),
  )
  const events = account.cloudTrail()
  const metrics = new watch.CloudWatchClient({
    endpoint: account.node.endpoint,
    region: REGION,
    credentials: rootOf(ACCOUNT),
    maxAttempts: 1,
  })
  const at = { Bucket: BUCKET, Key: KEY }
  const MetricStat = { Metric: METRIC, Period: 60, Stat: 'Sum' }
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    GetObject: () => reader.send(new s3.GetObjectCommand(at)),
    HeadObject: () => reader.send(new s3.HeadObjectCommand(at)),
    ListBuckets: () => reader.send(new s3.ListBucketsCommand({})),
    ListObjects: () => reader.send(new s3.ListObjectsCommand({ Bucket: BUCKET })),
    ListObjectsV2: () => reader.send(new s3.ListObjectsV2Command({ Bucket: BUCKET })),
    GetBucketLocation: () => reader.send(new s3.GetBucketLocationCommand({ Bucket: BUCKET })),
    'GetObject, not there': () => reader.send(new s3.GetObjectCommand({ ...at, Key: `${KEY}x` })),
    'GetObject, denied': () => nobody.send(new s3.GetObjectCommand(at)),
    PutObject: () => reader.send(new s3.PutObjectCommand({ ...at, Body: 'x' })),
    LookupEvents: () => events.send(new trail.LookupEventsCommand({})),
    DescribeTrails: () => events.send(new trail.DescribeTrailsCommand({})),
    ListPublicKeys: () => events.send(new trail.ListPublicKeysCommand({})),
    GetTrailStatus: () => events.send(new trail.GetTrailStatusCommand({ Name: 'strongroom' })),
    StopLogging: () => events.send(new trail.StopLoggingCommand({ Name: 'strongroom' })),
    ListMetrics: () => metrics.send(new watch.ListMetricsCommand({})),
    GetMetricStatistics: () =>
      metrics.send(
        new watch.GetMetricStatisticsCommand({
          ...METRIC,
          ...SPAN,
          Period: 60,
          Statistics: ['Sum'],
        }),
      ),
    GetMetricData: () =>
      metrics.send(
        new watch.GetMetricDataCommand({ ...SPAN, MetricDataQueries: [{ Id: 'a', MetricStat }] }),
      ),
  }
  return { calls, close: () => metrics.destroy() }
}

const statusOf = async (call: () => Promise<unknown>): Promise<number | undefined> => {
  const failed = await call().then(
    () => undefined,
    // The clients of AWS reject with this.
    (error: Failed) => error,
  )
  return failed?.$metadata.httpStatusCode
}

describe('a log that cannot be written', () => {
  test('has the services around the trail answer nothing, and tell nothing', async () => {
    await using account = await TrailAccount.start()
    const { calls, close } = await callsOn(account)
    const { sink } = account.node
    try {
      for (const [name, call] of Object.entries(calls)) {
        sink.isFailing = false
        const before = sink.texts.length
        const usual = await statusOf(call)
        assert.ok(usual === undefined || usual < 500, `${name}: ${usual}`)
        assert.ok(sink.texts.length > before, `${name} is on no record`)
        sink.isFailing = true
        assert.equal(await statusOf(call), 500, name)
      }
    } finally {
      close()
    }
  })
})
