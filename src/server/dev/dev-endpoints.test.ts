import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { wireRequest } from '../../../test/support/wire-request.ts'
import type { HttpReply } from '../../core/transport.ts'
import { withAdminRoutes } from '../admin-endpoints.ts'
import { devRoutes } from './dev-endpoints.ts'

const LOOPBACK = ['Host', '127.0.0.1:7600']

describe('the endpoints of strongroom dev', () => {
  let done: string[]

  beforeEach(() => {
    done = []
  })

  const routes = devRoutes({
    advance: async (milliseconds) => {
      done.push(`advance ${milliseconds}`)
      return 'later'
    },
    set: async (time) => {
      done.push(`set ${new Date(time).toISOString()}`)
      return 'then'
    },
    reset: async () => {
      done.push('reset')
    },
  })
  const handler = withAdminRoutes(() => {
    throw new Error('the API was asked')
  }, routes)

  const post = (
    target: string,
    body: unknown,
    headers: readonly string[] = LOOPBACK,
  ): HttpReply | Promise<HttpReply> =>
    handler(
      wireRequest({
        target,
        headers,
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    )

  test('move the clock by seconds, also by a fraction and backwards', async () => {
    for (const advanceSeconds of [0, 1, 0.5, -3600, 604_800]) {
      const reply = await post('/-/dev/clock', { advanceSeconds })
      assert.deepEqual([reply.status, reply.body], [200, '{"now":"later"}\n'])
    }
    assert.deepEqual(done, [
      'advance 0',
      'advance 1000',
      'advance 500',
      'advance -3600000',
      'advance 604800000',
    ])
  })

  test('set the clock to a time with or without its day’s time', async () => {
    for (const set of ['2030-01-31T12:00:00Z', '2030-01-31T14:00:00.5+02:00', '2030-01-31']) {
      assert.equal((await post('/-/dev/clock', { set })).status, 200)
    }
    assert.deepEqual(done, [
      'set 2030-01-31T12:00:00.000Z',
      'set 2030-01-31T12:00:00.500Z',
      'set 2030-01-31T00:00:00.000Z',
    ])
  })

  test('refuse what is neither, and do nothing', async () => {
    for (const body of [
      '',
      'x',
      '[]',
      'null',
      '5',
      {},
      { advanceSeconds: 1, set: '2030-01-31' },
      { advanceSeconds: '1' },
      { advanceSeconds: null },
      '{"advanceSeconds": 1e300}',
      { set: 5 },
      { set: 'tomorrow' },
      { set: '2030-13-31' },
      { set: '31.1.2030' },
    ]) {
      const reply = await post('/-/dev/clock', body)
      assert.equal(reply.status, 400, JSON.stringify(body))
      assert.match(String(reply.body), /^\{"error":"/)
    }
    assert.deepEqual(done, [])
  })

  test('empty everything', async () => {
    assert.equal((await post('/-/dev/reset', '')).status, 200)
    assert.deepEqual(done, ['reset'])
  })

  test('refuse whatever a web page could send', async () => {
    for (const headers of [
      [...LOOPBACK, 'Origin', 'https://example.com'],
      [...LOOPBACK, 'Origin', 'null'],
      ['Host', 'example.com'],
      ['Host', 'localhost.example.com'],
      ['Host', '127.0.0.1.example.com:7600'],
      ['Host', '10.0.0.1:7600'],
      ['Host', '127.0.0.1:7600', 'Host', 'example.com'],
      [],
    ]) {
      for (const target of ['/-/dev/reset', '/-/dev/clock']) {
        assert.equal((await post(target, { advanceSeconds: 1 }, headers)).status, 403)
      }
    }
    for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1', '127.255.0.9:80', '[::1]:7600']) {
      assert.equal((await post('/-/dev/reset', '', ['Host', host])).status, 200, host)
    }
  })

  test('know no other method and no other path', async () => {
    for (const [method, target, status] of [
      ['GET', '/-/dev/reset', 405],
      ['PUT', '/-/dev/clock', 405],
      ['POST', '/-/dev/other', 404],
      ['POST', '/-/dev/reset/', 404],
      ['POST', '/-/constructor', 404],
    ] as const) {
      const reply = await handler(wireRequest({ method, target, headers: LOOPBACK }))
      assert.equal(reply.status, status, `${method} ${target}`)
    }
    assert.deepEqual(done, [])
  })
})
