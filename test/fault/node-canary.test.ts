import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import * as trail from '@aws-sdk/client-cloudtrail'
import * as watch from '@aws-sdk/client-cloudwatch'
import * as iam from '@aws-sdk/client-iam'
import * as sdk from '@aws-sdk/client-kms'
import * as s3 from '@aws-sdk/client-s3'
import * as sts from '@aws-sdk/client-sts'
import { formsOf } from '../support/secret-forms.ts'
import {
  runStrongroom,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'

/** Longer than any block, so that no part of them is there by chance. */
const PLAINTEXT = Buffer.from('CANARY-plaintext-of-a-node-5b1e7c')
const WEBHOOK = Buffer.from('CANARY-webhook-secret-of-a-node-')
const SHIPPING = 'CANARY+shipping/secret+key+of+a+node+000'

/** All that a node tells somebody, or leaves somewhere. */
interface Told {
  readonly where: string
  readonly bytes: Buffer
}

/** Takes whatever it is sent. */
async function receiver(name: string, told: Told[]) {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [Buffer.from(`${request.url}\n${JSON.stringify(request.headers)}\n`)]
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      told.push({ where: name, bytes: Buffer.concat(pieces) })
      response.writeHead(200).end('{}')
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function filesIn(folder: string): Told[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile())
    .flatMap((file) => {
      const bytes = readFileSync(file)
      const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b
      return [
        { where: file, bytes },
        ...(isPacked ? [{ where: `in ${file}`, bytes: gunzipSync(bytes) }] : []),
      ]
    })
}

describe('secrets of callers and of the operator', () => {
  let server: ServerProcess
  let folder: string
  let stopped = false
  const told: Told[] = []
  const secrets = new Map<string, Uint8Array>([
    ['plaintext', PLAINTEXT],
    ['webhook secret', WEBHOOK],
    ['shipping secret', Buffer.from(SHIPPING)],
  ])
  const open: { destroy(): void }[] = []
  let sinks: { readonly url: string; close(): void }[] = []

  before(async () => {
    folder = temporaryFolder()
    sinks = await Promise.all(
      ['webhook', 'collector', 'anchor', 'store'].map((name) => receiver(name, told)),
    )
    const [hook, collector, anchor, store] = sinks.map(({ url }) => url)
    const secretFile = join(folder, 'webhook-secret')
    writeFileSync(secretFile, `whsec_${WEBHOOK.toString('base64')}\n`)
    server = await startServer({
      dataFolder: temporaryFolder(),
      flags: [
        '--events-to',
        `webhook:${hook}/`,
        '--events-to',
        `file:${join(folder, 'events')}`,
        '--events-api-calls',
        'all',
        '--events-secret-file',
        secretFile,
        '--otlp-endpoint',
        collector ?? '',
        '--trace-sample',
        '1',
        '--log-requests',
        '--log-level',
        'trace',
        '--anchor',
        `webhook:${anchor}/`,
        '--anchor',
        `file:${join(folder, 'anchors')}`,
        '--anchor-minutes',
        '1',
        '--ship-to',
        's3://bucket',
        '--ship-s3-endpoint',
        store ?? '',
      ],
      env: { AWS_ACCESS_KEY_ID: 'AKIASHIPPING00000000', AWS_SECRET_ACCESS_KEY: SHIPPING },
    })
    secrets.set('root secret', Buffer.from(server.credentials.secretAccessKey))
  })
  after(async () => {
    for (const client of open) client.destroy()
    if (!stopped) await server.stop()
    for (const sink of sinks) sink.close()
  })

  const opened = <T extends { destroy(): void }>(client: T): T => {
    open.push(client)
    return client
  }
  const configOf = (
    credentials: {
      accessKeyId: string
      secretAccessKey: string
      sessionToken?: string
    } = server.credentials,
  ) => ({ endpoint: server.endpoint, region: 'eu-central-1', credentials, maxAttempts: 1 })
  const remember = (what: string, secret: string | Uint8Array | undefined): void => {
    assert.ok(secret)
    secrets.set(what, typeof secret === 'string' ? Buffer.from(secret) : secret)
  }

  test('go through every service', async () => {
    const kms = opened(new sdk.KMSClient(configOf()))
    const { KeyMetadata } = await kms.send(new sdk.CreateKeyCommand({}))
    const KeyId = KeyMetadata?.KeyId ?? ''
    const { CiphertextBlob } = await kms.send(
      new sdk.EncryptCommand({ KeyId, Plaintext: PLAINTEXT }),
    )
    await kms.send(new sdk.DecryptCommand({ CiphertextBlob }))
    const dataKey = await kms.send(new sdk.GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' }))
    remember('data key', dataKey.Plaintext)
    await kms.send(new sdk.RotateKeyOnDemandCommand({ KeyId }))
    const grant = await kms.send(
      new sdk.CreateGrantCommand({
        KeyId,
        GranteePrincipal:
          KeyMetadata?.Arn?.replace(/^arn:aws:kms:[^:]+:(\d+):.*/, 'arn:aws:iam::$1:root') ?? '',
        Operations: ['Decrypt'],
      }),
    )
    remember('grant token', grant.GrantToken)
    await kms.send(
      new sdk.DecryptCommand({ CiphertextBlob, GrantTokens: [grant.GrantToken ?? ''] }),
    )
    await assert.rejects(
      kms.send(new sdk.EncryptCommand({ KeyId: 'alias/none', Plaintext: PLAINTEXT })),
    )
    const people = opened(new iam.IAMClient(configOf()))
    await people.send(new iam.CreateUserCommand({ UserName: 'zoe' }))
    const { AccessKey } = await people.send(new iam.CreateAccessKeyCommand({ UserName: 'zoe' }))
    remember('user secret', AccessKey?.SecretAccessKey)
    const user = {
      accessKeyId: AccessKey?.AccessKeyId ?? '',
      secretAccessKey: AccessKey?.SecretAccessKey ?? '',
    }
    const tokens = opened(new sts.STSClient(configOf(user)))
    const { Credentials } = await tokens.send(new sts.GetSessionTokenCommand({}))
    remember('session secret', Credentials?.SecretAccessKey)
    remember('session token', Credentials?.SessionToken)
    const session = configOf({
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken ?? '',
    })
    const asSession = opened(new sdk.KMSClient(session))
    await assert.rejects(asSession.send(new sdk.EncryptCommand({ KeyId, Plaintext: PLAINTEXT })))
    const asSessionS3 = opened(new s3.S3Client({ ...session, forcePathStyle: true }))
    await assert.rejects(asSessionS3.send(new s3.ListBucketsCommand({})))
    const Bucket = `strongroom-audit-${KeyMetadata?.AWSAccountId}`
    const reader = opened(new s3.S3Client({ ...configOf(), forcePathStyle: true }))
    await reader.send(new s3.ListObjectsV2Command({ Bucket }))
    await assert.rejects(
      reader.send(new s3.PutObjectCommand({ Bucket, Key: 'x', Body: PLAINTEXT })),
    )
    const metrics = opened(new watch.CloudWatchClient(configOf()))
    await metrics.send(new watch.ListMetricsCommand({}))
    const events = opened(new trail.CloudTrailClient(configOf()))
    const found = await events.send(new trail.LookupEventsCommand({}))
    told.push({ where: 'LookupEvents', bytes: Buffer.from(JSON.stringify(found)) })
    await assert.rejects(
      opened(new trail.CloudTrailClient(session)).send(new trail.LookupEventsCommand({})),
    )
  })

  test('are nothing that the operator is shown', async () => {
    const kms = opened(new sdk.KMSClient(configOf()))
    const { Keys } = await kms.send(new sdk.ListKeysCommand({}))
    const KeyId = Keys?.[0]?.KeyId ?? ''
    const answer = await fetch(`${server.endpoint}/-/metrics`)
    told.push({ where: 'metrics', bytes: Buffer.from(await answer.text()) })
    for (const args of [
      ['status'],
      ['audit', 'search'],
      ['audit', 'stats'],
      ['events', 'status'],
      ['key', 'impact', KeyId],
      ['backup', join(folder, 'store.srb')],
    ]) {
      const done = await runStrongroom([...args, '--data', server.dataFolder, '--json'])
      assert.equal(done.exitCode, 0, `${args.join(' ')}: ${done.stderr}`)
      told.push({ where: args.join(' '), bytes: Buffer.from(done.stdout + done.stderr) })
    }
  })

  test('are in nothing that the node wrote or sent', async () => {
    const { credentialsFile, dataFolder } = server
    const root = server.credentials.secretAccessKey
    await server.stop()
    stopped = true
    told.push(...filesIn(dataFolder).filter(({ where }) => where !== credentialsFile))
    told.push(...filesIn(folder).filter(({ where }) => !where.endsWith('webhook-secret')))
    // The root credentials are printed once, by the first start.
    const output = server.stdout.replace(root, '') + server.stderr
    told.push({ where: 'output', bytes: Buffer.from(output) })
    for (const name of ['webhook', 'collector', 'anchor', 'output', 'LookupEvents', 'metrics'])
      assert.ok(
        told.some(({ where: from }) => from === name),
        name,
      )
    for (const { where: from, bytes } of told) {
      for (const [what, secret] of secrets) {
        for (const form of formsOf(secret)) assert.ok(!bytes.includes(form), `${what} in ${from}`)
      }
    }
  })
})
