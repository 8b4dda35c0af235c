import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HttpLimits } from '../../src/server/http/http-limits.ts'
import {
  closes,
  echo,
  GET,
  ManualHandler,
  post,
  type Seen,
  seenOf,
  serve,
  typeOf,
} from './http-fixture.ts'

for (const fastPath of [false, true]) {
  const settings = { fastPath }
  const short = (limits: Partial<HttpLimits>) => ({ fastPath, limits })

  describe(`HTTP with the fast path ${fastPath ? 'on' : 'off'}: refusals`, () => {
    test('a body announced too large is refused before it is read', async (t) => {
      const { client } = await serve(t, echo, short({ bodyBytesMax: 10 }))
      const raw = await client()
      await raw.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n')
      const reply = await raw.reply()
      assert.equal(typeOf(reply), '413 RequestEntityTooLargeException')
      assert.ok(closes(reply))
    })

    test('a body that grows too large in chunks is refused', async (t) => {
      const { client } = await serve(t, echo, short({ bodyBytesMax: 10 }))
      const raw = await client()
      await raw.send(
        'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n',
      )
      assert.equal(typeOf(await raw.reply()), '413 RequestEntityTooLargeException')
    })

    test('the refusal of a large body is not overtaken by a reset', async (t) => {
      const { client } = await serve(t, echo, short({ bodyBytesMax: 10 }))
      const raw = await client()
      const sent = raw.send(post('/', 'x'.repeat(3_000_000)))
      assert.equal(typeOf(await raw.reply()), '413 RequestEntityTooLargeException')
      await sent
    })

    test('a body of exactly the limit is served', async (t) => {
      const { client } = await serve(t, echo, short({ bodyBytesMax: 10 }))
      const raw = await client()
      await raw.send(post('/', '0123456789'))
      assert.equal((await raw.reply())?.body, 'POST / 0123456789')
    })

    test('a head too large and headers too many are refused', async (t) => {
      const { client } = await serve(t, echo, short({ headBytesMax: 2000, headersMax: 5 }))
      const heads = [
        `X-A: ${'a'.repeat(3000)}\r\n`,
        'X-A: a\r\n'.repeat(5),
        'X-A: a\r\n'.repeat(90),
      ]
      for (const lines of heads) {
        const raw = await client()
        await raw.send(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`)
        const reply = await raw.reply()
        assert.equal(typeOf(reply), '431 RequestHeaderFieldsTooLargeException')
        assert.ok(closes(reply))
      }
      const raw = await client()
      await raw.send(`GET / HTTP/1.1\r\nHost: a\r\n${'X-A: a\r\n'.repeat(4)}\r\n`)
      assert.equal((await raw.reply())?.status, 200)
    })

    test('what is not HTTP is refused and never reaches the handler', async (t) => {
      const seen: Seen[] = []
      const { client } = await serve(
        t,
        (request) => {
          seen.push(seenOf(request))
          return { status: 200, headers: [], body: '' }
        },
        settings,
      )
      const requests = [
        'nonsense\r\n\r\n',
        'GET / HTTP/1.1\r\n\r\n',
        'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
        'GET / HTTP/3.7\r\nHost: a\r\n\r\n',
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n',
        '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      ]
      for (const request of requests) {
        const raw = await client()
        await raw.send(request)
        const reply = await raw.reply()
        assert.equal(typeOf(reply), '400 MalformedHttpRequestException', JSON.stringify(request))
        assert.ok(closes(reply))
        assert.equal(await raw.rest(), '')
      }
      assert.deepEqual(seen, [])
    })

    test('a request before malformed input gets its own reply first', async (t) => {
      const manual = new ManualHandler()
      const { client } = await serve(t, manual.handle, settings)
      const raw = await client()
      await raw.send(`${post('/good', 'b')}BAD\r\n\r\n`)
      await manual.arrived(1)
      manual.answer({ body: 'good' })
      assert.equal((await raw.reply())?.body, 'good')
      assert.equal(typeOf(await raw.reply()), '400 MalformedHttpRequestException')
      assert.equal(manual.requests.length, 1)
    })

    test('a request that ends in the middle is refused', async (t) => {
      const { client } = await serve(t, echo, settings)
      for (const part of [GET.slice(0, 20), post('/', 'abc').slice(0, -1)]) {
        const raw = await client()
        raw.socket.end(Buffer.from(part, 'latin1'))
        assert.equal(typeOf(await raw.reply()), '400 MalformedHttpRequestException')
      }
    })

    test('CONNECT and unknown expectations are refused, an upgrade is ignored', async (t) => {
      const { client } = await serve(t, echo, settings)
      const tunnel = await client()
      await tunnel.send('CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n')
      assert.equal(typeOf(await tunnel.reply()), '405 MethodNotAllowedException')
      const hopeful = await client()
      await hopeful.send('GET / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n')
      assert.equal(typeOf(await hopeful.reply()), '417 ExpectationFailedException')
      const upgrading = await client()
      await upgrading.send(
        'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
      )
      assert.equal((await upgrading.reply())?.status, 200)
    })

    test('a handler that throws or rejects gives 500 and an error in the log', async (t) => {
      const failures = [
        () => {
          throw new Error('thrown')
        },
        () => Promise.reject(new Error('rejected')),
        () => ({ status: 200, headers: ['X-Split', 'a\r\nSet-Cookie: b'], body: '' }),
        () => ({ status: 200, headers: ['Content-Length', '7'], body: '' }),
        () => ({ status: 42, headers: [], body: '' }),
      ]
      const { client, log } = await serve(t, () => (failures.shift() ?? assert.fail)(), settings)
      const raw = await client()
      for (let count = 1; count <= 5; count += 1) {
        await raw.send(GET)
        assert.equal(typeOf(await raw.reply()), '500 InternalFailure')
        assert.equal(log.lines.length, count)
        assert.equal(log.lines.at(-1)?.level, 'error')
      }
    })
  })
}
