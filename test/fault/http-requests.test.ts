import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { closes, echo, GET, ManualHandler, post, type Seen, seenOf, serve } from './http-fixture.ts'

for (const fastPath of [false, true]) {
  const settings = { fastPath }

  describe(`HTTP with the fast path ${fastPath ? 'on' : 'off'}: requests`, () => {
    test('a reply has date, length, connection and the headers of the handler', async (t) => {
      const { client } = await serve(t, echo, settings)
      const raw = await client()
      const before = Math.floor(Date.now() / 1000) * 1000
      await raw.send(post('/x?y=%20', 'body'))
      const reply = await raw.reply()
      assert.equal(reply?.status, 200)
      assert.equal(reply?.body, 'POST /x?y=%20 body')
      assert.equal(reply?.headers.get('x-seen'), 'yes')
      assert.equal(reply?.headers.get('content-length'), '18')
      assert.equal(reply?.headers.get('connection'), 'keep-alive')
      const date = Date.parse(reply?.headers.get('date') ?? '')
      assert.ok(date >= before && date <= Date.now())
    })

    test('headers arrive as sent and by lower-case name, joined in order', async (t) => {
      const seen: Seen[] = []
      const { client } = await serve(
        t,
        (request) => {
          assert.equal(request.headers['constructor'], undefined)
          assert.equal(request.headers['toString'], undefined)
          assert.equal(request.connection.remoteAddress, '127.0.0.1')
          assert.equal(request.connection.tls, undefined)
          seen.push(seenOf(request))
          return { status: 200, headers: [], body: '' }
        },
        settings,
      )
      const raw = await client()
      await raw.send(
        'GET / HTTP/1.1\r\nhOsT: a\r\nX-Two:  1 \t\r\nx-two:2\r\n__proto__: p\r\nE:\r\n\r\n',
      )
      assert.equal((await raw.reply())?.status, 200)
      const sent = 'hOsT a X-Two 1 x-two 2 __proto__ p E '
      assert.deepEqual(seen[0]?.rawHeaders, sent.split(' '))
      assert.equal(seen[0]?.headers['host'], 'a')
      assert.equal(seen[0]?.headers['x-two'], '1, 2')
      assert.equal(seen[0]?.headers['e'], '')
    })

    test('a body in chunks, in pieces and of several kilobytes arrives whole', async (t) => {
      const { client } = await serve(t, echo, settings)
      const raw = await client()
      const large = 'z'.repeat(100_000)
      await raw.send(post('/large', large))
      assert.equal((await raw.reply())?.body, `POST /large ${large}`)
      await raw.send(
        'POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
      )
      await raw.send('2\r\nde\r\n0\r\n\r\n')
      assert.equal((await raw.reply())?.body, 'POST /c abcde')
    })

    test('pipelined requests are handled one after another and answered in order', async (t) => {
      const manual = new ManualHandler()
      const { client } = await serve(t, manual.handle, settings)
      const raw = await client()
      await raw.send(post('/1', 'a') + GET + post('/3', 'c'))
      for (const [index, target] of ['/1', '/a', '/3'].entries()) {
        await manual.arrived(index + 1)
        assert.equal(manual.requests.length, index + 1)
        assert.equal(manual.requests[index]?.target, target)
        manual.answer({ body: target })
        assert.equal((await raw.reply())?.body, target)
      }
    })

    test('a thousand pipelined requests are answered in order', async (t) => {
      const { client } = await serve(t, echo, settings)
      const raw = await client()
      const targets = Array.from({ length: 1000 }, (_, index) => `/${index}`)
      await raw.send(targets.map((target) => post(target, 'x')).join(''))
      for (const target of targets) assert.equal((await raw.reply())?.body, `POST ${target} x`)
    })

    test('a connection closes when the client says so, and for HTTP/1.0', async (t) => {
      const { client } = await serve(t, echo, settings)
      for (const head of ['GET / HTTP/1.1\r\nHost: a\r\nConnection: close', 'GET / HTTP/1.0']) {
        const raw = await client()
        await raw.send(`${head}\r\n\r\n`)
        const reply = await raw.reply()
        assert.equal(reply?.body, 'GET / ')
        assert.ok(closes(reply))
        assert.equal(await raw.rest(), '')
      }
    })

    test('HTTP/1.0 with keep-alive is kept open', async (t) => {
      const { client } = await serve(t, echo, settings)
      const raw = await client()
      for (const target of ['/1', '/2']) {
        await raw.send(`GET ${target} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`)
        const reply = await raw.reply()
        assert.equal(reply?.body, `GET ${target} `)
        assert.equal(reply?.headers.get('connection'), 'keep-alive')
      }
    })

    test('a client that waits for 100-continue gets it, and the reply', async (t) => {
      const { client } = await serve(t, echo, settings)
      const raw = await client()
      await raw.send(
        'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n',
      )
      await once(raw.socket, 'data')
      assert.match(raw.unread, /^HTTP\/1\.1 100 Continue\r\n\r\n$/)
      await raw.send('ok')
      assert.equal((await raw.reply())?.body, 'POST / ok')
    })

    test('a HEAD request gets the head alone', async (t) => {
      const { client } = await serve(t, echo, settings)
      const raw = await client()
      await raw.send('HEAD /h HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      const text = await raw.rest()
      assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
      assert.match(text, /Content-Length: 8\r\n/)
      assert.ok(text.endsWith('\r\n\r\n'))
    })

    test('a text beyond ASCII and bytes are sent whole', async (t) => {
      const bodies: (string | Uint8Array)[] = ['grün €', new Uint8Array([0, 255, 10]), '']
      const { client } = await serve(
        t,
        () => ({ status: 200, headers: [], body: bodies.shift() ?? '' }),
        settings,
      )
      const raw = await client()
      await raw.send(GET + GET + GET)
      assert.equal((await raw.reply())?.body, 'grün €')
      assert.equal((await raw.reply())?.body, Buffer.from([0, 255, 10]).toString('utf8'))
      assert.equal((await raw.reply())?.body, '')
    })

    test('a client that stops sending after its request still gets the reply', async (t) => {
      const manual = new ManualHandler()
      const { client } = await serve(t, manual.handle, settings)
      const raw = await client()
      raw.socket.end(Buffer.from(GET, 'latin1'))
      await manual.arrived(1)
      manual.answer()
      assert.equal((await raw.reply())?.body, 'done')
      assert.equal(await raw.rest(), '')
    })
  })
}
