import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { wireRequest } from '../../../test/support/wire-request.ts'
import { OperatorError } from '../../core/errors.ts'
import type { Connection } from '../../core/transport.ts'
import { chooseTrustedProxies, withTrustedProxies } from './trusted-proxies.ts'

const TLS = { version: 'TLSv1.3', cipherSuite: 'TLS_AES_256_GCM_SHA384' }

/** The connection as the handler sees it. */
function seen(
  connection: Connection,
  headers: readonly string[],
  networks: readonly string[] = ['10.0.0.0/8', '2001:db8::/32'],
): Connection {
  const got: Connection[] = []
  const handler = withTrustedProxies((request) => {
    got.push(request.connection)
    return { status: 200, headers: [], body: '' }
  }, chooseTrustedProxies(networks))
  void handler({ ...wireRequest({ headers }), connection })
  const [only] = got
  assert.ok(only)
  return only
}

const from = (remoteAddress: string): Connection => ({ remoteAddress })
const forwardedFor = (list: string) => ['X-Forwarded-For', list]

describe('trusted proxies', () => {
  test('are none unless they are named, and then the handler is as it was', () => {
    const handler = () => ({ status: 200, headers: [], body: '' })
    assert.equal(withTrustedProxies(handler, chooseTrustedProxies(undefined)), handler)
    assert.equal(withTrustedProxies(handler, chooseTrustedProxies([])), handler)
  })

  test('are networks', () => {
    for (const text of [
      '',
      'proxy.example.com',
      '10.0.0.0/33',
      '10.0.0',
      '10.0.0.0/8/8',
      '::/129',
    ]) {
      assert.throws(() => chooseTrustedProxies(['10.0.0.1', text]), OperatorError)
    }
  })

  test('tell the address of the client', () => {
    for (const [list, client] of [
      ['192.0.2.7', '192.0.2.7'],
      [' 192.0.2.7 ', '192.0.2.7'],
      ['192.0.2.7, 10.1.2.3', '192.0.2.7'],
      ['192.0.2.7,10.1.2.3,2001:db8::5', '192.0.2.7'],
      // Whoever is no proxy of ours can have written what is before it.
      ['198.51.100.1, 192.0.2.7', '192.0.2.7'],
      ['10.9.9.9, 192.0.2.7, 10.1.2.3', '192.0.2.7'],
      ['nonsense, 192.0.2.7', '192.0.2.7'],
      ['10.9.9.9, 10.1.2.3', '10.9.9.9'],
      ['192.0.2.7:4711', '192.0.2.7'],
      ['[2001:DB9::1]:4711', '2001:db9::1'],
      ['[2001:db9::1]', '2001:db9::1'],
      ['2001:db9::1', '2001:db9::1'],
      ['::ffff:192.0.2.7', '192.0.2.7'],
      ['::ffff:c000:207', '192.0.2.7'],
      ['192.0.2.7, ::ffff:10.0.0.1', '192.0.2.7'],
    ] as const) {
      assert.deepEqual(seen(from('10.0.0.1'), forwardedFor(list)), from(client), list)
    }
  })

  test('are not believed what cannot be read', () => {
    for (const list of [
      '',
      ',',
      'unknown',
      '192.0.2.7,',
      '192.0.2.7, _hidden',
      '192.0.2.7, 10.0.0.256',
      '192.0.2.7:port',
      '192.0.2.7 198.51.100.1',
      '0300.0.2.7',
      '[192.0.2.7',
      'fe80::1%eth0',
      'ssm.amazonaws.com',
    ]) {
      assert.deepEqual(seen(from('10.0.0.1'), forwardedFor(list)), from('10.0.0.1'), list)
    }
  })

  test('are told by their address, however the socket writes it', () => {
    for (const peer of ['10.0.0.1', '::ffff:10.0.0.1', '2001:db8::1']) {
      assert.deepEqual(seen(from(peer), forwardedFor('192.0.2.7')), from('192.0.2.7'), peer)
    }
    for (const peer of ['11.0.0.1', '::1', 'local', 'ssm.amazonaws.com']) {
      const headers = [...forwardedFor('192.0.2.7'), 'X-Forwarded-Proto', 'https']
      const connection = from(peer)
      assert.equal(seen(connection, headers), connection)
    }
  })

  test('tell whether the client came over TLS, but not which version', () => {
    const proxied = (proto: string, connection: Connection = from('10.0.0.1')) =>
      seen(connection, ['X-Forwarded-Proto', proto])
    const overTls = { ...from('10.0.0.1'), tls: TLS }
    const secure = { ...from('10.0.0.1'), protectedBy: 'proxy' } as const
    for (const proto of ['https', 'HTTPS', 'https, https']) {
      assert.deepEqual(proxied(proto), secure)
      assert.deepEqual(proxied(proto, overTls), secure)
    }
    for (const proto of ['http', 'https, http', 'http, https']) {
      assert.deepEqual(proxied(proto), from('10.0.0.1'))
      assert.deepEqual(proxied(proto, overTls), from('10.0.0.1'))
    }
    for (const proto of ['', 'wss', 'https; x', 'true']) {
      assert.deepEqual(proxied(proto), from('10.0.0.1'))
      assert.deepEqual(proxied(proto, overTls), overTls)
    }
  })
})
