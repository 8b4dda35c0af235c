import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { type BusyNode, startBusyNode } from '../monitoring/busy-node.ts'
import { runProgram } from '../support/server-process.ts'

const answers = (file: string, args: readonly string[]): boolean =>
  spawnSync(file, args, { encoding: 'utf8' }).status === 0
const noCli = answers('aws', ['--version']) ? false : 'the AWS CLI is not on the PATH'
const noBoto = answers('python3', ['-c', 'import boto3']) ? false : 'Python has no boto3'

/** What a boto3 program prints: the names of metrics, the sum of a metric, and an error's code. */
const PROGRAM = `
import boto3, datetime, json, sys
cloudwatch = boto3.client('cloudwatch')
key = sys.argv[1]
names = [m['MetricName'] for m in cloudwatch.list_metrics(Namespace='AWS/KMS')['Metrics']]
now = datetime.datetime.now(datetime.timezone.utc)
hour = datetime.timedelta(hours=1)
data = cloudwatch.get_metric_data(
    StartTime=now - hour, EndTime=now + hour,
    MetricDataQueries=[{'Id': 'uses', 'MetricStat': {
        'Metric': {'Namespace': 'AWS/KMS', 'MetricName': 'SuccessfulRequest', 'Dimensions': [
            {'Name': 'KeyArn', 'Value': key}, {'Name': 'Operation', 'Value': 'Encrypt'}]},
        'Period': 3600, 'Stat': 'Sum'}}])
try:
    cloudwatch.get_metric_statistics(Namespace='AWS/KMS', MetricName='SuccessfulRequest',
        StartTime=now, EndTime=now - hour, Period=60, Statistics=['Sum'])
except cloudwatch.exceptions.InvalidParameterCombinationException as error:
    code = error.response['Error']['Code']
times = [type(t).__name__ for t in data['MetricDataResults'][0]['Timestamps']]
print(json.dumps({'names': sorted(set(names)), 'code': code, 'times': sorted(set(times)),
    'sum': sum(data['MetricDataResults'][0]['Values'])}))
`

describe('CloudWatch', () => {
  let node: BusyNode
  let env: Record<string, string>

  before(async () => {
    node = await startBusyNode()
    const { endpoint, credentials } = node.server
    env = {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: node.region,
      AWS_DEFAULT_REGION: node.region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_CONFIG_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_PAGER: '',
      AWS_MAX_ATTEMPTS: '1',
    }
  })
  after(() => node[Symbol.asyncDispose]())

  const aws = async (...args: readonly string[]) => {
    const { exitCode, stdout, stderr } = await runProgram(
      'aws',
      ['cloudwatch', ...args, '--output', 'json'],
      { env },
    )
    return { exitCode, stderr, json: stdout === '' ? {} : JSON.parse(stdout) }
  }

  const hoursFromNow = (hours: number): string =>
    new Date(Date.now() + hours * 3_600_000).toISOString()
  const span = ['--start-time', hoursFromNow(-1), '--end-time', hoursFromNow(1)]

  test('lists metrics to the AWS CLI', { skip: noCli }, async () => {
    const { json } = await aws('list-metrics', '--namespace', 'AWS/KMS')
    const names = json.Metrics.map(({ MetricName }: { MetricName: string }) => MetricName)
    assert.ok(names.includes('SuccessfulRequest'))
    assert.ok(names.includes('SecondsUntilKeyMaterialExpiration'))
  })

  test('gives statistics and data to the AWS CLI', { skip: noCli }, async () => {
    const metric = ['--namespace', 'AWS/KMS', '--metric-name', 'SuccessfulRequest']
    const dimensions = [`Name=KeyArn,Value=${node.keyArn}`, 'Name=Operation,Value=Encrypt']
    const statistics = await aws(
      'get-metric-statistics',
      ...metric,
      ...span,
      '--period',
      '7200',
      '--statistics',
      'Sum',
      '--dimensions',
      ...dimensions,
    )
    assert.equal(statistics.json.Datapoints[0].Sum, 5, statistics.stderr)
    const Dimensions = [{ Name: 'KeyId', Value: node.importedKeyId }]
    const Metric = {
      Namespace: 'AWS/KMS',
      MetricName: 'SecondsUntilKeyMaterialExpiration',
      Dimensions,
    }
    const queries = JSON.stringify([
      { Id: 'left', MetricStat: { Metric, Period: 7200, Stat: 'Minimum' } },
    ])
    const data = await aws('get-metric-data', ...span, '--metric-data-queries', queries)
    const [value] = data.json.MetricDataResults[0].Values
    assert.ok(value > 6 * 86_400 && value < 8 * 86_400, data.stderr)
  })

  test('tells the AWS CLI what is wrong', { skip: noCli }, async () => {
    const queries = JSON.stringify([{ Id: 'a', Expression: 'SEARCH("", "Sum", 60)' }])
    const { exitCode, stderr } = await aws(
      'get-metric-data',
      ...span,
      '--metric-data-queries',
      queries,
    )
    assert.notEqual(exitCode, 0)
    assert.match(stderr, /\(ValidationError\) when calling the GetMetricData operation/)
  })

  test('speaks with boto3', { skip: noBoto }, async () => {
    const { stdout, stderr } = await runProgram('python3', ['-c', PROGRAM, node.keyArn], { env })
    assert.deepEqual(
      JSON.parse(stdout || '{}'),
      {
        names: ['SecondsUntilKeyMaterialExpiration', 'SuccessfulRequest'],
        code: 'InvalidParameterCombination',
        times: ['datetime'],
        sum: 5,
      },
      stderr,
    )
  })
})
