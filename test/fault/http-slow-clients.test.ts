import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HttpReply } from '../../src/core/transport.ts'
import type { HttpLimits } from '../../src/server/http/http-limits.ts'
import { echo, GET, ManualHandler, serve, typeOf } from './http-fixture.ts'

for (const fastPath of [false, true]) {
  const short = (limits: Partial<HttpLimits>) => ({ fastPath, limits })

  describe(`HTTP with the fast path ${fastPath ? 'on' : 'off'}: slow clients`, () => {
    test('a head that does not arrive in time is refused, however it drips', async (t) => {
      const { client } = await serve(t, echo, short({ headTimeoutMs: 60 }))
      const raw = await client()
      const drip = setInterval(() => raw.socket.write('X'), 10)
      t.after(() => clearInterval(drip))
      await raw.send('GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ')
      assert.equal(typeOf(await raw.reply()), '408 RequestTimeoutException')
      assert.equal(await raw.rest(), '')
    })

    test('a connection that says nothing is closed', async (t) => {
      const { client } = await serve(t, echo, short({ headTimeoutMs: 60, idleTimeoutMs: 5000 }))
      const raw = await client()
      await raw.rest()
    })

    test('a body that does not arrive in time is refused', async (t) => {
      const { client } = await serve(t, echo, short({ headTimeoutMs: 60, requestTimeoutMs: 120 }))
      const raw = await client()
      const drip = setInterval(() => raw.socket.write('X'), 10)
      t.after(() => clearInterval(drip))
      await raw.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n')
      assert.equal(typeOf(await raw.reply()), '408 RequestTimeoutException')
    })

    test('a connection at rest between requests is closed without a word', async (t) => {
      const { client } = await serve(t, echo, short({ idleTimeoutMs: 60 }))
      const raw = await client()
      await raw.send(GET)
      assert.equal((await raw.reply())?.status, 200)
      assert.equal(await raw.rest(), '')
    })

    test('a handler may take longer than every time-out of the client', async (t) => {
      const manual = new ManualHandler()
      const limits = { headTimeoutMs: 20, requestTimeoutMs: 20, idleTimeoutMs: 20, lingerMs: 20 }
      const { client } = await serve(t, manual.handle, short({ ...limits, writeTimeoutMs: 20 }))
      const raw = await client()
      await raw.send(GET)
      await manual.arrived(1)
      // Another connection runs into its time-out meanwhile: that proves that time has passed.
      const silent = await client()
      await silent.rest()
      manual.answer()
      assert.equal((await raw.reply())?.body, 'done')
    })

    test('a client that does not read its reply is cut off, and the reply counts as written', async (t) => {
      let written = 0
      const body = 'x'.repeat(20_000_000)
      const cut = new Promise<void>((resolve) => {
        const handler = (): HttpReply => ({
          status: 200,
          headers: [],
          body: Buffer.from(body),
          written: () => {
            written += 1
            resolve()
          },
        })
        void serve(t, handler, short({ writeTimeoutMs: 60 })).then(async ({ client }) => {
          const raw = await client()
          raw.socket.pause()
          await raw.send(GET)
        })
      })
      await cut
      assert.equal(written, 1)
    })

    test('one connection more than allowed is closed', async (t) => {
      const { client, log } = await serve(t, echo, short({ connectionsMax: 2, headTimeoutMs: 500 }))
      const held = [await client(), await client()]
      await (await client()).rest()
      for (const raw of held) {
        await raw.send(GET)
        assert.equal((await raw.reply())?.status, 200)
      }
      while (log.lines.length === 0) await new Promise((resolve) => setImmediate(resolve))
      assert.equal(log.lines[0]?.level, 'warn')
    })
  })
}
