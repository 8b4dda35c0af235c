import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import test, { describe } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { AwsShell, awsIsMissing } from '../support/aws-shell.ts'
import { closeHours } from '../support/closed-hours.ts'
import {
  runStrongroom,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'

const REGION = 'us-east-1'
const HOUR_MS = 3_600_000
const DAY_SECONDS = 86_400
const DEV_ACCOUNT = '000000000000'
/** No trail of these tests begins before or ends behind. */
const ALL_TIME = ['--start-time', '2026-01-01T00:00:00Z', '--end-time', '2040-01-01T00:00:00Z']

const arnOf = (account: string): string =>
  `arn:aws:cloudtrail:${REGION}:${account}:trail/strongroom`

/** What `aws cloudtrail validate-logs` found. */
interface Verdict {
  readonly exitCode: number | null
  readonly summary: string
  /** The lines that name something invalid, without bucket and key up to the last slash. */
  readonly invalid: readonly string[]
}

async function validate(aws: AwsShell, account: string, range = ALL_TIME): Promise<Verdict> {
  const args = ['cloudtrail', 'validate-logs', '--trail-arn', arnOf(account), ...range, '--verbose']
  const { exitCode, stdout, stderr } = await aws.run(args)
  const lines = `${stdout}\n${stderr}`.split('\n')
  return {
    exitCode,
    summary: lines.filter((line) => /^\d+\/\d+ /.test(line)).join('; '),
    invalid: lines
      .filter((line) => line.includes('INVALID: '))
      .map((line) => line.replace(/s3:\/\/\S*\//, '')),
  }
}

/** Moves the clock of `strongroom dev`, and has done all that became due. */
async function advance({ endpoint }: ServerProcess, seconds: number): Promise<void> {
  const body = JSON.stringify({ advanceSeconds: seconds })
  const reply = await fetch(`${endpoint}/-/dev/clock`, { method: 'POST', body })
  assert.equal(reply.status, 200, await reply.text())
}

describe('the trail of strongroom dev, read by the AWS CLI', { skip: awsIsMissing }, () => {
  test('is found, valid through empty hours and a new key, and can be looked up and copied', async () => {
    await using server = await startServer({ command: 'dev' })
    const aws = AwsShell.besideDev(server)
    const key = await aws.answer('kms', 'create-key', '--query', 'KeyMetadata.KeyId')
    await advance(server, 3600)
    await aws.answer('kms', 'describe-key', '--key-id', key)
    // Hours without a call, one by one, and a year: the next digest has a key of its own.
    for (const seconds of [3600, 3600, 3600, 366 * DAY_SECONDS]) await advance(server, seconds)
    await aws.answer('kms', 'describe-key', '--key-id', key)
    await advance(server, 3600)

    const trails = await aws.answer(
      'cloudtrail',
      'describe-trails',
      '--query',
      'trailList[].[TrailARN,S3BucketName]',
    )
    const bucket = `strongroom-audit-${DEV_ACCOUNT}`
    assert.equal(trails, `${arnOf(DEV_ACCOUNT)}\t${bucket}`)
    const verdict = await validate(aws, DEV_ACCOUNT)
    assert.deepEqual(verdict, {
      exitCode: 0,
      summary: '6/6 digest files valid; 3/3 log files valid',
      invalid: [],
    })
    const keys = await aws.answer(
      'cloudtrail',
      'list-public-keys',
      ...ALL_TIME,
      '--query',
      'length(PublicKeyList)',
    )
    assert.equal(keys, '2')
    const shadow = await aws.answer(
      'cloudtrail',
      'get-trail-status',
      '--region',
      'eu-west-1',
      '--name',
      arnOf(DEV_ACCOUNT),
      '--query',
      'IsLogging',
    )
    assert.equal(shadow, 'True')

    const lookup = ['cloudtrail', 'lookup-events', '--query', 'Events[].EventName']
    const attribute = 'AttributeKey=EventSource,AttributeValue=kms.amazonaws.com'
    const found = await aws.answer(...lookup, '--lookup-attributes', attribute)
    assert.equal(found, 'DescribeKey')

    const folder = temporaryFolder()
    await aws.answer('s3', 'sync', `s3://${bucket}`, folder, '--quiet')
    const files = filesBelow(folder)
    assert.equal(files.length, 9)
    for (const file of files)
      assert.ok(JSON.parse(gunzipSync(readFileSync(join(folder, file))).toString()))
    const [first = ''] = files
    const listed = await aws.answer('s3', 'ls', '--recursive', `s3://${bucket}/AWSLogs/`)
    assert.equal(listed.split('\n').length, 9)
    assert.match(await aws.answer('s3', 'ls', `s3://${bucket}`), /^PRE AWSLogs\/$/)
    const copy = join(temporaryFolder(), 'copy')
    await aws.answer('s3', 'cp', `s3://${bucket}/${first}`, copy, '--quiet')
    assert.deepEqual(readFileSync(copy), readFileSync(join(folder, first)))
    const refused = await aws.refusal('s3', 'cp', copy, `s3://${bucket}/x`)
    assert.match(refused, /\(MethodNotAllowed\).*the audit bucket is read-only/)
    assert.match(await aws.refusal('s3', 'rm', `s3://${bucket}/${first}`), /MethodNotAllowed/)
    await server.stop()
  })
})

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()

/** A node with a trail of three hours with calls, signed with two keys, and one without. */
async function nodeWithHours(): Promise<{ readonly dataFolder: string; readonly account: string }> {
  const dataFolder = temporaryFolder()
  const thisHour = Math.floor(Date.now() / HOUR_MS) * HOUR_MS
  let account = ''
  for (const hour of [1, 2, 3]) {
    const server = await startServer({ dataFolder })
    const aws = await AwsShell.beside(server)
    account = await aws.answer('sts', 'get-caller-identity', '--query', 'Account')
    if (hour === 3) {
      const rotated = await runStrongroom(['audit', 'rotate-signing-key', '--data', dataFolder])
      assert.equal(rotated.exitCode, 0, rotated.stderr)
    }
    await server.stop()
    await closeHours(dataFolder, thisHour + hour * HOUR_MS, REGION)
  }
  await closeHours(dataFolder, thisHour + 4 * HOUR_MS, REGION)
  return { dataFolder, account }
}

/** Changes a gzipped file inside, so that it still unpacks and parses. */
const alter = (file: string): void =>
  writeFileSync(file, gzipSync(gunzipSync(readFileSync(file)).toString().replace('20', '19')))

/** What somebody does to one file of the trail, and what the CLI says of it. */
interface Harm {
  readonly what: string
  readonly harm: (path: string) => void
  readonly file: string
  readonly summary: string
  readonly line: string
}

const nameOf = (file: string): string => file.slice(file.lastIndexOf('/') + 1)

function harmsTo(file: string): readonly Harm[] {
  const summary = '4/4 digest files valid; 2/3 log files valid, 1/3 log files INVALID'
  const start = `Log file\t${nameOf(file)}\tINVALID:`
  return [
    { what: 'altered log', harm: alter, file, summary, line: `${start} hash value doesn't match` },
    { what: 'removed log', harm: rmSync, file, summary, line: `${start} not found` },
  ]
}

/** The log of a digest that is not valid is not looked at. */
function harmsToDigest(file: string): readonly Harm[] {
  const summary = '3/4 digest files valid, 1/4 digest files INVALID; 2/2 log files valid'
  const start = `Digest file\t${nameOf(file)}\tINVALID:`
  const unsigned = `${start} signature verification failed`
  return [
    { what: 'altered digest', harm: alter, file, summary, line: unsigned },
    { what: 'removed digest', harm: rmSync, file, summary, line: `${start} not found` },
  ]
}

describe('the trail of a node, read by the AWS CLI', { skip: awsIsMissing }, () => {
  test('is valid, and what is altered or removed in its folder is named, nothing else', async () => {
    const { dataFolder, account } = await nodeWithHours()
    await using server = await startServer({ dataFolder })
    const aws = await AwsShell.beside(server)
    const bucket = join(dataFolder, 'trail', `strongroom-audit-${account}`)
    const files = filesBelow(bucket).filter(
      (file) => file.includes(`/${REGION}/`) && file.endsWith('.gz'),
    )
    const digests = files.filter((file) => file.includes('/CloudTrail-Digest/'))
    const logs = files.filter((file) => file.includes('/CloudTrail/'))
    assert.deepEqual([digests.length, logs.length], [4, 3])
    const whole = {
      exitCode: 0,
      summary: '4/4 digest files valid; 3/3 log files valid',
      invalid: [],
    }
    assert.deepEqual(await validate(aws, account), whole)

    const [, log = ''] = logs
    const [, digest = ''] = digests
    for (const { what, harm, file, summary, line } of [...harmsTo(log), ...harmsToDigest(digest)]) {
      const path = join(bucket, file)
      const before = readFileSync(path)
      harm(path)
      const found = await validate(aws, account)
      assert.deepEqual(found, { exitCode: 1, summary, invalid: [line] }, what)
      writeFileSync(path, before)
    }
    assert.deepEqual(await validate(aws, account), whole)
    await server.stop()
  })

  test('is closed to another account, and to a user without permission', async () => {
    await using server = await startServer()
    const aws = await AwsShell.beside(server)
    const account = await aws.answer('sts', 'get-caller-identity', '--query', 'Account')
    const made = await runStrongroom(['account', 'create', '--json', '--data', server.dataFolder])
    const other: { readonly accessKeyId: string; readonly secretAccessKey: string } = JSON.parse(
      made.stdout,
    )
    const asOther = {
      AWS_ACCESS_KEY_ID: other.accessKeyId,
      AWS_SECRET_ACCESS_KEY: other.secretAccessKey,
    }
    const listed = await aws.run(['s3', 'ls', `s3://strongroom-audit-${account}`], asOther)
    assert.match(listed.stderr, /\(AccessDenied\)/)
    const trails = await aws.run(
      ['cloudtrail', 'describe-trails', '--output', 'text', '--query', 'trailList[].S3BucketName'],
      asOther,
    )
    assert.match(trails.stdout, /^strongroom-audit-\d{12}\n$/)
    assert.ok(!trails.stdout.includes(account))

    await aws.answer('iam', 'create-user', '--user-name', 'nobody')
    const [id = '', secret = ''] = (
      await aws.answer(
        'iam',
        'create-access-key',
        '--user-name',
        'nobody',
        '--query',
        'AccessKey.[AccessKeyId,SecretAccessKey]',
      )
    ).split('\t')
    const asNobody = { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret }
    const looked = await aws.run(['cloudtrail', 'lookup-events'], asNobody)
    assert.match(looked.stderr, /\(AccessDeniedException\).*cloudtrail:LookupEvents/)
    const stopped = await aws.refusal('cloudtrail', 'stop-logging', '--name', 'strongroom')
    assert.match(stopped, /\(UnsupportedOperationException\).*The trail cannot be changed/)
    await server.stop()
  })
})
