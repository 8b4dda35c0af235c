import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import type { HttpReply, HttpRequest } from '../../core/transport.ts'
import { chooseMetricsReaders, metricsRoutes } from './metrics-endpoint.ts'
import { NodeMetrics } from './node-metrics.ts'

const requestFrom = (
  remoteAddress: string,
  headers: Readonly<Record<string, string>> = {},
): HttpRequest => ({
  method: 'GET',
  target: '/-/metrics',
  rawHeaders: [],
  headers: { host: 'localhost:7600', ...headers },
  body: Buffer.alloc(0),
  connection: { remoteAddress },
})

async function ask(networks: readonly string[], request: HttpRequest): Promise<HttpReply> {
  const metrics = new NodeMetrics()
  const route = metricsRoutes(() => metrics, chooseMetricsReaders(networks)).get('GET /-/metrics')
  assert.ok(route)
  try {
    return await route(request)
  } finally {
    await metrics.close()
  }
}

describe('GET /-/metrics', () => {
  test('tells programs on this machine', async () => {
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
      const reply = await ask([], requestFrom(address))
      assert.equal(reply.status, 200)
      assert.equal(reply.headers[1], 'text/plain; version=0.0.4; charset=utf-8')
      assert.match(String(reply.body), /^strongroom_build_info\{version="[\d.]+"\} 1$/m)
    }
  })

  test('speaks OpenMetrics to who asks for it', async () => {
    const reply = await ask(
      [],
      requestFrom('127.0.0.1', { accept: 'application/openmetrics-text;version=1.0.0' }),
    )
    assert.equal(reply.headers[1], 'application/openmetrics-text; version=1.0.0; charset=utf-8')
    assert.match(String(reply.body), /# EOF\n$/)
  })

  test('tells other machines only where their network is named', async () => {
    assert.equal((await ask([], requestFrom('10.1.2.3'))).status, 403)
    assert.equal((await ask(['192.0.2.0/24'], requestFrom('10.1.2.3'))).status, 403)
    assert.equal((await ask(['10.0.0.0/8'], requestFrom('10.1.2.3'))).status, 200)
    assert.equal((await ask(['10.0.0.0/8'], requestFrom('::ffff:10.1.2.3'))).status, 200)
  })

  test('takes nobody for local who came through a proxy on this machine, nor a page', async () => {
    for (const headers of [
      { 'x-forwarded-for': '203.0.113.9' },
      { forwarded: 'for=203.0.113.9' },
      { origin: 'https://example.com' },
    ]) {
      for (const address of ['127.0.0.1', '::ffff:127.0.0.1']) {
        const reply = await ask([], requestFrom(address, headers))
        assert.equal(reply.status, 403)
        assert.match(String(reply.body), /--metrics-from/)
      }
    }
  })

  test('tells nothing to a page whose name was made to point here', async () => {
    const answer = async (host: string, networks: readonly string[] = []): Promise<number> =>
      (await ask(networks, requestFrom('127.0.0.1', { host }))).status
    for (const host of ['localhost', '127.0.0.1:7600', '[::1]:7600', 'LOCALHOST:7600'])
      assert.equal(await answer(host), 200, host)
    for (const host of [
      'rebound.example.com:7600',
      '127.0.0.1.example.com',
      'localhost.example.com',
      '',
    ])
      assert.equal(await answer(host), 403, host)
    // To other machines the node has whatever name they know it by.
    const named = requestFrom('10.1.2.3', { host: 'kms.example.com' })
    assert.equal((await ask(['10.0.0.0/8'], named)).status, 200)
  })
})

test('what is no network is refused at the start', () => {
  assert.throws(() => chooseMetricsReaders(['everywhere']), /'everywhere' is no network/)
})
