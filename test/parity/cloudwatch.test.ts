import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  CloudWatchClient,
  type CloudWatchClientConfig,
  type Dimension,
  type DimensionFilter,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  ListMetricsCommand,
  paginateGetMetricData,
} from '@aws-sdk/client-cloudwatch'
import {
  AwsJson1_0Protocol,
  AwsQueryProtocol,
  AwsSmithyRpcV2CborProtocol,
} from '@aws-sdk/core/protocols'
import { importMaterial } from '../support/key-import.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { blob, createKey, succeeded, WireClient } from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const OTHER_ACCOUNT = '444455556666'
const REGION = 'eu-central-1'
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

type Protocol = CloudWatchClientConfig['protocol']

const PROTOCOLS: readonly (readonly [string, Protocol])[] = [
  ['AWS JSON 1.0', AwsJson1_0Protocol],
  ['RPC v2 CBOR', AwsSmithyRpcV2CborProtocol],
  ['Query', AwsQueryProtocol],
]

const clientOf = (node: MemoryNode, account: string, protocol?: Protocol): CloudWatchClient =>
  new CloudWatchClient({
    endpoint: node.endpoint,
    region: REGION,
    credentials: { accessKeyId: account, secretAccessKey: 'any' },
    maxAttempts: 1,
    ...(protocol !== undefined && { protocol }),
  })

const dimensions = (values: Readonly<Record<string, string>>): Dimension[] =>
  Object.entries(values).map(([Name, Value]) => ({ Name, Value }))

