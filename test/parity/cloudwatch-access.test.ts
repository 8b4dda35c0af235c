import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  CloudWatchClient,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  ListMetricsCommand,
} from '@aws-sdk/client-cloudwatch'
import { ACCOUNT, IamAccount } from '../support/iam-account.ts'

const METRIC = { Namespace: 'AWS/KMS', MetricName: 'SuccessfulRequest' }
const SPAN = { StartTime: new Date(0), EndTime: new Date(60_000) }

describe('who asks CloudWatch', () => {
  let account: IamAccount
  const clients: CloudWatchClient[] = []

  before(async () => {
    account = await IamAccount.start()
  })
  after(async () => {
    for (const client of clients) client.destroy()
    await account[Symbol.asyncDispose]()
  })

  const clientOf = (credentials: { accessKeyId: string; secretAccessKey: string }) => {
    const { endpoint } = account.node
    const region = 'eu-central-1'
    const client = new CloudWatchClient({ endpoint, region, credentials, maxAttempts: 1 })
    clients.push(client)
    return client
  }
  const root = () => clientOf({ accessKeyId: ACCOUNT, secretAccessKey: 'any' })

  test('needs a permission for each operation', async () => {
    const Statement = [{ Effect: 'Allow', Action: 'cloudwatch:ListMetrics', Resource: '*' }]
    await account.caller('reader', JSON.stringify({ Version: '2012-10-17', Statement }))
    const reader = clientOf(await account.addKey('reader'))
    assert.deepEqual((await reader.send(new ListMetricsCommand({}))).Metrics, [])
    const query = { ...METRIC, ...SPAN, Period: 60, Statistics: ['Sum' as const] }
    await assert.rejects(reader.send(new GetMetricStatisticsCommand(query)), {
      name: 'AccessDenied',
      message: /is not authorized to perform: cloudwatch:GetMetricStatistics/,
    })
  })

  test('is on the record, by the name of the service', async () => {
    const { $metadata } = await root().send(new ListMetricsCommand({ Namespace: 'AWS/KMS' }))
    const record = account.node.sink.record($metadata.requestId ?? '')
    assert.equal(record['eventSource'], 'monitoring.amazonaws.com')
    assert.equal(record['eventName'], 'ListMetrics')
    assert.deepEqual(record['requestParameters'], { namespace: 'AWS/KMS' })
  })

  test('asks for data in no trail: dashboards do that all day', async () => {
    const MetricStat = { Metric: METRIC, Period: 60, Stat: 'Sum' }
    const { $metadata } = await root().send(
      new GetMetricDataCommand({ ...SPAN, MetricDataQueries: [{ Id: 'a', MetricStat }] }),
    )
    const frame = account.node.sink.frames.find((each) =>
      JSON.stringify(each).includes($metadata.requestId ?? 'none'),
    )
    assert.deepEqual([frame?.kind, frame?.records], ['call', []])
  })
})
