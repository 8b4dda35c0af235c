import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-kms'
import { startServer } from '../support/server-process.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { key: string; value: { stringValue: string } }[]
  readonly status: { readonly code: number }
}

interface Collector extends AsyncDisposable {
  readonly endpoint: string
  readonly paths: readonly string[]
  readonly spans: readonly Span[]
}

/** What an OpenTelemetry collector is to its clients, as far as they can see. */
async function startCollector(): Promise<Collector> {
  const paths: string[] = []
  const spans: Span[] = []
  const server = createServer((request, response) => {
    paths.push(request.url ?? '')
    let text = ''
    request.setEncoding('utf8')
    request.on('data', (piece: string) => (text += piece))
    request.on('end', () => {
      for (const { scopeSpans } of JSON.parse(text).resourceSpans) {
        for (const scope of scopeSpans) spans.push(...scope.spans)
      }
      response.setHeader('content-type', 'application/json').end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on TCP has a port.
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    paths,
    spans,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** A client whose requests belong to a trace, or do not. */
function clientOf(
  server: { readonly endpoint: string; readonly credentials: sdk.KMSClientConfig['credentials'] },
  traceparent?: string,
): sdk.KMSClient {
  const { endpoint, credentials } = server
  const client = new sdk.KMSClient({
    endpoint,
    region: 'eu-central-1',
    maxAttempts: 1,
    ...(credentials !== undefined && { credentials }),
  })
  if (traceparent !== undefined) {
    client.middlewareStack.add(
      (next) => (args) => {
        const { request } = args
        if (typeof request === 'object' && request !== null && 'headers' in request) {
          Object.assign(Object(request.headers), { traceparent })
        }
        return next(args)
      },
      { step: 'build' },
    )
  }
  return client
}

const attributesOf = ({ attributes }: Span): Record<string, string> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]))

describe('--otlp-endpoint', () => {
  test('gets the spans of traced calls and of their stages, and no others', async () => {
    await using collector = await startCollector()
    const flags = ['--otlp-endpoint', collector.endpoint, '--trace-sample', '0']
    await using server = await startServer({ flags })
    const traced = clientOf(server, `00-${TRACE}-${SPAN}-01`)
    const plain = clientOf(server)
    const { KeyMetadata } = await traced.send(new sdk.CreateKeyCommand({}))
    const KeyId = KeyMetadata?.KeyId
    const { $metadata } = await traced.send(
      new sdk.EncryptCommand({ KeyId, Plaintext: Buffer.from('canary') }),
    )
    await assert.rejects(traced.send(new sdk.DescribeKeyCommand({ KeyId: 'alias/none' })))
    await plain.send(new sdk.ListKeysCommand({}))
    for (const client of [traced, plain]) client.destroy()
    await server.stop()

    assert.ok(collector.paths.every((path) => path === '/v1/traces'))
    const roots = collector.spans.filter(({ kind }) => kind === 2)
    assert.deepEqual(
      roots.map(({ name }) => name),
      ['kms.CreateKey', 'kms.Encrypt', 'kms.DescribeKey'],
    )
    for (const { traceId, parentSpanId } of collector.spans) {
      assert.equal(traceId, TRACE)
      assert.ok(parentSpanId === SPAN || roots.some(({ spanId }) => spanId === parentSpanId))
    }
    const [, encrypt, describeKey] = roots
    assert.ok(encrypt && describeKey)
    const stages = collector.spans.filter(({ parentSpanId }) => parentSpanId === encrypt.spanId)
    assert.deepEqual(
      stages.map(({ name }) => name),
      ['authenticate', 'authorize', 'handle', 'audit'],
    )
    const times = [
      encrypt.startTimeUnixNano,
      ...stages.map(({ endTimeUnixNano }) => endTimeUnixNano),
      encrypt.endTimeUnixNano,
    ].map(BigInt)
    assert.ok(times.every((time, at) => at === 0 || time >= (times[at - 1] ?? 0n)))
    assert.ok(Math.abs(Number((times[0] ?? 0n) / 1_000_000n) - Date.now()) < 600_000)
    assert.deepEqual(attributesOf(encrypt), {
      'rpc.system': 'aws-api',
      'rpc.service': 'kms',
      'rpc.method': 'Encrypt',
      'aws.request_id': $metadata.requestId,
      'strongroom.outcome': 'success',
    })
    assert.equal(attributesOf(describeKey)['error.type'], 'NotFoundException')
    assert.ok(!JSON.stringify(collector.spans).includes(KeyId ?? 'none'))
  })

  test('that nobody listens at fails no call, and the log tells of it once', async () => {
    const flags = ['--otlp-endpoint', 'http://127.0.0.1:9', '--trace-sample', '1']
    await using server = await startServer({ flags })
    const kms = clientOf(server)
    for (let at = 0; at < 5; at++) await kms.send(new sdk.ListKeysCommand({}))
    kms.destroy()
    await server.stop()
    const told = server.stderr.split('\n').filter((line) => line.includes('collector'))
    assert.equal(told.length, 1)
    assert.match(told[0] ?? '', /"why":"no connection: ECONNREFUSED"/)
  })
})
