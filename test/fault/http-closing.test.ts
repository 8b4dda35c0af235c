import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { closes, echo, GET, ManualHandler, post, serve } from './http-fixture.ts'

for (const fastPath of [false, true]) {
  const settings = { fastPath }

  describe(`HTTP with the fast path ${fastPath ? 'on' : 'off'}: written`, () => {
    test('is called once after a reply', async (t) => {
      let written = 0
      const { client } = await serve(
        t,
        () => ({ status: 200, headers: [], body: 'b', written: () => (written += 1) }),
        settings,
      )
      const raw = await client()
      await raw.send(GET + GET)
      await raw.reply()
      await raw.reply()
      await raw.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      await raw.reply()
      await raw.rest()
      assert.equal(written, 3)
    })

    test('is called once when the client has gone before the reply', async (t) => {
      const manual = new ManualHandler()
      const { client, transport } = await serve(t, manual.handle, settings)
      const raw = await client()
      await raw.send(GET)
      await manual.arrived(1)
      raw.socket.resetAndDestroy()
      // A whole exchange on another connection: the server has read the reset by then.
      const other = await client()
      await other.send(GET)
      await manual.arrived(2)
      let written = 0
      manual.answer({ written: () => (written += 1) })
      manual.answer()
      await other.reply()
      await transport.close(1000)
      assert.equal(written, 1)
    })
  })

  describe(`HTTP with the fast path ${fastPath ? 'on' : 'off'}: closing`, () => {
    // node:http closes such a connection itself.
    if (fastPath) {
      test('a client that has just connected may still send its first request', async (t) => {
        const { client, transport } = await serve(t, echo, settings)
        const other = await client()
        await other.send(GET)
        await other.reply()
        const raw = await client()
        // Another exchange shows that the server has accepted the connection.
        await other.send(GET)
        await other.reply()
        const closed = transport.close(60_000)
        assert.equal(await other.rest(), '')
        await raw.send(GET)
        const reply = await raw.reply()
        assert.equal(reply?.status, 200)
        assert.ok(closes(reply))
        await closed
      })
    }

    test('a client that has connected and says nothing is not waited for', async (t) => {
      const { client, transport } = await serve(t, echo, settings)
      const silent = await client()
      await transport.close(60_000)
      assert.equal(await silent.rest(), '')
    })

    test('idle connections close at once, requests in flight finish, nobody new gets in', async (t) => {
      const manual = new ManualHandler()
      const { client, transport, port } = await serve(t, manual.handle, settings)
      const idle = await client()
      await idle.send(GET)
      await manual.arrived(1)
      manual.answer()
      await idle.reply()
      const busy = await client()
      await busy.send(GET)
      await manual.arrived(2)
      const closed = transport.close(60_000)
      assert.equal(transport.close(0), closed)
      assert.equal(await idle.rest(), '')
      const late = connect(port, '127.0.0.1')
      const [error] = await once(late, 'error')
      assert.equal(error.code, 'ECONNREFUSED')
      manual.answer({ body: 'finished' })
      const reply = await busy.reply()
      assert.equal(reply?.body, 'finished')
      assert.ok(closes(reply))
      await closed
    })

    test('a request whose body is on its way when closing begins is served', async (t) => {
      const { client, transport } = await serve(t, echo, settings)
      const raw = await client()
      const request = post('/', 'half and half')
      await raw.send(request.slice(0, -4))
      // Another exchange shows that the server has read the first half.
      const other = await client()
      await other.send(GET)
      await other.reply()
      const closed = transport.close(60_000)
      await other.rest()
      await raw.send(request.slice(-4))
      const reply = await raw.reply()
      assert.equal(reply?.body, 'POST / half and half')
      assert.ok(closes(reply))
      raw.close()
      await closed
    })

    test('after it was announced, each answer ends its connection, and new ones are taken', async (t) => {
      const { client, transport } = await serve(t, echo, settings)
      const kept = await client()
      await kept.send(GET)
      assert.ok(!closes(await kept.reply()))
      transport.endConnections()
      await kept.send(GET)
      const last = await kept.reply()
      assert.equal(last?.status, 200)
      assert.ok(closes(last))
      assert.equal(await kept.rest(), '')
      const later = await client()
      await later.send(GET)
      const reply = await later.reply()
      assert.equal(reply?.status, 200)
      assert.ok(closes(reply))
    })

    test('what has not finished after the grace is cut off', async (t) => {
      const manual = new ManualHandler()
      const { client, transport } = await serve(t, manual.handle, settings)
      const raw = await client()
      await raw.send(GET)
      await manual.arrived(1)
      await transport.close(20)
      assert.equal(await raw.reply(), undefined)
    })

    test('closing under load loses no request that a handler has seen', async (t) => {
      let handled = 0
      const { client, transport } = await serve(
        t,
        async (request) => {
          handled += 1
          await new Promise((resolve) => setImmediate(resolve))
          return echo(request)
        },
        settings,
      )
      const clients = await Promise.all(Array.from({ length: 20 }, () => client()))
      const answered = await Promise.all(
        clients.map(async (raw, index) => {
          let replies = 0
          for (;;) {
            await raw.send(post('/', 'x'))
            if ((await raw.reply()) === undefined) return replies
            replies += 1
            if (index === 7 && replies === 30) void transport.close(10_000)
          }
        }),
      )
      assert.equal(
        answered.reduce((sum, replies) => sum + replies, 0),
        handled,
      )
    })
  })
}
