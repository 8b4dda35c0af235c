import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  CloudWatchClient,
  type CloudWatchClientConfig,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  ListMetricsCommand,
} from '@aws-sdk/client-cloudwatch'
import {
  AwsJson1_0Protocol,
  AwsQueryProtocol,
  AwsSmithyRpcV2CborProtocol,
} from '@aws-sdk/core/protocols'
import { RequestQuotas } from '../../src/services/kms/quotas/request-quotas.ts'
import { startMemoryNode } from '../support/memory-node.ts'

const ACCOUNT = '111122223333'

// In the newer protocols clients read the name of the oldest from x-amzn-query-error.
describe('the rates of CloudWatch', () => {
  for (const [name, protocol] of [
    ['AWS JSON 1.0', AwsJson1_0Protocol],
    ['RPC v2 CBOR', AwsSmithyRpcV2CborProtocol],
    ['Query', AwsQueryProtocol],
  ] satisfies (readonly [string, NonNullable<CloudWatchClientConfig['protocol']>])[]) {
    test(`hold a client of ${name}, each operation by itself, in each account`, async () => {
      const node = await startMemoryNode({ quotas: new RequestQuotas() })
      const clients: CloudWatchClient[] = []
      const clientOf = (account: string): CloudWatchClient => {
        const client = new CloudWatchClient({
          endpoint: node.endpoint,
          region: 'eu-central-1',
          credentials: { accessKeyId: account, secretAccessKey: 'any' },
          maxAttempts: 1,
          protocol,
        })
        clients.push(client)
        return client
      }
      try {
        const [one, other] = [clientOf(ACCOUNT), clientOf('444455556666')]
        const now = new Date(node.clock.now())
        const calls = {
          ListMetrics: [25, () => one.send(new ListMetricsCommand({}))],
          GetMetricData: [
            50,
            () =>
              one.send(
                new GetMetricDataCommand({
                  StartTime: new Date(now.getTime() - 60_000),
                  EndTime: now,
                  MetricDataQueries: [
                    {
                      Id: 'm',
                      MetricStat: {
                        Metric: { Namespace: 'AWS/KMS', MetricName: 'SuccessfulRequest' },
                        Period: 60,
                        Stat: 'Sum',
                      },
                    },
                  ],
                }),
              ),
          ],
        } as const
        for (const [rate, call] of Object.values(calls)) {
          for (let at = 0; at < rate; at++) await call()
          await assert.rejects(
            call(),
            (error: Error & { $metadata?: { httpStatusCode?: number } }) => {
              assert.deepEqual([error.name, error.message], ['Throttling', 'Rate exceeded'])
              assert.equal(error.$metadata?.httpStatusCode, 400)
              return true
            },
          )
        }
        await other.send(new ListMetricsCommand({}))
        await one.send(
          new GetMetricStatisticsCommand({
            Namespace: 'AWS/KMS',
            MetricName: 'SuccessfulRequest',
            StartTime: new Date(now.getTime() - 60_000),
            EndTime: now,
            Period: 60,
            Statistics: ['Sum'],
          }),
        )
        node.clock.advance({ ms: 40 })
        await one.send(new ListMetricsCommand({}))
        await assert.rejects(one.send(new ListMetricsCommand({})), { name: 'Throttling' })
      } finally {
        for (const client of clients) client.destroy()
        await node.close()
      }
    })
  }
})