describe('the metrics of KMS', () => {
  let node: MemoryNode
  let kms: WireClient
  let start: number
  let key: { readonly id: string; readonly arn: string }
  let second: { readonly id: string; readonly arn: string }
  let imported: { readonly id: string; readonly arn: string }

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, ACCOUNT)
    // CloudWatch knows whole minutes.
    start = Math.floor(node.clock.now() / MINUTE_MS) * MINUTE_MS
    key = await createKey(kms, {})
    second = await createKey(kms, {})
    imported = await createKey(kms, { Origin: 'EXTERNAL' })
    await importMaterial(kms, imported.id, randomBytes(32), {
      members: {
        ExpirationModel: 'KEY_MATERIAL_EXPIRES',
        ValidTo: (start + 10 * DAY_MS) / 1000,
      },
    })
    const encrypt = async () =>
      succeeded(await kms.kms('Encrypt', { KeyId: key.id, Plaintext: blob('text') }))
    const { CiphertextBlob } = await encrypt()
    await encrypt()
    node.clock.advance({ ms: 2 * MINUTE_MS })
    await encrypt()
    succeeded(await kms.kms('Decrypt', { CiphertextBlob }))
    succeeded(await kms.kms('ReEncrypt', { CiphertextBlob, DestinationKeyId: second.id }))
    assert.equal((await kms.kms('Encrypt', { KeyId: key.id })).status, 400)
    const other = new WireClient(node.endpoint, OTHER_ACCOUNT)
    const foreign = await createKey(other, {})
    succeeded(await other.kms('Encrypt', { KeyId: foreign.id, Plaintext: blob('text') }))
    other.close()
    node.clock.advance({ ms: MINUTE_MS })
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  const at = (minutes: number): Date => new Date(start + minutes * MINUTE_MS)

  for (const [name, protocol] of PROTOCOLS) {
    describe(`over ${name}`, () => {
      let cloudwatch: CloudWatchClient

      before(() => {
        cloudwatch = clientOf(node, ACCOUNT, protocol)
      })
      after(() => cloudwatch.destroy())

      const list = async (input: ConstructorParameters<typeof ListMetricsCommand>[0] = {}) => {
        const { Metrics = [] } = await cloudwatch.send(new ListMetricsCommand(input))
        return Metrics.map(({ MetricName, Dimensions = [] }) =>
          [MetricName, ...Dimensions.map(({ Value }) => Value)].join(' '),
        )
      }

      test('are listed, of the own account alone', async () => {
        assert.deepEqual(
          (await list({ Namespace: 'AWS/KMS' })).toSorted(),
          [
            `SecondsUntilKeyMaterialExpiration ${imported.id}`,
            `SuccessfulRequest ${key.arn} Decrypt`,
            `SuccessfulRequest ${key.arn} Encrypt`,
            `SuccessfulRequest ${key.arn} ${second.arn} ReEncrypt`,
          ].toSorted(),
        )
        const usage = await list({ Namespace: 'AWS/Usage', MetricName: 'CallCount' })
        assert.deepEqual(usage.toSorted(), [
          'CallCount KMS API CreateKey None',
          'CallCount KMS API GetParametersForImport None',
          'CallCount KMS API ImportKeyMaterial None',
        ])
      })

      test('are listed by their dimensions', async () => {
        const of = (Dimensions: DimensionFilter[]) => list({ Dimensions })
        assert.deepEqual(await of(dimensions({ Operation: 'Decrypt' })), [
          `SuccessfulRequest ${key.arn} Decrypt`,
        ])
        assert.equal((await of([{ Name: 'KeyArn' }])).length, 2)
        assert.deepEqual(await of([{ Name: 'constructor' }]), [])
        assert.deepEqual(await list({ Namespace: 'AWS/Other' }), [])
      })

      test('have statistics for each minute', async () => {
        const { Label, Datapoints = [] } = await cloudwatch.send(
          new GetMetricStatisticsCommand({
            Namespace: 'AWS/KMS',
            MetricName: 'SuccessfulRequest',
            Dimensions: dimensions({ KeyArn: key.arn, Operation: 'Encrypt' }),
            StartTime: at(0),
            EndTime: at(3),
            Period: 60,
            Statistics: ['Sum', 'Maximum'],
          }),
        )
        assert.equal(Label, 'SuccessfulRequest')
        assert.deepEqual(
          Datapoints.map(({ Timestamp, ...rest }) => ({ ...rest, at: Timestamp?.getTime() })),
          [
            { at: at(0).getTime(), Sum: 2, Maximum: 1, Unit: 'Count' },
            { at: at(2).getTime(), Sum: 1, Maximum: 1, Unit: 'Count' },
          ],
        )
      })

      test('are answered several at once, newest first', async () => {
        const stat = (
          MetricName: string,
          values: Readonly<Record<string, string>>,
          Stat = 'Sum',
        ) => ({
          Metric: { Namespace: 'AWS/KMS', MetricName, Dimensions: dimensions(values) },
          Period: 60,
          Stat,
        })
        const pair = {
          SourceKeyArn: key.arn,
          DestinationKeyArn: second.arn,
          Operation: 'ReEncrypt',
        }
        const reverse = { ...pair, SourceKeyArn: second.arn, DestinationKeyArn: key.arn }
        const { MetricDataResults = [], NextToken } = await cloudwatch.send(
          new GetMetricDataCommand({
            StartTime: at(0),
            EndTime: at(3),
            MetricDataQueries: [
              {
                Id: 'uses',
                MetricStat: stat('SuccessfulRequest', { KeyArn: key.arn, Operation: 'Encrypt' }),
              },
              { Id: 'moves', Label: 'moved', MetricStat: stat('SuccessfulRequest', pair) },
              { Id: 'back', MetricStat: stat('SuccessfulRequest', reverse) },
              {
                Id: 'left',
                MetricStat: stat(
                  'SecondsUntilKeyMaterialExpiration',
                  { KeyId: imported.id },
                  'Minimum',
                ),
              },
              { Id: 'hidden', ReturnData: false, MetricStat: stat('SuccessfulRequest', pair) },
            ],
          }),
        )
        assert.equal(NextToken, undefined)
        assert.deepEqual(
          MetricDataResults.map(({ Id, Label, Values, StatusCode, Timestamps = [] }) => [
            Id,
            Label,
            StatusCode,
            Values,
            Timestamps.map((time) => (time.getTime() - start) / MINUTE_MS),
          ]),
          [
            ['uses', 'SuccessfulRequest', 'Complete', [1, 2], [2, 0]],
            ['moves', 'moved', 'Complete', [1], [2]],
            ['back', 'SuccessfulRequest', 'Complete', [], []],
            [
              'left',
              'SecondsUntilKeyMaterialExpiration',
              'Complete',
              [2, 1, 0].map((minutes) => 864_000 - minutes * 60),
              [2, 1, 0],
            ],
          ],
        )
      })

      test('come page by page', async () => {
        const pages: (readonly number[])[] = []
        const metric = {
          Namespace: 'AWS/KMS',
          MetricName: 'SecondsUntilKeyMaterialExpiration',
          Dimensions: dimensions({ KeyId: imported.id }),
        }
        for await (const { MetricDataResults = [] } of paginateGetMetricData(
          { client: cloudwatch },
          {
            StartTime: at(0),
            EndTime: at(3),
            MaxDatapoints: 2,
            ScanBy: 'TimestampAscending',
            MetricDataQueries: [
              { Id: 'a', MetricStat: { Metric: metric, Period: 60, Stat: 'Minimum' } },
            ],
          },
        )) {
          pages.push(MetricDataResults[0]?.Values ?? [])
        }
        assert.deepEqual(pages, [[864_000, 863_940], [863_880]])
      })

      const refusal = async (sent: Promise<unknown>): Promise<string> => {
        const error: unknown = await sent.then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        assert.ok(error instanceof Error, 'it was not refused')
        return `${error.name}: ${error.message}`
      }

      test('are refused with the names that the SDK has for errors', async () => {
        const statistics = {
          Namespace: 'AWS/KMS',
          MetricName: 'SuccessfulRequest',
          StartTime: at(0),
          EndTime: at(3),
          Period: 60,
          Statistics: ['Sum' as const],
        }
        const ask = (change: object) =>
          refusal(cloudwatch.send(new GetMetricStatisticsCommand({ ...statistics, ...change })))
        assert.equal(
          await ask({ EndTime: at(0) }),
          'InvalidParameterCombinationException: The parameter StartTime must be less than the parameter EndTime.',
        )
        assert.equal(
          await ask({ StartTime: at(-2880) }),
          'InvalidParameterCombinationException: You have requested up to 2,883 datapoints, which exceeds the limit of 1,440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.',
        )
        assert.match(await ask({ Period: 61 }), /^InvalidParameterValueException: .*Period/)
        assert.match(
          await ask({ Statistics: undefined }),
          /^InvalidParameterCombinationException: .*Statistics/,
        )
        assert.match(await ask({ ExtendedStatistics: ['p99'] }), /^InvalidParameterValueException/)
        assert.equal(
          await ask({ Period: undefined }),
          'MissingRequiredParameterException: The parameter Period is required.',
        )
        const token = await refusal(
          cloudwatch.send(new ListMetricsCommand({ NextToken: 'made up' })),
        )
        assert.match(token, /^InvalidParameterValueException: .*NextToken/)
      })

      test('are refused where the queries are not right', async () => {
        const MetricStat = {
          Metric: { Namespace: 'AWS/KMS', MetricName: 'SuccessfulRequest' },
          Period: 60,
          Stat: 'Sum',
        }
        const ask = (MetricDataQueries: object[], more: object = {}) =>
          refusal(
            cloudwatch.send(
              // As a client without types would send it.
              new GetMetricDataCommand({
                StartTime: at(0),
                EndTime: at(3),
                MetricDataQueries: MetricDataQueries as never,
                ...more,
              }),
            ),
          )
        for (const [queries, text] of [
          [[{ Id: 'a', Expression: 'SUM(METRICS())' }], /metric math and SEARCH are not supported/],
          [[{ Id: 'A', MetricStat }], /parameter Id is not valid/],
          [[{ Id: 'a' }], /either the parameter MetricStat or the parameter Expression/],
          [
            [
              { Id: 'a', MetricStat },
              { Id: 'a', MetricStat },
            ],
            /are not unique/,
          ],
          [[{ Id: 'a', MetricStat: { ...MetricStat, Stat: 'p99' } }], /must be one of SampleCount/],
          [[{ Id: 'a', MetricStat: { ...MetricStat, Period: 7 } }], /Period/],
          [[{ Id: 'a', MetricStat, AccountId: OTHER_ACCOUNT }], /another account/],
        ] as const) {
          const told = await ask([...queries])
          assert.match(told, /^ValidationE/)
          assert.match(told, text)
        }
        assert.match(
          await ask([{ Id: 'a', MetricStat }], { NextToken: 'made up' }),
          /^InvalidNextToken/,
        )
      })
    })
  }

  test('of another account are not there', async () => {
    const other = clientOf(node, OTHER_ACCOUNT)
    const { Metrics = [] } = await other.send(new ListMetricsCommand({ Namespace: 'AWS/KMS' }))
    assert.equal(Metrics.length, 1)
    for (const [MetricName, values] of [
      ['SuccessfulRequest', { KeyArn: key.arn, Operation: 'Encrypt' }],
      ['SecondsUntilKeyMaterialExpiration', { KeyId: imported.id }],
    ] as const) {
      const { Datapoints } = await other.send(
        new GetMetricStatisticsCommand({
          Namespace: 'AWS/KMS',
          MetricName,
          Dimensions: dimensions(values),
          StartTime: at(0),
          EndTime: at(3),
          Period: 60,
          Statistics: ['Sum'],
        }),
      )
      assert.deepEqual(Datapoints, [], MetricName)
    }
    other.destroy()
  })
})
